package kalman

// The iterative ensemble Kalman smoother (Bocquet & Sakov 2012, Nonlin.
// Processes Geophys. 19, 383; 2014, Q. J. R. Meteorol. Soc. 140, 1521). A
// window reaches from the state that is estimated, Lag analyses back, to the
// newest observations. Its members run through it several times, and each time
// the start is moved towards the mode of the posterior (gaussnewton.go). Then
// the window moves on by one analysis. Lag 1 is the iterative filter IEnKF
// (Sakov, Oliver & Bertino 2012), lag 0 the maximum-likelihood filter.
//
// The noise of the model on the way through the window is estimated as well:
// each member has its own, and weights that combine the members at the start
// combine their noise in the same way. For linear models this is the EnKS; without
// noise it is the usual iEnKS.

import (
	"cmp"
	"context"
	"fmt"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/internal/fault"
)

// IEnKS is the iterative ensemble Kalman smoother. Start from NewIEnKS. The
// model must have noise that does not depend on the state, or none.
//
// As a Method, trajectory k of the result is member k of the smoothed ensemble
// at each state.
type IEnKS struct {
	Update     string  `toml:"update" doc:"form of the iteration: etkf (square root), enkf (perturbed observations) or denkf"`
	Lag        int     `toml:"lag" doc:"analyses from the start of a window to its end; 0 to 1000"`
	Iterations int     `toml:"iterations" doc:"most runs through a window; 1 to 1000"`
	Tolerance  float64 `toml:"tolerance" doc:"mean square change of the weights at which iterations end; 0 (all are done) to 1; 1e-5 is usual"`
	MDA        bool    `toml:"mda" doc:"whether iterations assimilate the observations a share each (multiple data assimilation) instead of searching the mode"`
	Bundle     bool    `toml:"bundle" doc:"whether the model is linearised by members close together instead of by their regression"`
	XN         float64 `toml:"xn" doc:"above 0, prior inflation is estimated as in the enkf-n, with this certainty; 0: it is not"`
	Inflation  float64 `toml:"inflation" doc:"factor on the anomalies at the start of the window, after each analysis; 0.1 to 100"`
	Rotate     bool    `toml:"rotate" doc:"whether members are mixed by a random rotation that keeps mean and covariance, in each cycle"`
}

// NewIEnKS returns the square-root form with lag 1 and ten iterations.
func NewIEnKS() *IEnKS { return &IEnKS{Update: "etkf", Lag: 1, Iterations: 10, Inflation: 1} }

// bundleScale is the factor on anomalies that makes members close.
const bundleScale = 1e-4

// Check reports the first parameter out of range, or that the method cannot
// work with the model.
func (m *IEnKS) Check(model dynamics.Model) error {
	err := cmp.Or(
		checkName("update", m.Update, []string{"etkf", "enkf", "denkf"}),
		dynamics.CheckBetween("lag", m.Lag, 0, 1000),
		dynamics.CheckBetween("iterations", m.Iterations, 1, 1000),
		dynamics.CheckBetween("tolerance", m.Tolerance, 0, 1),
		dynamics.CheckBetween("inflation", m.Inflation, 0.1, 100),
	)
	if err == nil && m.XN != 0 {
		err = dynamics.CheckBetween("xn", m.XN, 0.01, 1e9)
	}
	if err == nil && !splits(model) {
		err = fault.Inputf("kind: ienks needs a model whose noise does not depend on its state; that of %T may: choose enks", model)
	}
	return err
}

// Cycle implements assimilate.Sequential. Forecasts and analyses are those of
// the end of the window, the analysis being linearised around the last run.
// Memory holds a window. If the ensemble blows up the error is a *Divergence.
func (m *IEnKS) Cycle(ctx context.Context, p assimilate.Problem, watch func(assimilate.Estimate) error) error {
	_, err := m.cycle(ctx, p, watch)
	return err
}

func (m *IEnKS) cycle(ctx context.Context, p assimilate.Problem, watch func(assimilate.Estimate) error) (*iterative, error) {
	if err := m.Check(p.Model); err != nil {
		return nil, fmt.Errorf("ienks: %w", err)
	}
	if err := checkProblem("ienks", p, 2); err != nil {
		return nil, err
	}
	s := newIterative(*m, p, watch)
	if err := s.run(ctx); err != nil {
		return nil, fmt.Errorf("ienks, case %d: %w", p.Case, err)
	}
	return s, nil
}

// Assimilate runs the smoother. Evaluations counts model steps per member.
func (m *IEnKS) Assimilate(ctx context.Context, p assimilate.Problem, progress func(done, total int)) (*assimilate.Result, error) {
	r, err := newRecorder(p, assimilate.Smoothed, progress)
	if err != nil {
		return nil, err
	}
	s, err := m.cycle(ctx, p, r.watch)
	if err != nil {
		return nil, err
	}
	return r.result(s.forecast.steps, s.sums), nil
}
