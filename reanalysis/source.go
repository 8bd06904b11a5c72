package reanalysis

import (
	"context"
	"io"
	"time"
)

// Ticket asks for one window.
type Ticket struct {
	Window      int    `json:"window"`
	Fingerprint string `json:"fingerprint"`
	Attempt     int    `json:"-"` // from 1
}

// Source hands out tickets.
type Source interface {
	// Claim waits for the next ticket. io.EOF says that there will be none.
	Claim(ctx context.Context) (Lease, error)
}

// Lease is a ticket that nobody else has for the present.
type Lease interface {
	Ticket() Ticket
	// Extend tells that the work goes on. It is called again and again within Period.
	Extend() error
	Period() time.Duration
	// Done gives the ticket back when its result is in its place.
	Done(ctx context.Context) error
	// Fail gives it back for another attempt, after a pause that grows with their
	// number. It reports whether this was the last one.
	Fail(ctx context.Context, cause error) (last bool, err error)
	// Release gives it back to be taken by another at once.
	Release() error
}

// Attempts is the number of times a window is tried before it counts as failed.
const Attempts = 5

// Backoff is the pause after a number of attempts: first, doubled each time, at most a
// minute. first 0 is a second.
func Backoff(first time.Duration, attempts int) time.Duration {
	if first == 0 {
		first = time.Second
	}
	return min(first<<min(max(attempts-1, 0), 6), time.Minute)
}

// Shard is a Source without a queue: a static share of the windows, for jobs of a
// scheduler that run side by side. Share i of n has the windows k with k mod n = i
// or, of independent windows, the pairs of an anchor and the bridge behind it. A
// window waits for those it needs, whoever makes them; one that failed stops those
// that need it, and no others.
type Shard struct {
	batch *Batch
	plan  *Plan
	todo  []int
	tried map[int]int
	again map[int]time.Time
	done  map[int]bool // known to be finished
	lost  map[int]bool // failed, or needs one that has
}

// poll is the time between two looks for what others have finished.
const poll = 100 * time.Millisecond

// NewShard returns share i of n.
func NewShard(b *Batch, plan *Plan, i, n int) *Shard {
	s := &Shard{batch: b, plan: plan, tried: map[int]int{}, again: map[int]time.Time{}, done: map[int]bool{}, lost: map[int]bool{}}
	for _, j := range plan.ordered() {
		group := j.Index
		if b.Layout.Join == Independent {
			group /= 2
		}
		if group%n == i {
			s.todo = append(s.todo, j.Index)
		}
	}
	return s
}

// NewSingle returns the share that is one window.
func NewSingle(b *Batch, plan *Plan, window int) *Shard {
	s := NewShard(b, plan, 0, 1)
	s.todo = []int{window}
	return s
}

// Claim returns the first window that can be computed now.
func (s *Shard) Claim(ctx context.Context) (Lease, error) {
	for {
		var left []int
		for at, k := range s.todo {
			finished, ready, err := s.look(k)
			switch {
			case err != nil:
				return nil, err
			case ready && time.Now().After(s.again[k]):
				s.todo = append(left, s.todo[at:]...)
				return &share{s, k}, nil
			case !finished && !s.lost[k]:
				left = append(left, k)
			}
		}
		if s.todo = left; len(left) == 0 {
			return nil, io.EOF
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(poll):
		}
	}
}

// Lost is the number of windows of the share that failed, or need one that has.
func (s *Shard) Lost() int { return len(s.lost) }

// look finds out whether a window is finished, can be computed, or is lost.
func (s *Shard) look(k int) (finished, ready bool, err error) {
	if s.tried[k] >= Attempts {
		s.lost[k] = true
		return false, false, nil
	}
	ready = true
	for _, n := range s.plan.Jobs[k].Needs {
		there, err := s.finished(n)
		if err != nil {
			return false, false, err
		}
		if !there {
			ready = false
			if s.lost[n] || s.batch.dead(s.plan.Jobs[n]) {
				s.lost[k] = true
			}
		}
	}
	if ready {
		finished, err = s.finished(k)
	}
	return finished, ready && !finished, err
}

func (s *Shard) finished(k int) (bool, error) {
	if s.done[k] {
		return true, nil
	}
	finished, err := s.batch.Finished(s.plan.Jobs[k])
	s.done[k] = finished
	return finished, err
}

// share is the lease of a window that nobody else will take.
type share struct {
	*Shard
	window int
}

func (l *share) Ticket() Ticket {
	return Ticket{l.window, l.plan.Jobs[l.window].Fingerprint, l.tried[l.window] + 1}
}
func (l *share) Extend() error              { return nil }
func (l *share) Period() time.Duration      { return 15 * time.Second }
func (l *share) Done(context.Context) error { return nil }
func (l *share) Release() error             { return nil }

func (l *share) Fail(context.Context, error) (bool, error) {
	l.tried[l.window]++
	l.again[l.window] = time.Now().Add(Backoff(l.batch.Pause, l.tried[l.window]))
	return l.tried[l.window] >= Attempts, nil
}
