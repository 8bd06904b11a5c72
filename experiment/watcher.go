package experiment

import (
	"sync"
	"time"
)

// Watcher is told how work goes on, for progress bars and logs. Any function
// may be nil. Functions are called from one goroutine at a time.
type Watcher struct {
	// Begin is called when a unit of work starts.
	Begin func(unit string)
	// Advance is called with the work of the present unit done and its total.
	// detail may add a figure, such as the loss.
	Advance func(done, total int, detail string)
	// End is called when the unit has ended; err is nil if it is complete.
	End func(unit string, took time.Duration, err error)
	// Skip is called for a unit that is complete already.
	Skip func(unit string)
}

func (w *Watcher) begin(unit string) {
	if w.Begin != nil {
		w.Begin(unit)
	}
}

func (w *Watcher) advance(done, total int, detail string) {
	if w.Advance != nil {
		w.Advance(done, total, detail)
	}
}

func (w *Watcher) end(unit string, took time.Duration, err error) {
	if w.End != nil {
		w.End(unit, took, err)
	}
}

func (w *Watcher) skip(unit string) {
	if w.Skip != nil {
		w.Skip(unit)
	}
}

// counter counts work that several goroutines finish.
type counter struct {
	mutex       sync.Mutex
	done, total int
	watcher     *Watcher
}

func (c *counter) add(n int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.done += n
	c.watcher.advance(c.done, c.total, "")
}
