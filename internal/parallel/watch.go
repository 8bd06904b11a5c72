package parallel

import (
	"runtime"
	"sync/atomic"
	"time"
)

// How long who waits watches before it sleeps, and when it takes the machine to
// be crowded.
const (
	patience    = 50 * time.Microsecond
	patienceHot = 5 * time.Millisecond
	interrupted = 300 * time.Microsecond // between two looks at the clock
	calm        = 20 * time.Millisecond  // without watching after that
)

// Looks at the condition between two looks at the clock, some microseconds; and
// looks at the clock between two offers of the processor to other goroutines.
const (
	looks  = 64
	clocks = 8
)

var (
	hot          atomic.Int32 // sections
	crowdedUntil atomic.Int64 // time after start
	start        = time.Now()
)

// Hot calls f and holds the helpers awake meanwhile, so that every Run in it
// finds them ready, also after some milliseconds of work of the caller alone.
func Hot(f func()) {
	hot.Add(1)
	defer hot.Add(-1)
	if n := runtime.GOMAXPROCS(0) - 1; n > 0 && !crowded(time.Since(start)) {
		for _, h := range helpersUpTo(n) {
			h.rouse()
		}
	}
	f()
}

func crowded(now time.Duration) bool { return int64(now) < crowdedUntil.Load() }

// watch waits until done, which it reports, or until it is time to sleep.
func watch(done func() bool) bool {
	if done() {
		return true
	}
	begin := time.Since(start)
	last := begin
	for clock := 1; !crowded(last); clock++ {
		for range looks {
			pause()
			if done() {
				return true
			}
		}
		now := time.Since(start)
		if now-last > interrupted {
			crowdedUntil.Store(int64(now + calm))
		}
		limit := patience
		if hot.Load() > 0 {
			limit = patienceHot
		}
		if now-begin > limit {
			return done()
		}
		if clock%clocks == 0 {
			runtime.Gosched()
			now = time.Since(start)
		}
		last = now
	}
	return done()
}
