package diffusion

import "math"

// DDIM is the implicit model of Song, Meng & Ermon (2021): the exact step from
// level t to s if the denoised mean m did not change on the way,
//
//	x_s = mu_s m + kept e + fresh z,  kept^2 + fresh^2 = sigma_s^2,
//	fresh = Churn sigma_s sqrt(1 - (r_s/r_t)^2) .
//
// Churn 0 is deterministic: the exponential integrator of the probability-flow
// equation, and Euler's step in r. Churn 1 draws from q(x_s | x_t, x = m): the
// ancestral step of DDPM (Ho, Jain & Abbeel 2020). Any Churn keeps the right
// marginal laws as steps get short; the error is of the first order.
type DDIM struct {
	// Churn in [0, 1] is the share of the noise that a step replaces by fresh
	// noise (the eta of the paper).
	Churn float64
}

// Needs implements Solver.
func (DDIM) Needs() Needs { return Needs{Stages: 1, Estimates: 1} }

// Step implements Solver.
func (d DDIM) Step(path []Level, _ int) Weights {
	from, to := path[len(path)-2], path[len(path)-1]
	ratio := from.Mu / to.Mu * to.Sigma / from.Sigma
	fresh := d.Churn * to.Sigma * math.Sqrt(max(0, 1-ratio*ratio))
	kept := math.Sqrt(to.Sigma*to.Sigma - fresh*fresh)
	// e = (x_t - mu_t m)/sigma_t
	return Weights{
		State:     kept / from.Sigma,
		Estimates: [3]float64{to.Mu - kept*from.Mu/from.Sigma},
		Noise:     fresh,
	}
}

// Heun is the second-order deterministic sampler of Karras et al. (2022,
// algorithm 1 without churn): an Euler step in r, then the trapezium rule with
// the slope at its end. Both slopes differ by the denoised means alone, so that
// from the point x^ of the Euler step
//
//	x_s = x^ + mu_s (r_t/r_s - 1)/2 (m^ - m) .
type Heun struct{}

// Needs implements Solver.
func (Heun) Needs() Needs { return Needs{Stages: 2, Estimates: 2} }

// Step implements Solver.
func (Heun) Step(path []Level, stage int) Weights {
	if stage == 0 {
		return DDIM{}.Step(path, 0)
	}
	from, to := path[len(path)-2], path[len(path)-1]
	w := to.Mu * (from.Ratio()/to.Ratio() - 1) / 2
	return Weights{State: 1, Estimates: [3]float64{w, -w}}
}
