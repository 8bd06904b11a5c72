// Package parallel runs independent pieces of work on all cores.
//
// Pieces must be cut by the problem alone, never by the number of workers, and
// each must write only what is its own: then the result is the same bytes for
// any GOMAXPROCS.
package parallel

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// Workers is the number of workers that For uses for n pieces.
func Workers(n int) int { return max(1, min(n, runtime.GOMAXPROCS(0))) }

// For calls work(worker, piece) for every piece in [0, n), worker being below
// Workers(n) and never used by two calls at once: it names the scratch space to
// use. Pieces start in order. The first error, or the end of ctx, stops pieces
// that have not started; For returns that error when all have ended.
func For(ctx context.Context, n int, work func(worker, piece int) error) error {
	var (
		next    atomic.Int64
		group   sync.WaitGroup
		once    sync.Once
		failure error
		failed  atomic.Bool
	)
	fail := func(err error) {
		once.Do(func() { failure = err })
		failed.Store(true)
	}
	run := func(worker int) {
		for !failed.Load() {
			piece := int(next.Add(1)) - 1
			if piece >= n {
				return
			}
			if err := ctx.Err(); err != nil {
				fail(err)
				return
			}
			if err := work(worker, piece); err != nil {
				fail(err)
				return
			}
		}
	}
	for worker := 1; worker < Workers(n); worker++ {
		group.Go(func() { run(worker) })
	}
	run(0)
	group.Wait()
	return failure
}
