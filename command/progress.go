package command

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/cupwriter"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"retrace/experiment"
)

// patience is how long a unit of work may last before its progress is shown,
// and interval the time between two lines where there is no terminal.
const (
	patience = 2 * time.Second
	interval = 5 * time.Second
)

// progress shows how a run goes on: by bars on a terminal, and otherwise by a
// line now and then.
type progress struct {
	out  io.Writer
	bars *mpb.Progress // nil if out is no terminal

	mutex sync.Mutex
	unit  string
	start time.Time
	last  time.Time
	first int // work already done at the first report of the unit
	begun bool
	bar   *mpb.Bar
	note  atomic.Pointer[string] // what the bar says; its goroutine must not wait for mutex
}

func newProgress(out io.Writer) *progress {
	p := &progress{out: out}
	if file, ok := out.(*os.File); ok && cupwriter.New(file, false).IsTerminal() {
		p.bars = mpb.New(mpb.WithOutput(file), mpb.WithWidth(40))
	}
	return p
}

// watcher connects the display to a run.
func (p *progress) watcher() experiment.Watcher {
	return experiment.Watcher{Begin: p.begin, Advance: p.advance, End: p.end}
}

// logHandler sends warnings to the display's output.
func (p *progress) logHandler() slog.Handler {
	var out io.Writer = p.out
	if p.bars != nil {
		out = p.bars // prints above the bars
	}
	return slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelWarn})
}

func (p *progress) begin(unit string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.unit, p.start, p.last, p.begun = unit, time.Now(), time.Time{}, false
}

func (p *progress) advance(done, total int, detail string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if !p.begun {
		p.first, p.begun = done, true
	}
	now := time.Now()
	if now.Sub(p.start) < patience {
		return
	}
	var note string
	if left, ok := p.remaining(done, total); ok && done < total {
		note = ", about " + duration(left) + " left"
	}
	if detail != "" {
		note += ", " + detail
	}
	switch {
	case p.bars != nil:
		p.note.Store(&note)
		p.advanceBar(done, total)
	case now.Sub(p.last) >= interval && done < total:
		p.last = now
		fmt.Fprintf(p.out, "%s: %d %%%s\n", p.unit, 100*done/max(total, 1), note)
	}
}

// remaining estimates the time left from the pace since the unit began.
func (p *progress) remaining(done, total int) (time.Duration, bool) {
	if done <= p.first {
		return 0, false
	}
	pace := float64(time.Since(p.start)) / float64(done-p.first)
	return time.Duration(pace * float64(total-done)), true
}

func (p *progress) advanceBar(done, total int) {
	if p.bar == nil {
		p.bar = p.bars.AddBar(int64(total), mpb.BarRemoveOnComplete(),
			mpb.PrependDecorators(decor.Name(p.unit+" ")),
			mpb.AppendDecorators(decor.Percentage(),
				decor.Any(func(decor.Statistics) string { return *p.note.Load() })))
	}
	p.bar.SetCurrent(int64(done))
}

func (p *progress) end(unit string, took time.Duration, err error) {
	p.mutex.Lock()
	bar := p.bar
	p.bar = nil
	p.mutex.Unlock()
	if bar != nil {
		bar.Abort(true)
		bar.Wait()
	}
	if err != nil {
		return
	}
	line := fmt.Sprintf("%s: done in %s\n", unit, duration(took))
	if p.bars != nil {
		io.WriteString(p.bars, line)
	} else {
		io.WriteString(p.out, line)
	}
}

// close leaves the terminal tidy.
func (p *progress) close() {
	if p.bars != nil {
		p.bars.Wait()
	}
}

// duration writes a time as a person would.
func duration(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}
