package particle

import (
	"context"
	"slices"

	"retrace/assimilate"
	"retrace/internal/rng"
	"retrace/observe"
	"retrace/trajectory"
)

// diagnostics is what a filter tells of its work.
type diagnostics struct {
	logEvidence, minimumESS float64
	steps                   int // transitions of the model, of all particles
}

// drive passes through all states: forecast, watch, update, watch, renew. renew
// may be nil.
func drive(ctx context.Context, c *cloud, condition update, r *renewal, watch func(assimilate.Estimate) error) (diagnostics, error) {
	p := c.problem
	d := diagnostics{minimumESS: float64(c.n), steps: c.n * (p.Length - 1)}
	if p.Initial == nil {
		d.steps += c.n * p.Model.SpinUp()
	}
	rest := p.Observations.Observations
	for t := range p.Length {
		if err := c.forecast(ctx, t); err != nil {
			return d, err
		}
		if err := watch(c.estimate(t, assimilate.Forecast)); err != nil {
			return d, err
		}
		seen := 0
		for seen < len(rest) && rest[seen].Index == t {
			seen++
		}
		if present := rest[:seen]; observe.Count(present) > 0 {
			evidence, err := condition(t, present)
			if err != nil {
				return d, err
			}
			d.logEvidence += evidence
			d.minimumESS = min(d.minimumESS, ess(c.weights))
		}
		rest = rest[seen:]
		if err := watch(c.estimate(t, assimilate.Analysis)); err != nil {
			return d, err
		}
		if r != nil {
			r.renew(t)
		}
	}
	return d, nil
}

// collect runs a filter and keeps, of every state, as many equally weighted
// members as the problem asks for.
func collect(ctx context.Context, p assimilate.Problem, progress func(done, total int),
	run func(context.Context, assimilate.Problem, func(assimilate.Estimate) error) (diagnostics, error)) (*assimilate.Result, error) {
	if err := checkProblem(&p); err != nil {
		return nil, err
	}
	set := trajectory.New(p.Model.Space(), p.Model.Clock(), []trajectory.Dimension{{Name: "member", Len: p.Members}}, p.Length)
	source := rng.NewSource(p.Seed, "particle/members")
	chosen := make([]int32, p.Members)
	size := p.Model.Space().Size()
	d, err := run(ctx, p, func(e assimilate.Estimate) error {
		if e.Stage != assimilate.Analysis {
			return nil
		}
		n := len(e.Ensemble) / size
		weights := e.Weights
		if weights == nil {
			weights = slices.Repeat([]float64{1}, n) // counted exactly, unlike 1/n
		}
		systematic(chosen, weights, source.At(uint64(p.Case), uint64(e.Index)).Float64())
		for k, i := range chosen {
			dst := set.State(k, e.Index)
			for j, x := range e.Ensemble[int(i)*size : (int(i)+1)*size] {
				dst[j] = float32(x)
			}
		}
		if progress != nil {
			progress(e.Index+1, p.Length)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &assimilate.Result{
		Ensemble: set, Evaluations: (d.steps + p.Members - 1) / p.Members,
		Diagnostics: map[string]float64{LogEvidence: d.logEvidence, MinimumESS: d.minimumESS},
	}, nil
}
