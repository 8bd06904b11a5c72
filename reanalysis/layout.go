package reanalysis

import (
	"retrace/internal/fault"
)

// The ways to join windows.
const (
	Sequential  = "sequential"
	Independent = "independent"
)

// Joins lists the ways to join windows.
func Joins() []string { return []string{Sequential, Independent} }

// Layout says how a record is cut into windows. Numbers count states.
type Layout struct {
	Join string
	// Keep is what a window contributes to the product: window k keeps the states
	// k*Keep to (k+1)*Keep-1, and the last window what is left.
	Keep int
	// HandOver is the number of kept states of a neighbour that a window is
	// conditioned on, at most Keep.
	HandOver int
	// Lag is the number of states beyond those kept whose observations a window
	// sees; anchors see as many before them.
	Lag int
}

// Check reports what does not fit together, by its key in a config.
func (l Layout) Check() error {
	switch {
	case l.HandOver < 1:
		return fault.Inputf("handover = %d: must be at least 1", l.HandOver)
	case l.Lag < 0:
		return fault.Inputf("overlap = %d: must be at least handover = %d", l.HandOver+l.Lag, l.HandOver)
	case l.Keep < 1:
		return fault.Inputf("window = %d: must be longer than overlap = %d", l.Keep+l.HandOver+l.Lag, l.HandOver+l.Lag)
	case l.HandOver > l.Keep:
		return fault.Inputf("handover = %d: a window keeps only %d states (window - overlap): make window longer", l.HandOver, l.Keep)
	case l.Join != Sequential && l.Join != Independent:
		return fault.Inputf("join = %q: must be %q or %q", l.Join, Sequential, Independent)
	}
	return nil
}

// Span is the states First to End-1.
type Span struct {
	First int `json:"first"`
	End   int `json:"end"`
}

// Len is the number of states.
func (s Span) Len() int { return s.End - s.First }

// Window is one job.
type Window struct {
	Index int `json:"index"`
	// Span is the states that the window is computed on, Kept those it contributes,
	// and Seen those whose observations it uses.
	Span Span `json:"span"`
	Kept Span `json:"kept"`
	Seen Span `json:"seen"`
	// Needs lists the windows whose kept states this one is conditioned on.
	Needs []int `json:"needs"`
}

// Count is the number of windows of a record of length states.
func (l Layout) Count(length int) int { return (length + l.Keep - 1) / l.Keep }

// Window describes window k of a record of length states.
func (l Layout) Window(k, length int) Window {
	kept := Span{k * l.Keep, min((k+1)*l.Keep, length)}
	w := Window{Index: k, Kept: kept, Needs: []int{}}
	last := kept.End == length
	switch {
	case l.Join == Sequential:
		w.Seen = Span{kept.First, min(kept.End+l.Lag, length)}
		w.Span = w.Seen
		if k > 0 {
			w.Needs = []int{k - 1}
			w.Span.First -= l.HandOver
		}
	case k%2 == 0:
		w.Seen = Span{max(0, kept.First-l.Lag), min(kept.End+l.Lag, length)}
		w.Span = w.Seen
	default:
		w.Seen, w.Span = kept, Span{kept.First - l.HandOver, kept.End}
		w.Needs = []int{k - 1}
		if !last {
			w.Needs = append(w.Needs, k+1)
			// The last window may keep less than a hand-over.
			w.Span.End = min(kept.End+l.HandOver, length)
		}
	}
	return w
}

// Windows lists the windows of a record of length states.
func (l Layout) Windows(length int) []Window {
	list := make([]Window, l.Count(length))
	for k := range list {
		list[k] = l.Window(k, length)
	}
	return list
}
