package assimilate

import (
	"retrace/diffusion"
)

// Guidance takes the likelihood of a noised trajectory for Gaussian around the
// denoised mean m = E[x | x_t]: the mean of the observed values is A(m), and
// their covariance S adds to the noise R what x_t leaves open of them. With
// J = dm/dx_t, A' the Jacobian of A at m and u = S^-1 (y - A(m)), the posterior
// mean is, by Tweedie's formula,
//
//	E[x | x_t, y] = m + (sigma^2/mu) J^T A'^T u .
//
// Rules of guidance differ in S.

// weigher solves S u = innovation for the trajectory whose denoised mean is
// given, at noise ratio s; u replaces the innovation.
type weigher interface {
	weigh(innovation []float64, mean []float32, s float64) error
}

// guide is the denoiser of a prior conditioned on observations.
type guide struct {
	prior diffusion.Differentiable
	*innovations
	weigher

	u                []float64
	cotangent, shift []float32
}

func newGuide(prior diffusion.Differentiable, n *innovations, w weigher) *guide {
	return &guide{prior: prior, innovations: n, weigher: w, u: make([]float64, n.present())}
}

// Dim implements diffusion.Denoiser.
func (g *guide) Dim() int { return g.prior.Dim() }

// Denoise implements diffusion.Denoiser.
func (g *guide) Denoise(mean, xt []float32, at diffusion.Level) error {
	if err := g.prior.Denoise(mean, xt, at); err != nil {
		return err
	}
	if g.present() == 0 {
		return nil
	}
	if len(g.cotangent) < len(mean) {
		g.cotangent, g.shift = make([]float32, len(mean)), make([]float32, len(mean))
	}
	cotangent, shift := g.cotangent[:len(mean)], g.shift[:len(mean)]
	n := g.Dim()
	for row := 0; row < len(mean); row += n {
		trajectory := mean[row : row+n]
		g.write(g.u, trajectory)
		if err := g.weigh(g.u, trajectory, at.Ratio()); err != nil {
			return err
		}
		g.pullBack(cotangent[row:row+n], trajectory, g.u)
	}
	if err := g.prior.Pull(shift, cotangent); err != nil {
		return err
	}
	scale := float32(at.Sigma * at.Sigma / at.Mu)
	for i, v := range shift {
		mean[i] += scale * v
	}
	return nil
}
