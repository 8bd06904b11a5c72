package twin

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/rng"
	"retrace/observe"
)

// Realisation is one truth and its observations, the same for all methods.
type Realisation struct {
	Seed int64
	// Truth holds the states one after the other.
	Truth        []float64
	Observations observe.Sequence
	// Initial is the law that methods are told; nil: that of the model.
	Initial *assimilate.Normal
	// Variability is the standard deviation of the truth in time over the states
	// that count: the root of the mean over components of its variance. An estimate
	// that knows nothing but the climatology errs by it.
	Variability float64
}

// Draw simulates the truth of a seed and observes it. The error tells if the
// model or an operator leaves the finite numbers, or if ctx is cancelled.
func (e *Experiment) Draw(ctx context.Context, seed int64) (*Realisation, error) {
	r := &Realisation{Seed: seed}
	source := rng.Stream(seed, "twin/truth")
	state, err := e.first(ctx, r, source)
	if err != nil {
		return nil, fmt.Errorf("the first state of seed %d: %w", seed, err)
	}
	x := make([]float64, e.Model.Space().Size())
	state.State(x)
	r.Truth = append(make([]float64, 0, e.Length*len(x)), x...)
	for i := 1; i < e.Length; i++ {
		if err := advance(ctx, state, x, source); err != nil {
			return nil, fmt.Errorf("the truth of seed %d, state %d: %w", seed, i, err)
		}
		r.Truth = append(r.Truth, x...)
	}
	return r, e.look(r)
}

// advance moves a trajectory on by one state, which it writes to x.
func advance(ctx context.Context, s dynamics.Stepper, x []float64, source *rand.Rand) error {
	if err := cmp.Or(ctx.Err(), s.Advance(source)); err != nil {
		return err
	}
	s.State(x)
	for j, v := range x {
		if !finite(float64(float32(v))) { // observations are made of float32
			return fmt.Errorf("the model leaves the finite numbers (component %d is %v): use a smaller integration step", j, v)
		}
	}
	return nil
}

// Adopt makes a realisation of a truth and of observed values that came from
// elsewhere, such as another program. The truth has Length states, values one
// row for each observation of the layout; NaN is a missing value. Numbers that
// do not fit are an input error. The seed names the draws of the methods.
func (e *Experiment) Adopt(seed int64, truth, values []float64) (*Realisation, error) {
	size := e.Model.Space().Size()
	if len(truth) != e.Length*size {
		return nil, fault.Inputf("the truth has %d numbers: %d states of %d components have %d", len(truth), e.Length, size, e.Length*size)
	}
	for i, v := range truth {
		if !finite(v) {
			return nil, fault.Inputf("the truth is %v at state %d, component %d", v, i/size, i%size)
		}
	}
	r := &Realisation{Seed: seed, Truth: truth}
	r.Observations.Observations = append(r.Observations.Observations, e.Layout.Observations...)
	for k := range r.Observations.Observations {
		o := &r.Observations.Observations[k]
		n := len(o.Values)
		if len(values) < n {
			return nil, fault.Inputf("there are fewer observed values than the scenario has")
		}
		o.Values, values = values[:n:n], values[n:]
	}
	if len(values) > 0 {
		return nil, fault.Inputf("there are %d more observed values than the scenario has", len(values))
	}
	if err := r.Observations.Validate(e.Length, e.Model.Space()); err != nil {
		return nil, fault.Input(err)
	}
	e.settle(r, truth[:size])
	return r, nil
}

// first draws the first state of the truth, and the law around it.
func (e *Experiment) first(ctx context.Context, r *Realisation, source *rand.Rand) (dynamics.Stepper, error) {
	x := make([]float64, e.Model.Space().Size())
	var state dynamics.Stepper
	if e.Initial != nil && e.Initial.Mean != nil {
		copy(x, e.Initial.Mean)
	} else {
		state = dynamics.Begin(e.Model, source)
		state.State(x)
		for range e.Model.SpinUp() {
			if err := advance(ctx, state, x, source); err != nil {
				return nil, err
			}
		}
	}
	if e.Initial == nil {
		return state, nil
	}
	r.Initial = e.Initial.at(slices.Clone(x))
	for i, sd := range e.Initial.Sd {
		x[i] += sd * source.NormFloat64()
	}
	return dynamics.Continue(e.Model, x), nil
}

// look observes the truth.
func (e *Experiment) look(r *Realisation) error {
	single := make([]float32, len(r.Truth)) // the precision of stores
	for i, v := range r.Truth {
		single[i] = float32(v)
	}
	address := observe.Address{Seed: r.Seed, Scenario: e.Scenario}
	seen, err := e.Layout.Simulate(single, address)
	if err != nil {
		return fmt.Errorf("observing the truth of seed %d: %w", r.Seed, err)
	}
	r.Observations = seen
	if e.Missing > 0 {
		r.Observations = seen.Drop(e.Missing, address)
	}
	e.settle(r, nil)
	return nil
}

// settle completes a realisation. start is the first state of a truth from
// elsewhere; the law of the ensemble is around it, without its mean, if the
// experiment leaves the mean open.
func (e *Experiment) settle(r *Realisation, start []float64) {
	if e.Initial != nil && r.Initial == nil {
		mean := e.Initial.Mean
		if mean == nil {
			mean = e.displaced(r.Seed, start)
		}
		r.Initial = e.Initial.at(mean)
	}
	r.Variability = variability(r.Truth, e.Model.Space().Size(), e.counted())
}

// displaced is a mean from which start looks like a draw.
func (e *Experiment) displaced(seed int64, start []float64) []float64 {
	source := rng.Stream(seed, "twin/mean")
	mean := slices.Clone(start)
	for i, sd := range e.Initial.Sd {
		mean[i] += sd * source.NormFloat64()
	}
	return mean
}

// variability is the root of the mean over components of the variance of the
// states listed.
func variability(truth []float64, size int, states []int) float64 {
	var total float64
	for j := range size {
		var sum, squares float64
		for _, i := range states {
			sum += truth[i*size+j]
		}
		mean := sum / float64(len(states))
		for _, i := range states {
			d := truth[i*size+j] - mean
			squares += d * d
		}
		total += squares / float64(len(states))
	}
	return math.Sqrt(total / float64(size))
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
