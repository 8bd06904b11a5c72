package variational

import (
	"context"

	"retrace/assimilate"
	"retrace/dynamics"
)

// ThreeDVar is 3D-Var: the forecast of the last analysis is the background of the
// next, with one covariance for all times. Forecasts are the model's flow, without
// noise. Make one with NewThreeDVar.
type ThreeDVar struct {
	Background `toml:",inline"`
}

// NewThreeDVar returns the method with a tenth of the climatological covariance.
func NewThreeDVar() *ThreeDVar { return &ThreeDVar{Background{"climatology", 0.1}} }

// Check reports a parameter out of range by its key, or a model without a known flow,
// as input errors.
func (v *ThreeDVar) Check(model dynamics.Model) error {
	if err := v.check(); err != nil {
		return err
	}
	_, err := flowOf(model)
	return err
}

// Cycle implements assimilate.Sequential. The variance of a Forecast is that of the
// background, the variance of an Analysis what the analysis leaves of it.
func (v *ThreeDVar) Cycle(ctx context.Context, p assimilate.Problem, watch func(assimilate.Estimate) error) error {
	s, err := v.pass(&p)
	if err != nil {
		return err
	}
	return s.run(ctx, watch, nil)
}

// Assimilate implements assimilate.Method. Members are draws around the analysis of
// each state. The diagnostic is CostRatio; the error wraps ErrDiverged if the
// forecast leaves the finite numbers.
func (v *ThreeDVar) Assimilate(ctx context.Context, p assimilate.Problem, progress func(done, total int)) (*assimilate.Result, error) {
	s, err := v.pass(&p)
	if err != nil {
		return nil, err
	}
	result, err := s.collect(ctx, progress)
	if err != nil {
		return nil, err
	}
	result.Evaluations = (p.Length - 1 + p.Members - 1) / p.Members
	return result, nil
}

func (v *ThreeDVar) pass(p *assimilate.Problem) (*pass, error) {
	if err := v.check(); err != nil {
		return nil, err
	}
	if err := checkDense(p); err != nil {
		return nil, err
	}
	model, err := flowOf(p.Model)
	if err != nil {
		return nil, err
	}
	first, later, err := v.laws(p, p.Length > 1)
	if err != nil {
		return nil, err
	}
	if later == nil {
		later = first.root // of the only state
	}
	s := newPass(p, first, later)
	s.advance = model.Flow
	return s, nil
}
