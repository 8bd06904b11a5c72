package reanalysis

import (
	"context"
	"time"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/observe"
	"retrace/trajectory"
)

// Batch is a reanalysis: all that the result of a window depends on but its
// observations and its neighbours.
type Batch struct {
	Dir    string // of the files of the batch, shared by all workers
	Layout Layout
	Model  dynamics.Model
	Method assimilate.Method
	// Members is the number of trajectories to draw.
	Members int
	Seed    int64
	// Tightness is, for methods that draw from a prior over trajectories, the
	// standard deviation of the observation by which a window is conditioned on its
	// neighbours' states, one for each value of a state, in physical units. It is to
	// be small against what a state changes from one to the next. Nil for ensemble
	// filters, which go on from an ensemble.
	Tightness []float64
	// Training is given to methods that look at training trajectories.
	Training *trajectory.Set
	// Target says what the observations are of: the whole record.
	Target observe.Target
	// Forecasts start at the end of every so many windows.
	Forecasts Forecasts
	// Products says what is kept of the joined states.
	Products Products
	// Key identifies the settings above: equal keys make equal results.
	Key string
	// Screen, if not nil, decides before the analysis which values are used.
	Screen Screen
	// Pause is the time from a window's first failed attempt to the second, without a
	// queue; it doubles with each attempt. 0: a second.
	Pause time.Duration
}

// Forecasts are runs of the model from the last state of a window, which has seen all
// observations up to its own time and none that are later.
type Forecasts struct {
	Every  int // windows from one start to the next; 0 for none
	Length int // states after the start
}

// starts reports whether a forecast starts at the end of a window.
func (f Forecasts) starts(w Window) bool { return f.Every > 0 && (w.Index+1)%f.Every == 0 }

// Products says which joined stores there are beside mean and spread.
type Products struct {
	Members int // trajectories to store, from the first
}

// Screen is quality control before an analysis: it says which of the observations of a
// window are used. background are the members of the window without its observations,
// which knows of earlier windows only.
type Screen func(w Window, seen observe.Sequence, background *trajectory.Set) (Screened, error)

// Screened is what quality control says of the observations of a window.
type Screened struct {
	Used     observe.Sequence
	Rejected map[string]int // values that are not used, by verdict
	// Feedback, if not nil, makes the content of a Parquet file that tells of every
	// value, given the posterior members of the window.
	Feedback func(posterior *trajectory.Set) ([]byte, error)
}

// size is the number of values of a state.
func (b *Batch) size() int { return b.Model.Space().Size() }

// restarts reports whether the method goes on from an ensemble.
func (b *Batch) restarts() bool { return b.Tightness == nil }

// analysis is what a method makes of one window.
type analysis struct {
	states    []float32 // (member, state of the span, value)
	handOver  []float64 // (member, value) of the last state kept; nil if it does not restart
	increment []float32 // (state kept, value), mean analysis less mean forecast; likewise
	final     []float64 // (member, value) of the last state of the span
	// Innovations of the forecasts, in units of what noise and spread predict.
	chi2  float64
	count int
}

// analyse computes a window given the observations of its span, by indices from its
// start, and what its neighbours have kept.
func (b *Batch) analyse(ctx context.Context, w Window, seen observe.Sequence, given neighbours) (*analysis, error) {
	if b.restarts() {
		return b.filter(ctx, w, seen, given)
	}
	return b.draw(ctx, w, seen, given)
}

// set wraps the states of an analysis.
func (b *Batch) set(w Window, states []float32) *trajectory.Set {
	return &trajectory.Set{
		Space: b.Model.Space(), Clock: b.Model.Clock(), Start: b.Target.Timeline.Time(w.Span.First),
		Lead: []trajectory.Dimension{{Name: "member", Len: b.Members}}, Length: w.Span.Len(), Data: states,
	}
}
