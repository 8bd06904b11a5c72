package parallel

import (
	"sync"
	"sync/atomic"
)

// A helper is a goroutine that takes jobs. Its state is a number of offers made
// so far and one of the conditions below, so that an offer can be taken back
// only as long as it is the same one.
//
//	watching -> parked -> watching       sleeps and wakes
//	watching, parked -> claimed -> offered -> working -> watching
//	offered -> watching                  taken back
type helper struct {
	state  atomic.Uint64
	job    *job // of the offer
	worker int  // that the helper is in it
	wake   chan struct{}
	_      [cacheLine]byte
}

const (
	watching = iota
	parked
	claimed // a caller is writing its offer
	offered
	working

	conditions = 8 // and the unit of the number of offers
)

var (
	helpers       atomic.Pointer[[]*helper]
	helpersGrowth sync.Mutex
)

// helpersUpTo returns the first n helpers and makes those that are missing.
func helpersUpTo(n int) []*helper {
	if all := helpers.Load(); all != nil && len(*all) >= n {
		return (*all)[:n]
	}
	helpersGrowth.Lock()
	defer helpersGrowth.Unlock()
	var all []*helper
	if old := helpers.Load(); old != nil {
		all = append(all, *old...)
	}
	for len(all) < n {
		h := &helper{wake: make(chan struct{}, 1)}
		all = append(all, h)
		go h.serve()
	}
	helpers.Store(&all)
	return all[:n]
}

// offer offers a job to a helper that is free.
func (h *helper) offer(j *job, worker int) (ticket uint64, ok bool) {
	old := h.state.Load()
	condition := old % conditions
	if condition > parked {
		return 0, false
	}
	next := old - condition + conditions
	if !h.state.CompareAndSwap(old, next+claimed) {
		return 0, false
	}
	h.job, h.worker = j, worker
	h.state.Store(next + offered)
	if condition == parked {
		signal(h.wake)
	}
	return next + offered, true
}

// withdraw takes an offer back, unless the helper has taken it.
func (h *helper) withdraw(ticket uint64) bool {
	return h.state.CompareAndSwap(ticket, ticket-offered+watching)
}

// serve takes offers, for ever.
func (h *helper) serve() {
	// A piece may end its goroutine by runtime.Goexit: another takes its place.
	defer func() { go h.serve() }()
	available := func() bool { return h.state.Load()%conditions == offered }
	for {
		if !watch(available) {
			h.park()
		}
		if s := h.state.Load(); s%conditions == offered && h.state.CompareAndSwap(s, s-offered+working) {
			h.help(s - offered + watching)
		}
	}
}

// help works on the job offered; next is the state after it.
func (h *helper) help(next uint64) {
	j := h.job
	defer func() {
		h.state.Store(next)
		j.leave()
	}()
	j.run(h.worker)
}

// park sleeps until an offer or a Hot section wakes the helper.
func (h *helper) park() {
	s := h.state.Load()
	if s%conditions != watching || !h.state.CompareAndSwap(s, s-watching+parked) {
		return
	}
	<-h.wake
	// An offer has changed the state, a Hot section has not.
	h.state.CompareAndSwap(s-watching+parked, s)
}

// rouse wakes a helper that sleeps.
func (h *helper) rouse() {
	if h.state.Load()%conditions == parked {
		signal(h.wake)
	}
}
