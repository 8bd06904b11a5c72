package parallel_test

import (
	"context"
	"errors"
	"fmt"
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

func ExampleFor() {
	squares := make([]int, 5)
	err := parallel.For(context.Background(), len(squares), func(_, i int) error {
		squares[i] = i * i
		return nil
	})
	fmt.Println(squares, err)
	// Output: [0 1 4 9 16] <nil>
}
