package variational

import (
	"context"

	"retrace/assimilate"
)

// Interpolation is optimal interpolation: each state is estimated on its own,
// from the climatology of Problem.Training and what was seen of it. A state of
// which nothing was seen is the climatology. The model is not used; Problem.Initial
// neither.
type Interpolation struct{}

// Cycle implements assimilate.Sequential. The Forecast is the climatology.
func (Interpolation) Cycle(ctx context.Context, p assimilate.Problem, watch func(assimilate.Estimate) error) error {
	s, err := newInterpolation(&p, false)
	if err != nil {
		return err
	}
	return s.run(ctx, watch, nil)
}

// Assimilate implements assimilate.Method. It costs no Evaluations; the diagnostic
// is CostRatio.
func (Interpolation) Assimilate(ctx context.Context, p assimilate.Problem, progress func(done, total int)) (*assimilate.Result, error) {
	s, err := newInterpolation(&p, false)
	if err != nil {
		return nil, err
	}
	return s.collect(ctx, progress)
}

// Persistence keeps the last analysis of Interpolation until something is seen
// again. Its forecast is that nothing changes.
type Persistence struct{}

// Cycle implements assimilate.Sequential. Analyses take the climatology for their
// background, as those of Interpolation do; the Forecast is the analysis before.
func (Persistence) Cycle(ctx context.Context, p assimilate.Problem, watch func(assimilate.Estimate) error) error {
	s, err := newInterpolation(&p, true)
	if err != nil {
		return err
	}
	return s.run(ctx, watch, nil)
}

// Assimilate implements assimilate.Method, as Interpolation does.
func (Persistence) Assimilate(ctx context.Context, p assimilate.Problem, progress func(done, total int)) (*assimilate.Result, error) {
	s, err := newInterpolation(&p, true)
	if err != nil {
		return nil, err
	}
	return s.collect(ctx, progress)
}

func newInterpolation(p *assimilate.Problem, persist bool) (*pass, error) {
	if err := checkDense(p); err != nil {
		return nil, err
	}
	climate, err := climatology(p.Training, p.Model.Space().Size())
	if err != nil {
		return nil, err
	}
	law := climate.law()
	s := newPass(p, law, law.root)
	if persist {
		s.renew, s.advance = &law, func([]float64) {}
	} else {
		s.advance = func(mean []float64) { copy(mean, law.mean) }
	}
	return s, nil
}
