package kalman

// Two updates that apply the Kalman gain K = A^T Y C^-1, C = Y^T Y + (N-1) I,
// to members rather than to a square root:
//
//	EnKF    x_i <- x_i + K (d - Y_i - D_i),   D_i ~ N(0, I)
//	DEnKF   x_i <- x_i + K (d - Y_i/2)
//
// The perturbations D are centred, so that they do not move the mean, and
// multiplied by sqrt(N/(N-1)), so that their covariance stays that of the noise
// on average (as in DAPPER). Half the gain, instead of perturbations, gives the
// analysis covariance to first order in K (Sakov & Oke 2008, Tellus 60A, 361).
// Both are left = (...) C^-1 and right = Y, or, with fewer members than
// observed values, C^-1 Y^T = Y^T (Y Y^T + (N-1) I)^-1.

import (
	"math"

	"retrace/dynamics"
	"retrace/internal/rng"
)

// EnKF is the ensemble Kalman filter with perturbed observations (Burgers, van
// Leeuwen & Evensen 1998, Mon. Weather Rev. 126, 1719).
type EnKF struct{}

func (*EnKF) kind() string                 { return "enkf" }
func (*EnKF) check(_ dynamics.Model) error { return nil }

func (*EnKF) begin(c *cycle) (analysis, error) {
	return newGlobal(c, &gain{
		spectrum: newSpectrum(c.members, c.most), share: 1,
		difference: make([]float64, c.members*c.most), product: make([]float64, c.members*min(c.members, c.most)),
		perturbations: newPerturbations(c.problem.Seed, c.members, c.most),
	}, min(c.members, c.most)), nil
}

// DEnKF is the deterministic ensemble Kalman filter of Sakov & Oke 2008.
type DEnKF struct{}

func (*DEnKF) kind() string                 { return "denkf" }
func (*DEnKF) check(_ dynamics.Model) error { return nil }

func (*DEnKF) begin(c *cycle) (analysis, error) {
	return newGlobal(c, &gain{
		spectrum: newSpectrum(c.members, c.most), share: 0.5,
		difference: make([]float64, c.members*c.most), product: make([]float64, c.members*min(c.members, c.most)),
	}, min(c.members, c.most)), nil
}

// gain applies the Kalman gain to d - share Y - D.
type gain struct {
	*spectrum
	share         float64
	perturbations *perturbations // nil for none

	difference, product []float64
}

func (g *gain) weigh(t *transform, c *cycle) error {
	n, p := c.members, c.seen.count
	if !g.decompose(c.seen.anomalies, c.seen.residual, p) {
		return c.diverged()
	}
	difference := g.difference[:n*p]
	clear(difference)
	if g.perturbations != nil {
		copy(difference, g.perturbations.draw(p, c.problem.Case, c.state, 0))
	}
	for row := 0; row < n*p; row += p {
		for j, d := range c.seen.residual[:p] {
			difference[row+j] = d - g.share*c.seen.anomalies[row+j] - difference[row+j]
		}
	}
	inverse := g.gram[:g.order*g.order]
	g.function(inverse, func(l float64) float64 { return 1 / (l + float64(n-1)) })
	if g.dual {
		multiply(t.weights(p, c.seen.anomalies), 1, difference, inverse, 0, n, p, p)
		return nil
	}
	product := g.product[:n*n]
	multiplyTransposed(product, 1, difference, c.seen.anomalies, 0, n, p, n)
	left := t.weights(n, nil)
	multiply(left, 1, product, inverse, 0, n, n, n)
	return nil
}

// perturbations of observations, in units of the noise.
type perturbations struct {
	members      int
	source       *rng.Source
	values, mean []float64
}

func newPerturbations(seed int64, members, most int) *perturbations {
	return &perturbations{
		members: members, source: rng.NewSource(seed, "kalman/perturbations"),
		values: make([]float64, members*most), mean: make([]float64, most),
	}
}

// draw returns those of p values of a state, centred, a row for each member.
func (d *perturbations) draw(p, problem, state, repetition int) []float64 {
	values := d.values[:d.members*p]
	for member := range d.members {
		r := d.source.At(uint64(problem), uint64(state), uint64(repetition), uint64(member))
		for j := range p {
			values[member*p+j] = r.NormFloat64()
		}
	}
	centre(d.mean[:p], values, p)
	scale := math.Sqrt(float64(d.members) / float64(d.members-1))
	for i := range values {
		values[i] *= scale
	}
	return values
}
