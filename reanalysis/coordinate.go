package reanalysis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sort"
	"strings"
	"time"
)

// Publisher is the coordinator's side of a queue.
type Publisher interface {
	// Publish offers a window. Offering it again, with the same label, does no harm.
	Publish(ctx context.Context, t Ticket, label string) error
	// Idle reports whether nothing is offered, nor in anybody's hands.
	Idle(ctx context.Context) (bool, error)
	// Finished brings the numbers of windows that workers say are done, as a hint:
	// some may be missing.
	Finished() <-chan int
}

// Coordinator publishes the windows that can be computed, watches for their results,
// and joins them.
type Coordinator struct {
	Batch  *Batch
	Plan   *Plan
	Joiner *Joiner
	Queue  Publisher
	Log    *slog.Logger
	// Progress, if not nil, is called with the windows done and their number.
	Progress func(done, total int)

	waiting map[int]int  // windows not published, by the number of those they wait for
	offered map[int]bool // published, not known to be done
	needed  map[int][]int
	done    int
	failed  []int
	joined  time.Time
	idle    int // times in a row that the queue was found idle
}

// ahead bounds the windows that are offered at a time, so that the bridges between
// windows come soon behind them and the product grows.
const ahead = 256

// patrol is the time after which results are looked for without a hint.
const patrol = time.Second

// FailedError lists windows that were given up.
type FailedError struct {
	Windows []int
	Blocked int // windows that need one of them
}

// Error names the windows and the cure.
func (e *FailedError) Error() string {
	names := make([]string, 0, 10)
	for _, k := range e.Windows[:min(10, len(e.Windows))] {
		names = append(names, fmt.Sprint(k))
	}
	if len(e.Windows) > 10 {
		names = append(names, "...")
	}
	text := fmt.Sprintf("%d windows failed (%s)", len(e.Windows), strings.Join(names, ", "))
	if e.Blocked > 0 {
		text += fmt.Sprintf(" and %d that need them were not computed", e.Blocked)
	}
	return text + "; see their logs in the folder " + failureFolder + ", and run again to retry"
}

// Run works until every window is done and joined, or all that are left have failed or
// need one that has: then the error is a *FailedError.
func (c *Coordinator) Run(ctx context.Context) error {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if err := c.begin(ctx); err != nil {
		return err
	}
	ticker := time.NewTicker(patrol)
	defer ticker.Stop()
	for {
		if err := c.join(len(c.offered) == 0); err != nil {
			return err
		}
		if len(c.offered) == 0 {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case k := <-c.Queue.Finished():
			if err := c.look(ctx, k); err != nil {
				return err
			}
		case <-ticker.C:
			if err := c.lookAll(ctx); err != nil {
				return err
			}
		}
	}
	if len(c.failed) > 0 {
		sort.Ints(c.failed)
		return &FailedError{c.failed, len(c.waiting)}
	}
	return nil
}

// begin finds out what is done, and publishes what can be computed.
func (c *Coordinator) begin(ctx context.Context) error {
	c.waiting, c.offered, c.needed = map[int]int{}, map[int]bool{}, map[int][]int{}
	finished := make([]bool, len(c.Plan.Jobs))
	for k, j := range c.Plan.Jobs {
		var err error
		if finished[k], err = c.Batch.Finished(j); err != nil {
			return err
		}
	}
	for k, j := range c.Plan.Jobs {
		if finished[k] {
			c.done++
			continue
		}
		c.waiting[k] = 0
		for _, n := range j.Needs {
			if !finished[n] {
				c.waiting[k]++
				c.needed[n] = append(c.needed[n], k)
			}
		}
	}
	return c.offer(ctx)
}

