// Package parallel runs independent pieces of work on all cores.
//
// Pieces must be cut by the problem alone, never by the number of workers, and
// each must write only what is its own: then the result is the same bytes for
// any GOMAXPROCS.
package parallel

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Workers is the number of workers that For uses for n pieces.
func Workers(n int) int { return max(1, min(n, runtime.GOMAXPROCS(0))) }

// For calls work(worker, piece) for every piece in [0, n), worker being below
// Workers(n) and never used by two calls at once: it names the scratch space to
// use. Pieces start in order. An error, or the end of ctx, stops pieces that
// have not started; when all have ended, For returns the error of the lowest
// piece that failed, which does not depend on the number of workers.
//
// A piece that panics fails with a *Panic, which For raises again on the
// goroutine that called it.
func For(ctx context.Context, n int, work func(worker, piece int) error) error {
	p := pool{n: n, failed: n, work: work}
	var group sync.WaitGroup
	for worker := 1; worker < Workers(n); worker++ {
		group.Go(func() { p.run(ctx, worker) })
	}
	p.run(ctx, 0)
	group.Wait()
	if panicked, ok := p.failure.(*Panic); ok {
		panic(panicked)
	}
	return p.failure
}

// Panic is what a piece of work panicked with. On a goroutine of its own a
// panic ends the process past every recover of the program; this carries it to
// where the work was asked for.
type Panic struct {
	Value any
	Stack []byte // of the goroutine that panicked
}

// Error gives the value and, from the next line on, the stack.
func (p *Panic) Error() string { return fmt.Sprintf("%v\n\n%s", p.Value, p.Stack) }

// pool hands out pieces in order and keeps the failure of the lowest one: all
// lower pieces have been handed out before and run to their end.
type pool struct {
	n    int
	work func(worker, piece int) error
	next atomic.Int64

	mutex   sync.Mutex
	failed  int // the lowest piece that failed; n if none
	failure error
}

func (p *pool) run(ctx context.Context, worker int) {
	for {
		piece := int(p.next.Add(1)) - 1
		if piece >= p.n {
			return
		}
		err := ctx.Err()
		if err == nil {
			err = p.call(worker, piece)
		}
		if err != nil {
			p.fail(piece, err)
		}
	}
}

func (p *pool) call(worker, piece int) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *Panic: // of a For within the piece
			err = r
		default:
			err = &Panic{r, debug.Stack()}
		}
	}()
	return p.work(worker, piece)
}

func (p *pool) fail(piece int, err error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if piece < p.failed {
		p.failed, p.failure = piece, err
	}
	p.next.Store(int64(p.n))
}
