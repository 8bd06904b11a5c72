package kalman

// The ensemble Rauch-Tung-Striebel smoother: behind the filter, from the last
// state back, the correction that the members of state t+1 received is regressed
// on those of state t,
//
//	E_t <- E_t + g (E_(t+1) - F_(t+1)) A_(t+1)^+ A_t ,
//
// F being the forecast, A_(t+1) its anomalies with their pseudoinverse, A_t the
// anomalies of the analysis at t, and g a decay that damps what sampling errors
// accumulate (Raanes 2016, Q. J. R. Meteorol. Soc. 142, 1259, who shows that it
// equals the ensemble smoother of infinite lag for linear systems without
// noise). The pseudoinverse leaves out singular values below 1e-5 of the
// largest.

import (
	"cmp"
	"context"
	"fmt"
	"math"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/observe"
)

// EnRTS is a Filter followed by a pass backward over all states. It holds the
// ensembles of the whole trajectory, twice where a state is observed, in
// float64.
//
// As a Method, trajectory k of the result is member k of the smoothed ensemble
// at each state.
type EnRTS struct {
	Filter `toml:",inline"`
	Decay  float64 `toml:"decay" doc:"factor on the correction handed back from a state to the one before it; 0 to 1"`
}

// Check reports the first parameter out of range, or that the update cannot
// work with the model.
func (s *EnRTS) Check(model dynamics.Model) error {
	return cmp.Or(s.Filter.Check(model), dynamics.CheckBetween("decay", s.Decay, 0, 1))
}

// Cycle implements assimilate.Sequential; Smoothed estimates all come at the
// end. If the ensemble blows up the error is a *Divergence.
func (s *EnRTS) Cycle(ctx context.Context, p assimilate.Problem, watch func(assimilate.Estimate) error) error {
	_, err := s.cycle(ctx, p, watch)
	return err
}

func (s *EnRTS) cycle(ctx context.Context, p assimilate.Problem, watch func(assimilate.Estimate) error) (*cycle, error) {
	if err := s.Check(p.Model); err != nil {
		return nil, fmt.Errorf("enrts: %w", err)
	}
	c, err := newCycle("enrts", s.Filter, p)
	if err != nil {
		return nil, err
	}
	if err := s.smooth(ctx, c, newReporter(c.size, watch)); err != nil {
		return nil, fmt.Errorf("enrts, case %d: %w", p.Case, err)
	}
	return c, nil
}

// smooth passes forward and back.
func (s *EnRTS) smooth(ctx context.Context, c *cycle, report *reporter) error {
	var forecasts, analyses [][]float64
	err := c.run(ctx, func(stage assimilate.Stage, seen []observe.Observation) error {
		switch {
		case stage == assimilate.Forecast:
			forecasts = append(forecasts, append([]float64(nil), c.ensemble...))
		default:
			analyses = append(analyses, append([]float64(nil), c.ensemble...))
		}
		return report.ensemble(stage, c.state, c.ensemble)
	})
	if err != nil {
		return err
	}
	back := newRegression(c.members, c.size)
	for t := len(analyses) - 2; t >= 0; t-- {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !back.correct(analyses[t], analyses[t+1], forecasts[t+1], s.Decay) {
			return &Divergence{State: t, Member: -1}
		}
		forecasts[t+1] = nil // no longer needed
	}
	for t, ensemble := range analyses {
		if err := report.ensemble(assimilate.Smoothed, t, ensemble); err != nil {
			return err
		}
	}
	return nil
}

// Assimilate runs the smoother. Evaluations counts model steps per member; the
// result tells the InnovationRatio.
func (s *EnRTS) Assimilate(ctx context.Context, p assimilate.Problem, progress func(done, total int)) (*assimilate.Result, error) {
	r, err := newRecorder(p, assimilate.Smoothed, progress)
	if err != nil {
		return nil, err
	}
	c, err := s.cycle(ctx, p, r.watch)
	if err != nil {
		return nil, err
	}
	return r.result(c.forecast.steps, c.innovationSums), nil
}

// regression hands corrections back in time.
type regression struct {
	members, size int
	spectrum      *spectrum
	mean          []float64
	anomalies     []float64 // of the analysis at t
	correction    []float64 // E - F at t+1
	zero          []float64 // no innovations
	left, weights []float64 // members by the order of the spectrum
	right         []float64 // covariance of the two states, if it is the smaller
}

func newRegression(members, size int) *regression {
	order := min(members, size)
	return &regression{
		members: members, size: size, spectrum: newSpectrum(members, size), mean: make([]float64, size),
		anomalies: make([]float64, members*size), correction: make([]float64, members*size), zero: make([]float64, size),
		left: make([]float64, members*order), weights: make([]float64, members*order), right: make([]float64, order*size),
	}
}

// correct adds to an ensemble what its successor was corrected by; of the
// successor's forecast it leaves the anomalies. It reports false if they are
// not finite.
func (r *regression) correct(ensemble, successor, forecast []float64, decay float64) bool {
	n, size := r.members, r.size
	for i := range r.correction {
		r.correction[i] = successor[i] - forecast[i]
	}
	copy(r.anomalies, ensemble)
	centre(r.mean, r.anomalies, size)
	centre(r.mean, forecast, size)
	if !r.spectrum.decompose(forecast, r.zero, size) {
		return false
	}
	order := r.spectrum.order
	inverse := r.spectrum.gram[:order*order]
	r.spectrum.function(inverse, pseudoinverse(r.spectrum.values))
	if r.spectrum.dual { // A^+ = (A^T A)^+ A^T
		multiply(r.weights, 1, r.correction, inverse, 0, n, size, size)
		transposedMultiply(r.right, 1, forecast, r.anomalies, 0, size, n, size)
		multiply(ensemble, decay, r.weights, r.right, 1, n, size, size)
		return true
	}
	// A^+ = A^T (A A^T)^+
	multiplyTransposed(r.left, 1, r.correction, forecast, 0, n, size, n)
	multiply(r.weights, 1, r.left, inverse, 0, n, n, n)
	multiply(ensemble, decay, r.weights, r.anomalies, 1, n, n, size)
	return true
}

// pseudoinverse inverts the eigenvalues of a Gram matrix whose roots are not
// negligible.
func pseudoinverse(values []float64) func(l float64) float64 {
	var most float64
	for _, l := range values {
		most = math.Max(most, l)
	}
	return func(l float64) float64 {
		if l <= 1e-10*most {
			return 0
		}
		return 1 / l
	}
}