// offer publishes the windows that wait for none, the first ones first.
func (c *Coordinator) offer(ctx context.Context) error {
	var ready []int
	for k, left := range c.waiting {
		if left == 0 {
			ready = append(ready, k)
		}
	}
	sort.Ints(ready)
	for _, k := range ready {
		if len(c.offered) >= ahead {
			return nil
		}
		j := c.Plan.Jobs[k]
		label := j.Fingerprint
		if c.Batch.retried(j) {
			label += time.Now().Format(" retried 20060102T150405")
		}
		if err := c.Queue.Publish(ctx, Ticket{Window: k, Fingerprint: j.Fingerprint}, label); err != nil {
			return fmt.Errorf("offering window %d: %w", k, err)
		}
		delete(c.waiting, k)
		c.offered[k] = true
	}
	return nil
}

// look finds out whether an offered window is done or given up.
func (c *Coordinator) look(ctx context.Context, k int) error {
	if !c.offered[k] {
		return nil
	}
	finished, err := c.Batch.Finished(c.Plan.Jobs[k])
	if err != nil {
		return err
	}
	switch {
	case finished:
		c.done++
		c.idle = 0
		for _, next := range c.needed[k] {
			c.waiting[next]--
		}
		if c.Progress != nil {
			c.Progress(c.done, len(c.Plan.Jobs))
		}
	case c.Batch.dead(c.Plan.Jobs[k]):
		c.failed = append(c.failed, k)
		c.Log.Warn("window given up", "window", k)
	default:
		return nil
	}
	delete(c.offered, k)
	return c.offer(ctx)
}

// lookAll looks at all windows offered. If the queue has nothing left of them, their
// workers were killed once too often.
func (c *Coordinator) lookAll(ctx context.Context) error {
	idle, err := c.Queue.Idle(ctx)
	if err != nil { // a cluster that elects a leader cannot tell
		c.Log.Debug("the queue does not answer", "error", err.Error())
		idle = false
	}
	for _, k := range c.outstanding() {
		if err := c.look(ctx, k); err != nil {
			return err
		}
	}
	if !idle {
		c.idle = 0
		return nil
	}
	if c.idle++; c.idle < 3 { // results may be a moment late on a shared disk
		return nil
	}
	for _, k := range c.outstanding() {
		cause := "its workers ended without a word, as if they were killed: out of memory, perhaps"
		if err := c.Batch.giveUp(c.Plan.Jobs[k], Attempts, "", cause); err != nil {
			return err
		}
		if err := c.look(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

func (c *Coordinator) outstanding() []int {
	var list []int
	for k := range c.offered {
		list = append(list, k)
	}
	sort.Ints(list)
	return list
}

// joinEvery is the time between two extensions of the product.
const joinEvery = time.Second

// join joins all that can be joined, now and then and at the end.
func (c *Coordinator) join(end bool) error {
	if !end && time.Since(c.joined) < joinEvery {
		return nil
	}
	c.joined = time.Now()
	return c.Joiner.All()
}

// RunHere computes all windows of a batch in this process, one after the other, and
// joins them.
func RunHere(ctx context.Context, b *Batch, plan *Plan, j *Joiner, progress func(done, total int)) error {
	count := 0
	for _, job := range plan.Jobs {
		finished, err := b.Finished(job)
		if err != nil {
			return err
		}
		if finished {
			count++
		}
	}
	var failure error
	joined := time.Now()
	w := &Worker{Batch: b, Source: NewShard(b, plan, 0, 1), Finished: func(int) {
		count++
		if failure == nil && time.Since(joined) >= joinEvery {
			failure = j.All()
			joined = time.Now()
		}
		if progress != nil {
			progress(count, len(plan.Jobs))
		}
	}}
	if _, err := w.Run(ctx); err != nil || failure != nil {
		return errors.Join(err, failure)
	}
	if err := j.All(); err != nil {
		return err
	}
	return b.Unfinished(plan)
}

// Unfinished is nil if all windows are done, and otherwise a *FailedError.
func (b *Batch) Unfinished(plan *Plan) error {
	e := &FailedError{}
	for _, j := range plan.Jobs {
		finished, err := b.Finished(j)
		switch {
		case err != nil:
			return err
		case finished:
		case b.dead(j):
			e.Windows = append(e.Windows, j.Index)
		default:
			e.Blocked++
		}
	}
	if len(e.Windows)+e.Blocked == 0 {
		return nil
	}
	return e
}
