package assimilate

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"retrace/diffusion"
	"retrace/internal/fault"
)

// Before it runs, guidance is tried on the mode of the prior that it drives hardest.
// For a Gaussian prior with V(s), the guided mean moves, at noise ratio s, the part of
// the trajectory that the observations see by
//
//	V A'^T S^-1 (y - A m),  of gain g(s) = largest eigenvalue of S^-1 A' V A'^T .
//
// An exact S keeps g below 1; a rule whose S is too small by a factor has a gain of that
// factor, as SDA's does of 1/gamma where R << gamma s^2. With q the eigenvector, the mode
// r = V A'^T q is multiplied by 1 - g, and by the prior's own denoiser before that, of
// which w = r^T (V/s^2) r / r^T r is taken. A denoiser of the slope w (1 - g) with respect
// to x_t/mu makes of the sampler, whatever its solver, grid and corrections, a sample
// whose standard deviation is computed without drawing any (diffusion.Response). A
// stable rule stays below the prior's; one whose step times gain exceeds 2 at many
// levels grows without bound.

// The spreads, in standard deviations of the prior, from which a combination is
// reported and refused.
const (
	doubtfulSpread = 1.5
	refusedSpread  = 10
)

// probedLevels is the number of noise levels at which g is computed; others
// interpolate in the logarithm of s.
const probedLevels = 12

// boundLimit is the number of values of a trajectory up to which g takes the
// covariance of the prior into account; beyond, values count as independent.
const boundLimit = 400

// unstable refuses what is certain to diverge.
func unstable(spread float64, guidance string) error {
	if spread <= refusedSpread {
		return nil
	}
	return fault.Input(fmt.Errorf("guidance %s with this sampler spreads members %.2g times as wide as the prior: %w", guidance, spread, ErrDiverged))
}

// spread is the standard deviation that the sampler makes of the mode that guidance
// drives hardest; 0 if the rule has no S of its own.
func (s *Score) spread(p Problem, n *innovations, chosen *plan) (float64, error) {
	levels := s.Sampler.Levels
	if chosen.weigher == nil || len(levels) < 2 {
		return 0, nil
	}
	at := n.tangent(make([]float32, p.Length*n.dim))
	high, low := math.Log(levels[0].Ratio()), math.Log(levels[len(levels)-1].Ratio())
	gains, weights := make([]float64, probedLevels), make([]float64, probedLevels)
	for i := range gains {
		ratio := math.Exp(high + (low-high)*float64(i)/(probedLevels-1))
		if n.matching != nil {
			n.forget(ratio)
			at = n.tangent(make([]float32, p.Length*n.dim))
		}
		v, err := s.openVariance(p, n, ratio)
		if err != nil {
			return 0, err
		}
		if gains[i], weights[i], err = gain(chosen.weigher, at, v, ratio, p.Length*n.dim); err != nil {
			return 0, err
		}
	}
	_, spread := s.Sampler.Response(func(level diffusion.Level) (slope, shift float64) {
		ratio := level.Ratio()
		position := (math.Log(ratio) - high) / (low - high)
		return interpolate(weights, position) * (1 - interpolate(gains, position)) / level.Mu, 0
	}, 1)
	if math.IsNaN(spread) {
		spread = math.Inf(1)
	}
	return spread, nil
}

// openVariance is V, nil where values count as independent.
func (s *Score) openVariance(p Problem, n *innovations, ratio float64) (*mat.SymDense, error) {
	if p.Length*n.dim > boundLimit {
		return nil, nil
	}
	v, err := s.Prior.Uncertainty(p.Length, ratio)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil, nil
	}
	return v, err
}

// gain is the largest eigenvalue g of S^-1 A' V A'^T, by powers, and the weight w of the
// prior in its mode.
func gain(w weigher, at *tangent, v *mat.SymDense, ratio float64, size int) (g, weight float64, err error) {
	const powers = 24
	x := make([]float64, at.rows())
	for i := range x {
		x[i] = 1 + 0.3*math.Sin(float64(3*i)) // no direction in particular
	}
	back, moved := mat.NewVecDense(size, nil), mat.NewVecDense(size, nil)
	mean := make([]float32, size)
	for range powers {
		norm := math.Sqrt(inner(x, x))
		if norm == 0 {
			return 0, unitVariance(ratio) / ratio / ratio, nil
		}
		for i := range x {
			x[i] /= norm
		}
		back.Zero()
		for i, value := range x {
			columns, factors := at.row(i)
			for k, c := range columns {
				back.SetVec(c, back.AtVec(c)+factors[k]*value)
			}
		}
		if v == nil {
			moved.ScaleVec(unitVariance(ratio), back)
		} else {
			moved.MulVec(v, back)
		}
		for i := range x {
			columns, factors := at.row(i)
			x[i] = 0
			for k, c := range columns {
				x[i] += factors[k] * moved.AtVec(c)
			}
		}
		if err := w.weigh(x, mean, ratio); err != nil {
			return 0, 0, err
		}
	}
	weight = unitVariance(ratio)
	if square := mat.Dot(moved, moved); v != nil && square > 0 {
		back.MulVec(v, moved)
		weight = mat.Dot(moved, back) / square
	}
	return math.Sqrt(inner(x, x)), weight / ratio / ratio, nil
}

// interpolate is linear between values evenly spaced over [0, 1].
func interpolate(values []float64, t float64) float64 {
	position := min(max(t, 0), 1) * float64(len(values)-1)
	i := min(int(position), len(values)-2)
	share := position - float64(i)
	return (1-share)*values[i] + share*values[i+1]
}
