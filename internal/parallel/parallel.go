package parallel

import (
	"context"
	"fmt"
	"runtime"
	"sync"
)

// Workers is the number of workers that For and Run use for n pieces at most.
func Workers(n int) int { return max(1, min(n, runtime.GOMAXPROCS(0))) }

// Run calls work(worker, piece) for every piece in [0, n) and returns when all
// have ended. worker is below Workers(n) and never used by two pieces of the call
// at once: it names the scratch space to use. Pieces start in order. Run does
// not allocate.
//
// A piece that panics stops those that have not started; Run then panics with a
// *Panic, that of the lowest piece, on the goroutine that called it.
func Run(n int, work func(worker, piece int)) {
	if n <= 0 {
		return
	}
	j := spare.take()
	j.begin(n, work)
	defer j.end()
	j.recruit(Workers(n) - 1)
	j.run(0)
}

// For calls work(worker, piece) for every piece in [0, n), as Run does. An error,
// or the end of ctx, stops pieces that have not started; when all have ended, For
// returns the error of the lowest piece that failed, which does not depend on the
// number of workers.
//
// A piece that panics fails with a *Panic, which For raises again on the
// goroutine that called it.
func For(ctx context.Context, n int, work func(worker, piece int) error) error {
	f := failure{piece: n}
	Run(n, func(worker, piece int) {
		if f.before(piece) {
			return
		}
		err := ctx.Err()
		if err == nil {
			err = work(worker, piece)
		}
		if err != nil {
			f.record(piece, err)
		}
	})
	return f.err
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

// failure keeps the error of the lowest piece that failed: since pieces start in
// order, all lower ones have started before and run to their end.
type failure struct {
	mutex sync.Mutex
	piece int // number of pieces if none failed
	err   error
}

// before reports whether a piece below the given one has failed.
func (f *failure) before(piece int) bool {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.piece < piece
}

func (f *failure) record(piece int, err error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if piece < f.piece {
		f.piece, f.err = piece, err
	}
}
