package kalman

import (
	"cmp"
	"context"
	"fmt"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/observe"
	"retrace/trajectory"
)

// Filter is an ensemble Kalman filter: members follow the model, and its Update
// corrects them by the observations of each state. A state without any value
// that is present is no cycle: its analysis is its forecast, without inflation
// or rotation.
//
// As a Method, trajectory k of the result is member k of the analysis at each
// state: what the filter knew at the time, with a jump at each observation. Use
// a smoother (EnKS, EnRTS, IEnKS) for trajectories of the model.
type Filter struct {
	Update Update `toml:",inline"`
	Spread `toml:",inline"`
}

// NewFilter returns the filter of an update, its spread left as it is.
func NewFilter(u Update) *Filter { return &Filter{u, NewSpread()} }

// Check reports the first parameter out of range, or that the update cannot
// work with the model.
func (f *Filter) Check(model dynamics.Model) error {
	return cmp.Or(f.Update.check(model), f.Spread.check())
}

// Cycle implements assimilate.Sequential; it sends no Smoothed. Its memory does
// not grow with the length. If the ensemble blows up the error is a
// *Divergence.
func (f *Filter) Cycle(ctx context.Context, p assimilate.Problem, watch func(assimilate.Estimate) error) error {
	_, err := f.cycle(ctx, p, watch)
	return err
}

func (f *Filter) cycle(ctx context.Context, p assimilate.Problem, watch func(assimilate.Estimate) error) (*cycle, error) {
	name := f.Update.kind()
	c, err := newCycle(name, *f, p)
	if err != nil {
		return nil, err
	}
	report := newReporter(c.size, watch)
	err = c.run(ctx, func(stage assimilate.Stage, _ []observe.Observation) error {
		return report.ensemble(stage, c.state, c.ensemble)
	})
	if err != nil {
		return nil, fmt.Errorf("%s, case %d: %w", name, p.Case, err)
	}
	return c, nil
}

// run passes through all states, calling visit after the forecast and after the
// analysis of each. Between the two, visit may set c.earlier.
func (c *cycle) run(ctx context.Context, visit func(stage assimilate.Stage, seen []observe.Observation) error) error {
	times := timeline{c.problem.Observations.Observations}
	if err := c.start(ctx); err != nil {
		return err
	}
	for t := range c.problem.Length {
		if t > 0 {
			if err := c.advance(ctx); err != nil {
				return err
			}
		}
		seen, present := times.next(t)
		if err := visit(assimilate.Forecast, seen); err != nil {
			return err
		}
		if present {
			if err := c.assimilate(ctx, seen); err != nil {
				return err
			}
		}
		if err := visit(assimilate.Analysis, seen); err != nil {
			return err
		}
	}
	return nil
}

// Assimilate runs the filter. Evaluations counts model steps per member; the
// result tells its InnovationRatio.
func (f *Filter) Assimilate(ctx context.Context, p assimilate.Problem, progress func(done, total int)) (*assimilate.Result, error) {
	r, err := newRecorder(p, assimilate.Analysis, progress)
	if err != nil {
		return nil, err
	}
	c, err := f.cycle(ctx, p, r.watch)
	if err != nil {
		return nil, err
	}
	return r.result(c.forecast.steps, c.innovationSums), nil
}

// reporter sends estimates.
type reporter struct {
	mean, variance []float64
	watch          func(assimilate.Estimate) error
}

func newReporter(size int, watch func(assimilate.Estimate) error) *reporter {
	return &reporter{make([]float64, size), make([]float64, size), watch}
}

// ensemble sends what an ensemble says of a state.
func (r *reporter) ensemble(stage assimilate.Stage, t int, ensemble []float64) error {
	meanVariance(r.mean, r.variance, ensemble)
	return r.watch(assimilate.Estimate{Stage: stage, Index: t, Mean: r.mean, Variance: r.variance, Ensemble: ensemble})
}

// recorder keeps the ensembles of one stage: what a Method returns of a
// sequential method.
type recorder struct {
	stage    assimilate.Stage
	set      *trajectory.Set
	size     int
	progress func(done, total int)
}

func newRecorder(p assimilate.Problem, stage assimilate.Stage, progress func(done, total int)) (*recorder, error) {
	if p.Length < 1 || p.Members < 1 {
		return nil, fault.Inputf("%d members of %d states: ask for at least one of each", p.Members, p.Length)
	}
	space := p.Model.Space()
	set := trajectory.New(space, p.Model.Clock(), []trajectory.Dimension{{Name: "member", Len: p.Members}}, p.Length)
	return &recorder{stage, set, space.Size(), progress}, nil
}

func (r *recorder) watch(e assimilate.Estimate) error {
	if e.Stage == r.stage {
		for k := range r.set.Count() {
			r.write(k, e.Index, e.Ensemble[k*r.size:(k+1)*r.size])
		}
		if r.progress != nil {
			r.progress(e.Index+1, r.set.Length)
		}
	}
	return nil
}

// write stores state t of member k.
func (r *recorder) write(k, t int, x []float64) {
	dst := r.set.State(k, t)
	for j, v := range x {
		dst[j] = float32(v)
	}
}

func (r *recorder) result(steps int, sums innovationSums) *assimilate.Result {
	return &assimilate.Result{
		Ensemble: r.set, Evaluations: steps,
		Diagnostics: map[string]float64{InnovationRatio: sums.ratio()},
	}
}
