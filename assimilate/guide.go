package assimilate

import (
	"math"

	"retrace/diffusion"
	"retrace/observe"
	"retrace/trajectory"
)

// The guidance of score-based data assimilation (Rozet & Louppe 2023, section
// 3.2) takes the likelihood of a noised trajectory for Gaussian,
//
//	p(y | x_t) ~ N(y; A(m), R + Gamma s^2 A' A'^T),  m = E[x | x_t],  s = sigma/mu ,
//
// R being the noise variance and A' the Jacobian of the operator in
// standardised units; of the covariance the diagonal is kept. With J = dm/dx_t
// and u = (y - A(m)) / variance, the posterior mean is, by Tweedie's formula,
//
//	E[x | x_t, y] = m + (sigma^2 / mu) J^T A'^T u .

// guide conditions a prior on observations: the Denoiser of the posterior.
type guide struct {
	prior    diffusion.Differentiable
	standard trajectory.Standardiser
	gamma    float64
	data     []datum
	dim      int // values of a state

	state, pull []float64
	predicted   []float64
	cotangent   []float32
	shift       []float32
}

// datum is one observation with the squared norm of the gradient of each value
// with respect to the standardised state.
type datum struct {
	observe.Observation
	sensitivity []float64
}

func newGuide(prior diffusion.Differentiable, seq observe.Sequence, standard trajectory.Standardiser, gamma float64) *guide {
	g := &guide{prior: prior, standard: standard, gamma: gamma, dim: standard.Size()}
	g.state, g.pull = make([]float64, g.dim), make([]float64, g.dim)
	for i := range g.state {
		g.state[i], _ = standard.At(i)
	}
	most := 0
	var last datum
	for _, o := range seq.Observations {
		most = max(most, len(o.Values))
		// operators repeat from state to state
		if last.Operator == nil || !same(last.Operator, o.Operator) {
			last = datum{o, g.sensitivities(o)}
		}
		g.data = append(g.data, datum{o, last.sensitivity})
	}
	g.predicted = make([]float64, most)
	return g
}

// same reports whether two operators are the same object; operators that
// cannot be compared count as different.
func same(a, b observe.Operator) (equal bool) {
	defer func() {
		if recover() != nil {
			equal = false
		}
	}()
	return a == b
}

// sensitivities are taken at the mean state, exact for linear operators.
func (g *guide) sensitivities(o observe.Observation) []float64 {
	unit := make([]float64, len(o.Values))
	squares := make([]float64, len(o.Values))
	for j := range unit {
		unit[j] = 1
		o.Operator.VJP(g.pull, g.state, unit)
		unit[j] = 0
		for i, v := range g.pull {
			_, scale := g.standard.At(i)
			squares[j] += v * scale * v * scale
		}
	}
	return squares
}

// Dim implements diffusion.Denoiser.
func (g *guide) Dim() int { return g.prior.Dim() }

// Denoise implements diffusion.Denoiser.
func (g *guide) Denoise(mean, xt []float32, at diffusion.Level) error {
	if err := g.prior.Denoise(mean, xt, at); err != nil {
		return err
	}
	if len(g.data) == 0 {
		return nil
	}
	if len(g.cotangent) != len(mean) {
		g.cotangent, g.shift = make([]float32, len(mean)), make([]float32, len(mean))
	}
	ratio := at.Ratio()
	dim := g.Dim()
	for row := 0; row < len(mean); row += dim {
		g.likelihood(g.cotangent[row:row+dim], mean[row:row+dim], ratio*ratio)
	}
	if err := g.prior.Pull(g.shift, g.cotangent); err != nil {
		return err
	}
	scale := float32(at.Sigma * at.Sigma / at.Mu)
	for i, v := range g.shift {
		mean[i] += scale * v
	}
	return nil
}

// likelihood writes A'^T u for one trajectory.
func (g *guide) likelihood(dst, mean []float32, ratio2 float64) {
	clear(dst)
	for _, d := range g.data {
		begin := d.Index * g.dim
		for i, z := range mean[begin : begin+g.dim] {
			m, scale := g.standard.At(i)
			g.state[i] = m + scale*float64(z)
		}
		u := g.predicted[:len(d.Values)]
		d.Operator.Apply(u, g.state)
		for j, y := range d.Values {
			if math.IsNaN(y) {
				u[j] = 0
				continue
			}
			u[j] = (y - u[j]) / (d.Sd[j]*d.Sd[j] + g.gamma*ratio2*d.sensitivity[j])
		}
		d.Operator.VJP(g.pull, g.state, u)
		for i, v := range g.pull {
			_, scale := g.standard.At(i)
			dst[begin+i] += float32(v * scale)
		}
	}
}
