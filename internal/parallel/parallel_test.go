package parallel_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"retrace/internal/parallel"
)

func TestEveryPieceRunsOnceAndWorkersDoNotOverlap(t *testing.T) {
	const n = 1000
	var count [n]atomic.Int32
	busy := make([]atomic.Bool, parallel.Workers(n))
	err := parallel.For(context.Background(), n, func(worker, piece int) error {
		if !busy[worker].CompareAndSwap(false, true) {
			return fmt.Errorf("worker %d is used twice at once", worker)
		}
		count[piece].Add(1)
		busy[worker].Store(false)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range count {
		if c := count[i].Load(); c != 1 {
			t.Fatalf("piece %d ran %d times", i, c)
		}
	}
}

func TestErrorStopsTheRest(t *testing.T) {
	broken := errors.New("broken")
	var ran atomic.Int32
	err := parallel.For(context.Background(), 1_000_000, func(_, piece int) error {
		ran.Add(1)
		if piece == 3 {
			return broken
		}
		return nil
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if ran.Load() == 1_000_000 {
		t.Error("all pieces ran after the error")
	}
}

func TestCancelledContextIsReturned(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := parallel.For(ctx, 3, func(int, int) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestErrorOfTheLowestPieceIsReturned(t *testing.T) {
	for range 100 {
		err := parallel.For(t.Context(), 64, func(_, piece int) error {
			if piece < 5 {
				return nil
			}
			return fmt.Errorf("piece %d", piece)
		})
		if err == nil || err.Error() != "piece 5" {
			t.Fatalf("got %v, want the error of piece 5", err)
		}
	}
}

// recovered returns what f panics with.
func recovered(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}

func explode(piece int) { panic(fmt.Sprintf("piece %d exploded", piece)) }

func TestPanicReachesTheCaller(t *testing.T) {
	// On one core the piece runs on the goroutine of the caller, on more it may
	// run on another.
	for _, cores := range []int{1, 4} {
		old := runtime.GOMAXPROCS(cores)
		var ended atomic.Int32
		got := recovered(func() {
			parallel.For(t.Context(), 1000, func(_, piece int) error {
				defer ended.Add(1)
				if piece >= 3 {
					explode(piece)
				}
				return nil
			})
		})
		runtime.GOMAXPROCS(old)
		p, ok := got.(*parallel.Panic)
		if !ok || p.Value != "piece 3 exploded" {
			t.Fatalf("%d cores: got %v, want the panic of piece 3", cores, got)
		}
		if text := p.Error(); !strings.HasPrefix(text, "piece 3 exploded\n") || !strings.Contains(text, "parallel_test.explode") {
			t.Errorf("%d cores: value or place of the panic is missing in:\n%s", cores, text)
		}
		if n := ended.Load(); n < 4 || n > 3+4 {
			t.Errorf("%d cores: %d pieces ran, want the first 4 and those begun beside them", cores, n)
		}
	}
}

func TestPanicOfANestedCallKeepsItsStack(t *testing.T) {
	got := recovered(func() {
		parallel.For(t.Context(), 2, func(int, int) error {
			return parallel.For(t.Context(), 2, func(_, piece int) error {
				explode(piece)
				return nil
			})
		})
	})
	p, ok := got.(*parallel.Panic)
	if !ok || p.Value != "piece 0 exploded" || !strings.Contains(string(p.Stack), "parallel_test.explode") {
		t.Errorf("got %v", got)
	}
}

func ExampleFor() {
	squares := make([]int, 5)
	err := parallel.For(context.Background(), len(squares), func(_, i int) error {
		squares[i] = i * i
		return nil
	})
	fmt.Println(squares, err)
	// Output: [0 1 4 9 16] <nil>
}
