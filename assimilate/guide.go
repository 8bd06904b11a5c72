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
// Rules of guidance differ in S and in how u is carried back to the trajectory:
// through the network, as above, or through a covariance. Operators that are not
// linear are linearised at m. In what follows s = sigma/mu, and (sigma^2/mu) J is
// Tweedie's covariance of x given x_t, V.
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

// rule is one rule of guidance, with the scratch space of one worker.
type rule interface {
	// solve sets b.u to S^-1 b.e for every row.
	solve(b *batch) error
	// shift adds what u says of the trajectories to b.mean.
	shift(b *batch) error
}

// batch is the rows that are denoised together.
type batch struct {
	*innovations
	prior diffusion.Differentiable
	at    diffusion.Level
	mean  []float32   // denoised
	e, u  [][]float64 // y - A(mean), and S^-1 e, for each row

	cotangent, pulled []float32
}

// row is the part of x that belongs to row r.
func (b *batch) row(x []float32, r int) []float32 {
	n := b.prior.Dim()
	return x[r*n : (r+1)*n]
}

// scale is sigma^2/mu.
func (b *batch) scale() float64 { return b.at.Sigma * b.at.Sigma / b.at.Mu }

// pull sets b.pulled to J^T A'^T v, and b.cotangent to A'^T v.
func (b *batch) pull(v [][]float64) error {
	for r := range v {
		b.pullBack(b.row(b.cotangent, r), b.row(b.mean, r), v[r])
	}
	return b.prior.Pull(b.pulled, b.cotangent)
}

// guide is the denoiser of a prior conditioned on observations.
type guide struct {
	prior diffusion.Differentiable
	*innovations
	rule

	cotangent, pulled []float32
	e, u              [][]float64
}

func newGuide(prior diffusion.Differentiable, n *innovations, r rule) *guide {
	return &guide{prior: prior, innovations: n, rule: r}
}

// Dim implements diffusion.Denoiser.
func (g *guide) Dim() int { return g.prior.Dim() }

// Denoise implements diffusion.Denoiser.
func (g *guide) Denoise(mean, xt []float32, at diffusion.Level) error {
	if err := g.prior.Denoise(mean, xt, at); err != nil {
		return err
	}
	_, err := g.condition(mean, at)
	return err
}

// condition moves the denoised means of the prior to those given the observations, and
// returns what led there.
func (g *guide) condition(mean []float32, at diffusion.Level) (*batch, error) {
	b := g.batch(mean, at)
	if g.present() == 0 {
		return b, nil
	}
	g.forget(at.Ratio())
	for r := range b.e {
		b.write(b.e[r], b.row(mean, r))
	}
	if err := g.solve(b); err != nil {
		return nil, err
	}
	return b, g.shift(b)
}

// twist is Denoise that also gives the denoised mean of the prior, and for every row
// -e^T u/2: up to a constant the logarithm of the likelihood that the rule ascribes to
// the noised trajectory.
func (g *guide) twist(mean, plain, xt []float32, at diffusion.Level, logs []float64) error {
	clear(logs)
	if err := g.prior.Denoise(plain, xt, at); err != nil {
		return err
	}
	copy(mean, plain)
	b, err := g.condition(mean, at)
	if err != nil {
		return err
	}
	for r, u := range b.u {
		logs[r] = -inner(b.e[r], u) / 2
	}
	return nil
}

// batch makes room for the rows of mean.
func (g *guide) batch(mean []float32, at diffusion.Level) *batch {
	if len(g.cotangent) < len(mean) {
		g.cotangent, g.pulled = make([]float32, len(mean)), make([]float32, len(mean))
	}
	rows := len(mean) / g.Dim()
	for len(g.e) < rows {
		g.e, g.u = append(g.e, make([]float64, g.present())), append(g.u, make([]float64, g.present()))
	}
	return &batch{
		innovations: g.innovations, prior: g.prior, at: at, mean: mean, e: g.e[:rows], u: g.u[:rows],
		cotangent: g.cotangent[:len(mean)], pulled: g.pulled[:len(mean)],
	}
}

// weigher solves S u = innovation for the trajectory whose denoised mean is
// given, at noise ratio s; u replaces the innovation.
type weigher interface {
	weigh(innovation []float64, mean []float32, s float64) error
}

// separate is the first half of a rule whose S needs no network: rows are solved
// one after the other.
type separate struct{ weigher }

func (w separate) solve(b *batch) error {
	for r, u := range b.u {
		copy(u, b.e[r])
		if err := w.weigh(u, b.row(b.mean, r), b.at.Ratio()); err != nil {
			return err
		}
	}
	return nil
}

// throughPrior is the second half of a rule that carries u back through the
// Jacobian of the prior, with the full step or, if it searches, alpha times that.
type throughPrior struct{ searches bool }

// longestStep bounds alpha where the network's Jacobian all but vanishes along
// u, as poor networks' do.
const longestStep = 3

func (t throughPrior) shift(b *batch) error {
	if err := b.pull(b.u); err != nil {
		return err
	}
	for r := range b.u {
		alpha := 1.0
		if t.searches {
			alpha = b.stepLength(r)
		}
		step := float32(b.scale() * alpha)
		mean := b.row(b.mean, r)
		for i, v := range b.row(b.pulled, r) {
			mean[i] += step * v
		}
	}
	return nil
}

// stepLength is alpha of one row, after pull(b.u).
func (b *batch) stepLength(r int) float64 {
	var slope, noise, variance float64 // u^T e, u^T R u, u^T A' J^T A'^T u
	for i, u := range b.u[r] {
		slope += u * b.e[r][i]
		noise += u * u * b.noise[i]
	}
	cotangent := b.row(b.cotangent, r)
	for i, v := range b.row(b.pulled, r) {
		variance += b.scale() * float64(cotangent[i]) * float64(v)
	}
	if variance <= 0 {
		return 1 // no covariance, or nothing to explain
	}
	return min(slope/(noise+variance), longestStep)
}
