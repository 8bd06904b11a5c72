package parallel

import (
	"runtime"
	"testing"
	"time"
)

// asleep counts the helpers that sleep.
func asleep() (n int) {
	for _, h := range *helpers.Load() {
		if h.state.Load()%conditions == parked {
			n++
		}
	}
	return n
}

// eventually waits for a condition for up to five seconds.
func eventually(done func() bool) bool {
	for limit := time.Now().Add(5 * time.Second); time.Now().Before(limit); time.Sleep(time.Millisecond) {
		if done() {
			return true
		}
	}
	return false
}

func TestIdleHelpersSleep(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	for range 3 {
		Run(8, func(int, int) { time.Sleep(time.Microsecond) })
		if !eventually(func() bool { return asleep() == len(*helpers.Load()) }) {
			t.Fatalf("%d of %d helpers sleep", asleep(), len(*helpers.Load()))
		}
		Hot(func() {})
	}
}

func TestNobodyWatchesOnACrowdedMachine(t *testing.T) {
	never := func() bool { return false }
	defer crowdedUntil.Store(0)
	crowdedUntil.Store(int64(time.Since(start) + time.Hour))
	looked := 0
	if watch(func() bool { looked++; return false }) || looked > 2 {
		t.Errorf("looked %d times", looked)
	}
	crowdedUntil.Store(0)
	if watch(never) {
		t.Error("what never happens was seen")
	}
	if !watch(func() bool { looked++; return looked > 100 }) && crowdedUntil.Load() == 0 {
		t.Error("what happened soon was not seen")
	}
}
