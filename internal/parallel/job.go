package parallel

import (
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// A job is one call of Run. Helpers that were recruited join when they notice;
// the caller takes back the offers that none has noticed when it runs out of
// pieces, and waits for the helpers that have joined.
type job struct {
	work   func(worker, piece int)
	n      int64
	next   atomic.Int64 // piece to start next
	_      [cacheLine]byte
	left   atomic.Int32 // helpers that have joined and ended
	asleep atomic.Bool  // the caller sleeps until woken
	wake   chan struct{}
	offers []offer
	failed failure // of panics
}

const cacheLine = 64

// An offer of a job to a helper, valid while the helper's state is the ticket.
type offer struct {
	helper *helper
	ticket uint64
}

// A stock keeps jobs for reuse: after its end nobody works on a job any more. A
// helper that ends at the same time may still look at asleep and wake a later
// caller for nothing, which all sleepers expect.
type stock struct {
	mutex sync.Mutex
	jobs  []*job
}

var spare stock

func (s *stock) take() *job {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if n := len(s.jobs); n > 0 {
		j := s.jobs[n-1]
		s.jobs = s.jobs[:n-1]
		return j
	}
	return &job{wake: make(chan struct{}, 1)}
}

func (s *stock) put(j *job) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.jobs = append(s.jobs, j)
}

func (j *job) begin(n int, work func(worker, piece int)) {
	j.work, j.n, j.offers = work, int64(n), j.offers[:0]
	j.next.Store(0)
	j.left.Store(0)
	j.failed.piece, j.failed.err = n, nil
}

// recruit offers the job to so many helpers that are free.
func (j *job) recruit(most int) {
	if most == 0 {
		return
	}
	for _, h := range helpersUpTo(most) {
		if ticket, ok := h.offer(j, len(j.offers)+1); ok {
			j.offers = append(j.offers, offer{h, ticket})
		}
	}
}

// run works on pieces until there are none left.
func (j *job) run(worker int) {
	piece := int64(-1)
	defer func() {
		if r := recover(); r != nil {
			j.panicked(int(piece), r)
		}
	}()
	for {
		piece = j.next.Add(1) - 1
		if piece >= j.n {
			return
		}
		j.work(worker, int(piece))
	}
}

// panicked keeps a panic and stops the pieces that have not started.
func (j *job) panicked(piece int, value any) {
	p, ok := value.(*Panic) // of a Run within the piece
	if !ok {
		p = &Panic{value, debug.Stack()}
	}
	j.failed.record(piece, p)
	j.next.Store(j.n)
}

// leave is a helper's last word.
func (j *job) leave() {
	j.left.Add(1)
	if j.asleep.Load() {
		signal(j.wake)
	}
}

// end waits for the helpers at work and raises a panic of a piece.
func (j *job) end() {
	joined := int32(0)
	for _, o := range j.offers {
		if !o.helper.withdraw(o.ticket) {
			joined++
		}
	}
	ended := func() bool { return j.left.Load() == joined }
	if !watch(ended) {
		j.asleep.Store(true)
		for !ended() {
			<-j.wake
		}
		j.asleep.Store(false)
	}
	err := j.failed.err
	j.work = nil
	spare.put(j)
	if err != nil {
		panic(err)
	}
}

// signal wakes who waits for the channel, now or next time.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
