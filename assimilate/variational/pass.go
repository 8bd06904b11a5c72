package variational

import (
	"context"
	"fmt"

	"retrace/assimilate"
	"retrace/internal/parallel"
	"retrace/internal/rng"
	"retrace/observe"
	"retrace/trajectory"
)

// CostRatio is the Diagnostics entry with twice the costs at their minima over
// the number of observed values: 1 on average if background and noise are what
// they are taken for.
const CostRatio = "cost_ratio"

// pass goes through the states in the order of time and analyses each.
type pass struct {
	problem *assimilate.Problem
	first   law                  // the background of state 0
	later   root                 // the root of those of later states
	advance func(mean []float64) // from an analysis to the mean of the next forecast
	// renew, if set, takes the place of the forecast as the background of states of
	// which anything was seen.
	renew *law

	analysis *analysis
	mean     []float64 // of the background
	variance []float64

	cost   float64 // of all analyses
	values int     // observed
}

func newPass(p *assimilate.Problem, first law, later root) *pass {
	size := p.Model.Space().Size()
	return &pass{
		problem: p, first: first, later: later,
		analysis: newAnalysis(p.Observations, size, max(first.root.rank(), later.rank())),
		mean:     make([]float64, size), variance: make([]float64, size),
	}
}

// run shows the forecast and the analysis of every state to watch; keep is called
// after each analysis, and may be nil.
func (s *pass) run(ctx context.Context, watch func(assimilate.Estimate) error, keep func(t int) error) error {
	rest := s.problem.Observations.Observations
	copy(s.mean, s.first.mean)
	background := law{s.mean, s.first.root}
	for t := range s.problem.Length {
		if err := ctx.Err(); err != nil {
			return err
		}
		if t > 0 {
			copy(s.mean, s.analysis.state)
			s.advance(s.mean)
			background.root = s.later
		}
		if !finite(s.mean) {
			return fmt.Errorf("%w: the forecast of state %d is not finite: the model is unstable there (a shorter integration step may help)", ErrDiverged, t)
		}
		background.root.variance(s.variance)
		if err := watch(assimilate.Estimate{Stage: assimilate.Forecast, Index: t, Mean: s.mean, Variance: s.variance}); err != nil {
			return err
		}
		var seen []observe.Observation
		seen, rest = of(t, rest)
		if err := s.analyse(background, seen, t); err != nil {
			return err
		}
		if err := watch(assimilate.Estimate{Stage: assimilate.Analysis, Index: t, Mean: s.analysis.state, Variance: s.variance}); err != nil {
			return err
		}
		if keep == nil {
			continue
		}
		if err := keep(t); err != nil {
			return err
		}
	}
	return nil
}

// analyse makes the analysis of state t, and its variance.
func (s *pass) analyse(background law, seen []observe.Observation, t int) error {
	if s.renew != nil && observe.Count(seen) > 0 {
		background = *s.renew
	}
	cost, err := s.analysis.update(background, seen, t)
	s.cost += cost
	s.values += s.analysis.count
	s.analysis.variance(s.variance)
	return err
}

// collect runs the pass and draws, of every state, the members of the ensemble:
// the analysis plus a draw from its covariance. A member takes the same numbers
// at every state, so that it does not jump from one to the next, and does not
// depend on how many there are.
func (s *pass) collect(ctx context.Context, progress func(done, total int)) (*assimilate.Result, error) {
	p := s.problem
	set := trajectory.New(p.Model.Space(), p.Model.Clock(), []trajectory.Dimension{{Name: "member", Len: p.Members}}, p.Length)
	workers := make([]drawing, parallel.Workers(p.Members))
	for w := range workers {
		workers[w] = newDrawing(s.analysis, p.Seed)
	}
	ignore := func(assimilate.Estimate) error { return nil }
	err := s.run(ctx, ignore, func(t int) error {
		parallel.Run(p.Members, func(worker, k int) {
			for i, x := range workers[worker].member(p.Case, k) {
				set.State(k, t)[i] = float32(x)
			}
		})
		if progress != nil {
			progress(t+1, p.Length)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &assimilate.Result{Ensemble: set, Diagnostics: s.diagnostics()}, nil
}

func (s *pass) diagnostics() map[string]float64 {
	if s.values == 0 {
		return nil
	}
	return map[string]float64{CostRatio: 2 * s.cost / float64(s.values)}
}

// drawing draws members of the present analysis for one worker.
type drawing struct {
	analysis       *analysis
	source         *rng.Source
	x, z, e, right []float64
}

func newDrawing(a *analysis, seed int64) drawing {
	return drawing{
		analysis: a, source: rng.NewSource(seed, "variational/members"),
		x: make([]float64, a.size), z: make([]float64, len(a.trial)), e: make([]float64, len(a.right)),
		right: make([]float64, len(a.right)),
	}
}

// member returns member k, valid until the next call.
func (d *drawing) member(number, k int) []float64 {
	r := d.source.At(uint64(number), uint64(k))
	for i := range d.z {
		d.z[i] = r.NormFloat64()
	}
	for i := range d.e {
		d.e[i] = r.NormFloat64()
	}
	d.analysis.draw(d.x, d.z, d.e, d.right)
	return d.x
}
