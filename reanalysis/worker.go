package reanalysis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"retrace/internal/parallel"
)

// Worker takes windows from a Source until there are none left.
type Worker struct {
	Batch  *Batch
	Source Source
	Name   string // of the worker, as status shows it; "" for host and process
	Log    *slog.Logger
	// Finished, if not nil, is called after each window that was computed.
	Finished func(window int)

	plan   *Plan
	beat   Beat
	failed int
}

// Beat is what a worker tells of itself, in a file of its own that it writes again and
// again.
type Beat struct {
	Worker string    `json:"worker"`
	Window int       `json:"window"` // at work on; -1 for none
	Since  time.Time `json:"since"`  // of the window, or of waiting for one
	Done   int       `json:"done"`
	Failed int       `json:"failed"` // attempts
	Seen   time.Time `json:"seen"`   // when the beat was written
	Period float64   `json:"period"` // seconds to the next, at most
}

// WorkerName is the name of this process as a worker.
func WorkerName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return fmt.Sprintf("%s-%d", host, os.Getpid())
}

// Run works until the source has no more windows, or ctx ends: the window at hand is
// then given back, and the error is that of ctx. It returns the number of windows that
// this worker saw fail for the last time.
func (w *Worker) Run(ctx context.Context) (failed int, err error) {
	if w.Name == "" {
		w.Name = WorkerName()
	}
	if w.Log == nil {
		w.Log = slog.New(slog.DiscardHandler)
	}
	w.beat = Beat{Worker: w.Name, Window: -1, Since: time.Now().UTC()}
	defer os.Remove(w.beatFile())
	for {
		w.beat.Window, w.beat.Since = -1, time.Now().UTC()
		if err := w.tell(time.Minute); err != nil {
			return w.failed, err
		}
		lease, err := w.Source.Claim(ctx)
		if errors.Is(err, io.EOF) {
			return w.failed, nil
		}
		if err != nil {
			return w.failed, err
		}
		if err := w.one(ctx, lease); err != nil {
			return w.failed, err
		}
	}
}

func (w *Worker) beatFile() string { return w.Batch.file(workerFolder, w.Name+".json") }

func (w *Worker) tell(period time.Duration) error {
	w.beat.Seen, w.beat.Period = time.Now().UTC(), period.Seconds()
	return installJSON(w.beatFile(), w.beat)
}

// ErrChanged says that the settings of the batch are no longer those that a worker was
// started with.
var ErrChanged = errors.New("the settings of the reanalysis were changed: start the worker again")

// job finds the job of a ticket. A ticket of a plan that no longer holds has none.
func (w *Worker) job(t Ticket) (Job, bool, error) {
	current := func() bool {
		return w.plan != nil && t.Window < len(w.plan.Jobs) && w.plan.Jobs[t.Window].Fingerprint == t.Fingerprint
	}
	if !current() {
		plan, err := ReadPlan(w.Batch.Dir)
		if err != nil {
			return Job{}, false, err
		}
		if plan.Key != w.Batch.Key {
			return Job{}, false, ErrChanged
		}
		w.plan = plan
	}
	if !current() {
		return Job{}, false, nil
	}
	return w.plan.Jobs[t.Window], true, nil
}

// one carries out one ticket. The error is one after which the worker cannot go on.
func (w *Worker) one(ctx context.Context, lease Lease) error {
	ticket := lease.Ticket()
	job, known, err := w.job(ticket)
	if err != nil {
		return errors.Join(err, lease.Release())
	}
	if !known {
		w.Log.Info("ticket of an earlier plan", "window", ticket.Window)
		return lease.Done(ctx)
	}
	finished, err := w.Batch.Finished(job)
	if err != nil {
		return errors.Join(err, lease.Release())
	}
	if finished {
		return lease.Done(ctx)
	}
	w.beat.Window, w.beat.Since = ticket.Window, time.Now().UTC()
	done := Done{Worker: w.Name, Attempt: ticket.Attempt}
	stop := w.heartbeat(ctx, lease)
	err = w.attempt(ctx, job, done)
	stop()
	switch {
	case err == nil:
		w.beat.Done++
		w.Log.Info("window done", "window", ticket.Window, "seconds", time.Since(w.beat.Since).Seconds())
		if w.Finished != nil {
			w.Finished(ticket.Window)
		}
		return lease.Done(ctx)
	case ctx.Err() != nil:
		return errors.Join(ctx.Err(), lease.Release())
	}
	w.beat.Failed++
	w.Log.Warn("window failed", "window", ticket.Window, "attempt", ticket.Attempt, "error", err.Error())
	last, failure := lease.Fail(ctx, err)
	failure = errors.Join(failure, w.Batch.logAttempt(job, done, err))
	if last {
		w.failed++
		failure = errors.Join(failure, w.Batch.giveUp(job, ticket.Attempt, w.Name, err.Error()))
	}
	return failure
}

// attempt computes a window. A panic is a failure like any other: the next window may
// be in order.
func (w *Worker) attempt(ctx context.Context, job Job, done Done) (err error) {
	defer func() {
		if r := recover(); r != nil {
			stack := debug.Stack()
			if p, ok := r.(*parallel.Panic); ok {
				stack = p.Stack
			}
			err = fmt.Errorf("internal error: %v\n%s", r, stack)
		}
	}()
	return w.Batch.Compute(ctx, w.plan, job.Index, done)
}

// heartbeat extends the lease, and tells that the worker lives, until stop is called.
func (w *Worker) heartbeat(ctx context.Context, lease Lease) (stop func()) {
	period := lease.Period() / 3
	ended, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(period)
		defer ticker.Stop()
		for {
			if err := w.tell(lease.Period()); err != nil {
				w.Log.Warn("heartbeat", "error", err.Error())
			}
			select {
			case <-stopped:
				return
			case <-ctx.Done():
				return
			case <-ticker.C:
				if err := lease.Extend(); err != nil {
					w.Log.Warn("extending the lease", "error", err.Error())
				}
			}
		}
	}()
	return func() {
		close(stopped)
		<-ended
	}
}

// RemoveStaleBeats deletes the files of workers that ended without a word.
func (b *Batch) RemoveStaleBeats() error {
	files, err := filepath.Glob(b.file(workerFolder, "*.json"))
	if err != nil {
		return err
	}
	for _, f := range files {
		var beat Beat
		if readJSON(f, &beat) == nil && beat.alive(time.Now()) {
			continue
		}
		if err := os.Remove(f); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

// alive reports whether a worker has told of itself lately. Clocks of machines may
// differ by some seconds.
func (b Beat) alive(now time.Time) bool {
	return now.Sub(b.Seen).Seconds() < b.Period+10
}
