package parallel_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"retrace/internal/parallel"
)

// cores sets GOMAXPROCS for one test.
func cores(t *testing.T, n int) {
	old := runtime.GOMAXPROCS(n)
	t.Cleanup(func() { runtime.GOMAXPROCS(old) })
}

func TestRunCoversAllPiecesWithWorkersOfTheirOwn(t *testing.T) {
	for _, n := range []int{1, 2, 5, 1} {
		cores(t, n)
		for _, pieces := range []int{0, 1, 2, 3, 17} {
			busy := make([]atomic.Bool, n)
			count := make([]atomic.Int32, pieces)
			for range 100 {
				parallel.Run(pieces, func(worker, piece int) {
					if worker >= parallel.Workers(pieces) || !busy[worker].CompareAndSwap(false, true) {
						t.Errorf("worker %d of %d is used twice at once", worker, n)
					}
					count[piece].Add(1)
					runtime.Gosched()
					busy[worker].Store(false)
				})
			}
			for i := range count {
				if c := count[i].Load(); c != 100 {
					t.Errorf("%d cores: piece %d of %d ran %d times", n, i, pieces, c)
				}
			}
		}
	}
}

// What a piece writes is there for the caller, and what the caller wrote before
// is there for the piece: the race detector tells otherwise.
func TestRunOrdersMemory(t *testing.T) {
	cores(t, 4)
	values, sum := make([]int, 64), 0
	for round := range 200 {
		parallel.Run(len(values), func(_, piece int) { values[piece] += round })
		for i := range values {
			sum += values[i]
			values[i] = 0
		}
	}
	if want := 64 * 199 * 200 / 2; sum != want {
		t.Errorf("sum %d, want %d", sum, want)
	}
}

func TestRunIsNestedAndShared(t *testing.T) {
	cores(t, 4)
	var total atomic.Int64
	var callers sync.WaitGroup
	for range 3 {
		callers.Go(func() {
			for range 50 {
				parallel.Run(5, func(int, int) {
					parallel.Run(7, func(int, int) { total.Add(1) })
				})
			}
		})
	}
	callers.Wait()
	if total.Load() != 3*50*5*7 {
		t.Errorf("%d pieces ran", total.Load())
	}
}

func TestRunDoesNotAllocate(t *testing.T) {
	cores(t, 2)
	var total atomic.Int64
	work := func(int, int) { total.Add(1) }
	run := func() {
		parallel.Hot(func() {
			for range 1000 {
				parallel.Run(6, work)
			}
		})
	}
	run() // helpers and jobs are made here
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	// AllocsPerRun would measure one core; a few are of the runtime's own work.
	if n := after.Mallocs - before.Mallocs; n > 20 {
		t.Errorf("%d allocations in 1000 Runs", n)
	}
	if total.Load() != 2*6*1000 {
		t.Errorf("%d pieces ran", total.Load())
	}
}

func TestRunRaisesThePanicOfTheLowestPiece(t *testing.T) {
	cores(t, 4)
	for range 50 {
		got := recovered(func() {
			parallel.Run(40, func(_, piece int) {
				if piece >= 3 {
					explode(piece)
				}
			})
		})
		p, ok := got.(*parallel.Panic)
		if !ok || p.Value != "piece 3 exploded" || !strings.Contains(string(p.Stack), "parallel_test.explode") {
			t.Fatalf("got %v", got)
		}
	}
	ran := 0
	parallel.Run(1, func(int, int) { ran++ })
	if ran != 1 {
		t.Error("no Run after a panic")
	}
}

// A piece that ends its goroutine, as t.FailNow does, ends that of a helper or
// that of the caller; both leave the helpers usable.
func TestPiecesThatEndTheirGoroutine(t *testing.T) {
	cores(t, 2)
	for range 20 {
		done := make(chan struct{})
		go func() {
			defer close(done)
			parallel.Run(2, func(worker, piece int) {
				time.Sleep(time.Millisecond)
				if worker == 1 {
					runtime.Goexit()
				}
			})
		}()
		<-done
		done = make(chan struct{})
		go func() {
			defer close(done)
			parallel.Run(2, func(worker, piece int) {
				if worker == 0 {
					runtime.Goexit()
				}
			})
		}()
		<-done
	}
	var n atomic.Int32
	parallel.Run(9, func(int, int) { n.Add(1) })
	if n.Load() != 9 {
		t.Errorf("%d of 9 pieces ran", n.Load())
	}
}

// Helpers share a long Run, also where they had to be woken.
func TestHelpersHelp(t *testing.T) {
	cores(t, 2)
	for _, hot := range []bool{false, true} {
		var helped atomic.Int32
		run := func() {
			for range 5 {
				time.Sleep(3 * time.Millisecond)
				parallel.Run(4, func(worker, piece int) {
					if worker > 0 {
						helped.Add(1)
					}
					time.Sleep(2 * time.Millisecond)
				})
			}
		}
		if hot {
			parallel.Hot(run)
		} else {
			run()
		}
		if helped.Load() == 0 {
			t.Errorf("hot %v: the caller did all the work", hot)
		}
	}
}

func TestHotEndsWithAPanic(t *testing.T) {
	if got := recovered(func() { parallel.Hot(func() { panic("inside") }) }); got != "inside" {
		t.Errorf("recovered %v", got)
	}
}

// A function made once serves many calls.
func ExampleRun() {
	x, y := make([]float64, 6), 2.0
	square := func(_, piece int) {
		for i := 2 * piece; i < 2*piece+2; i++ {
			x[i] = y * float64(i)
		}
	}
	parallel.Hot(func() {
		for range 3 {
			parallel.Run(3, square)
			y *= y
		}
	})
	fmt.Println(x)
	// Output: [0 16 32 48 64 80]
}

// The cost of an empty Run while the helpers watch.
func BenchmarkRun(b *testing.B) {
	for _, n := range []int{1, 2, 8} {
		b.Run(fmt.Sprintf("pieces=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			work := func(int, int) {}
			parallel.Hot(func() {
				for range b.N {
					parallel.Run(n, work)
				}
			})
		})
	}
}
