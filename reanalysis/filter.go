package reanalysis

import (
	"context"

	"retrace/assimilate"
	"retrace/internal/fault"
	"retrace/observe"
)

// filter runs an ensemble filter or smoother through a window, from the analysis with
// which the window before has ended. What it keeps are smoothed states where the
// method has them; what it hands over is the analysis at the last state kept, in full
// precision, for a smoothed state would see its observations twice.
func (b *Batch) filter(ctx context.Context, w Window, seen observe.Sequence, given neighbours) (*analysis, error) {
	method, ok := b.Method.(assimilate.Sequential)
	if !ok {
		return nil, fault.Inputf("the method does not pass through the states in the order of time: it cannot go on from an earlier window")
	}
	p := assimilate.Problem{
		Model: b.Model, Observations: seen, Length: w.Span.Len(), Members: b.Members,
		Seed: b.seed(w), Training: b.Training, InitialEnsemble: given.ensemble,
	}
	r := newRecorder(b, w, seen)
	if err := method.Cycle(ctx, p, r.watch); err != nil {
		return nil, err
	}
	return r.analysis, nil
}

// recorder keeps what a filter tells of a window.
type recorder struct {
	*analysis
	size, members, length int
	last                  int // index in the span of the last state kept
	kept                  Span
	seen                  []observe.Observation
	forecast              []float64 // mean, of the state at hand
}

func newRecorder(b *Batch, w Window, seen observe.Sequence) *recorder {
	size := b.size()
	return &recorder{
		analysis: &analysis{
			states:    make([]float32, b.Members*w.Span.Len()*size),
			increment: make([]float32, w.Kept.Len()*size),
		},
		size: size, members: b.Members, length: w.Span.Len(),
		last: w.Kept.End - 1 - w.Span.First, kept: Span{w.Kept.First - w.Span.First, w.Kept.End - w.Span.First},
		seen: seen.Observations, forecast: make([]float64, size),
	}
}

func (r *recorder) watch(e assimilate.Estimate) error {
	if e.Ensemble == nil || e.Weights != nil {
		return fault.Inputf("the method has no members of equal weight that a later window could go on from")
	}
	switch e.Stage {
	case assimilate.Forecast:
		copy(r.forecast, e.Mean)
		r.innovations(e)
		return nil
	case assimilate.Analysis:
		r.analysed(e)
	}
	for k := range r.members {
		dst := r.states[(k*r.length+e.Index)*r.size:][:r.size]
		for j, x := range e.Ensemble[k*r.size:][:r.size] {
			dst[j] = float32(x)
		}
	}
	return nil
}

func (r *recorder) analysed(e assimilate.Estimate) {
	if e.Index == r.last {
		r.handOver = append([]float64{}, e.Ensemble...)
	}
	if e.Index == r.length-1 {
		r.final = append([]float64{}, e.Ensemble...)
	}
	if e.Index < r.kept.First || e.Index >= r.kept.End {
		return
	}
	row := r.increment[(e.Index-r.kept.First)*r.size:][:r.size]
	for j, m := range e.Mean {
		row[j] = float32(m - r.forecast[j])
	}
}

// innovations compares the observations of a state with its forecast.
func (r *recorder) innovations(e assimilate.Estimate) {
	for len(r.seen) > 0 && r.seen[0].Index == e.Index {
		mean, variance := predicted(r.seen[0], func(k int, x []float64) {
			copy(x, e.Ensemble[k*r.size:][:r.size])
		}, r.members)
		for j, y := range r.seen[0].Values {
			if y == y {
				sd := r.seen[0].Sd[j]
				r.chi2 += (y - mean[j]) * (y - mean[j]) / (variance[j] + sd*sd)
				r.count++
			}
		}
		r.seen = r.seen[1:]
	}
}

// predicted is the mean and the unbiased variance over members of what an observation
// would see; member fills in a state.
func predicted(o observe.Observation, member func(k int, x []float64), members int) (mean, variance []float64) {
	state, values := o.Operator.Size()
	x, y := make([]float64, state), make([]float64, values)
	mean, variance = make([]float64, values), make([]float64, values)
	all := make([]float64, members*values)
	for k := range members {
		member(k, x)
		o.Operator.Apply(y, x)
		copy(all[k*values:], y)
		for j, v := range y {
			mean[j] += v / float64(members)
		}
	}
	for i, v := range all {
		d := v - mean[i%values]
		variance[i%values] += d * d / float64(max(1, members-1))
	}
	return mean, variance
}

// neighbours is what a window is given of those it needs.
type neighbours struct {
	ensemble []float64 // (member, value) of state 0 of the span; nil in the first window
	// left and right are kept states at the two ends of the span, (member, state,
	// value); nil where there are none.
	left, right []float32
}
