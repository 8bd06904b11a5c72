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
//
// J is the network's, and where the law of x given x_t is far from the mean
// Gaussian that S knows, as between the two wings of Lorenz's butterfly, sigma^2 J
// is several times what S allows for: the full step would overshoot. A rule
// whose S is meant to be the covariance of the innovations therefore has the
// length of its step searched for: alpha u in place of u with
//
//	alpha = u^T (y - A(m)) / u^T (R + (sigma^2/mu) A' J^T A'^T) u ,
//
// the first step of conjugate gradients, preconditioned by S, on the system with
// the network's own Tweedie covariance (MMPS; Rozet et al. 2024, equation 12).
// It is 1 where both covariances agree and costs no evaluation.

// weigher solves S u = innovation for the trajectory whose denoised mean is
// given, at noise ratio s; u replaces the innovation.
type weigher interface {
	weigh(innovation []float64, mean []float32, s float64) error
	// searches says that the length of the step along u is searched for.
	searches() bool
}

// longestStep bounds alpha where the network's Jacobian all but vanishes along
// u, as poor networks' do.
const longestStep = 3

// guide is the denoiser of a prior conditioned on observations.
type guide struct {
	prior diffusion.Differentiable
	*innovations
	weigher

	innovation, u    []float64
	cotangent, shift []float32
	slopes, noises   []float64 // u^T (y - A(m)) and u^T R u of each row
}

func newGuide(prior diffusion.Differentiable, n *innovations, w weigher) *guide {
	return &guide{prior: prior, innovations: n, weigher: w, innovation: make([]float64, n.present()), u: make([]float64, n.present())}
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
	n := g.Dim()
	g.fit(len(mean))
	cotangent, shift := g.cotangent[:len(mean)], g.shift[:len(mean)]
	for row := 0; row < len(mean); row += n {
		if err := g.innovate(row/n, cotangent[row:row+n], mean[row:row+n], at.Ratio()); err != nil {
			return err
		}
	}
	if err := g.prior.Pull(shift, cotangent); err != nil {
		return err
	}
	scale := at.Sigma * at.Sigma / at.Mu
	for row := 0; row < len(mean); row += n {
		step := float32(scale * g.step(row/n, scale, cotangent[row:row+n], shift[row:row+n]))
		for i, v := range shift[row : row+n] {
			mean[row+i] += step * v
		}
	}
	return nil
}

// fit makes room for arrays of size values.
func (g *guide) fit(size int) {
	if len(g.cotangent) < size {
		g.cotangent, g.shift = make([]float32, size), make([]float32, size)
		g.slopes, g.noises = make([]float64, size/g.Dim()), make([]float64, size/g.Dim())
	}
}

// innovate writes A'^T u of one row to cotangent.
func (g *guide) innovate(row int, cotangent, trajectory []float32, s float64) error {
	g.write(g.innovation, trajectory)
	copy(g.u, g.innovation)
	if err := g.weigh(g.u, trajectory, s); err != nil {
		return err
	}
	g.slopes[row], g.noises[row] = 0, 0
	for i, u := range g.u {
		g.slopes[row] += u * g.innovation[i]
		g.noises[row] += u * u * g.noise[i]
	}
	g.pullBack(cotangent, trajectory, g.u)
	return nil
}

// step is alpha of one row, shift being J^T cotangent.
func (g *guide) step(row int, scale float64, cotangent, shift []float32) float64 {
	if !g.searches() {
		return 1
	}
	var variance float64 // u^T A' J^T A'^T u
	for i, v := range shift {
		variance += scale * float64(cotangent[i]) * float64(v)
	}
	if variance <= 0 {
		return 1 // no covariance, or nothing to explain
	}
	return min(g.slopes[row]/(g.noises[row]+variance), longestStep)
}
