package diffusion

import "math"

// The multistep exponential integrators of Lu et al. In lambda = -log(sigma/mu),
// with h = lambda_s - lambda_t, the probability-flow equation has the solutions
//
//	x_s = (sigma_s/sigma_t) x_t + mu_s    int_0^h e^{-(h-u)} m(u) du    (data form)
//	x_s = (mu_s/mu_t) x_t       - sigma_s int_0^h e^{h-u}    e(u) du    (noise form)
//
// and the polynomial through the last estimates stands for m or e. Steps of
// order k use k estimates and one evaluation; the first steps, which have fewer
// behind them, are of lower order. Let D1 and D2 be the divided differences, in
// units of h,
//
//	D1 = (h/h_1)(d_0 - d_1)                                       order 2
//	D1 = a + h_1/(h_1+h_2) (a - b),  D2 = h/(h_1+h_2) (a - b)     order 3
//	a = (h/h_1)(d_0 - d_1),  b = (h/h_2)(d_1 - d_2) ,
//
// h_1 and h_2 being the lengths of the steps before. Order 2 adds D1/2 to d_0.
// Order 3 integrates: d_0, D1 and D2 weigh p_1, p_2 and p_3,
//
//	p_1 = 1 - e^{-h},  p_2 = 1 - p_1/h,  p_3 = 1 - 2 p_2/h    (data form)
//	p_1 = e^h - 1,     p_2 = p_1/h - 1,  p_3 = 2 p_2/h - 1    (noise form) .
//
// (The authors' published code weighs D2 by half of p_3, which is of order 2.)
//
// The data form damps what noise left (e^{-h} < 1) where the noise form
// amplifies, so that it stands longer steps and guidance (Lu et al. 2022b).

// DPM is DPM-Solver++ in multistep form, order 2 or 3 (Lu et al. 2022b,
// algorithm 2): deterministic, one evaluation of the denoised mean a step.
type DPM struct{ Order int }

// Needs implements Solver.
func (d DPM) Needs() Needs { return Needs{Stages: 1, Estimates: d.Order} }

// Step implements Solver.
func (d DPM) Step(path []Level, _ int) Weights {
	from, to := path[len(path)-2], path[len(path)-1]
	h := logGain(from, to)
	p1 := -math.Expm1(-h)
	p2 := 1 - p1/h
	return Weights{
		State:     to.Sigma / from.Sigma,
		Estimates: scaled(to.Mu, multistep(path, d.Order, [3]float64{p1, p2, 1 - 2*p2/h})),
	}
}

// DPMNoise is DPM-Solver in multistep form, order 2 or 3 (Lu et al. 2022a):
// deterministic, one evaluation a step, in the noise estimate.
type DPMNoise struct{ Order int }

// Needs implements Solver.
func (d DPMNoise) Needs() Needs { return Needs{Stages: 1, Estimates: d.Order, Noise: true} }

// Step implements Solver.
func (d DPMNoise) Step(path []Level, _ int) Weights {
	from, to := path[len(path)-2], path[len(path)-1]
	h := logGain(from, to)
	p1 := math.Expm1(h)
	p2 := p1/h - 1
	return Weights{
		State:     to.Mu / from.Mu,
		Estimates: scaled(-to.Sigma, multistep(path, d.Order, [3]float64{p1, p2, 2*p2/h - 1})),
	}
}

// DPMStochastic is SDE-DPM-Solver++(2M) (Lu et al. 2022b, section 5): the
// ancestral step, whose noise is all fresh, with the denoised mean extrapolated
// to the middle of the step,
//
//	x_s = (sigma_s/sigma_t) e^{-h} x_t + mu_s (1 - e^{-2h}) (d_0 + D1/2) + sigma_s sqrt(1 - e^{-2h}) z .
//
// Fresh noise makes a sampler forget the errors that it made at higher levels.
type DPMStochastic struct{}

// Needs implements Solver.
func (DPMStochastic) Needs() Needs { return Needs{Stages: 1, Estimates: 2} }

// Step implements Solver.
func (DPMStochastic) Step(path []Level, _ int) Weights {
	w := DDIM{1}.Step(path, 0)
	w.Estimates = multistep(path, 2, [3]float64{w.Estimates[0]})
	return w
}

// logGain is h, the growth of lambda.
func logGain(from, to Level) float64 { return math.Log(from.Ratio() / to.Ratio()) }

// multistep turns the weights p of d_0, D1 and D2 into those of the estimates,
// at the highest order that the path allows.
func multistep(path []Level, order int, p [3]float64) [3]float64 {
	known := len(path) - 1
	switch min(order, known) {
	case 1:
		return [3]float64{p[0]}
	case 2:
		slope := p[0] / 2 * gap(path, 0) / gap(path, 1)
		return [3]float64{p[0] + slope, -slope}
	}
	h, h1, h2 := gap(path, 0), gap(path, 1), gap(path, 2)
	a := p[1]*(1+h1/(h1+h2)) + p[2]*h/(h1+h2) // weight of a
	b := p[1] - a                             // weight of b
	a, b = a*h/h1, b*h/h2
	return [3]float64{p[0] + a, b - a, -b}
}

// gap is h of the step k before the last of a path.
func gap(path []Level, k int) float64 {
	n := len(path) - 1 - k
	return logGain(path[n-1], path[n])
}

func scaled(factor float64, w [3]float64) [3]float64 {
	return [3]float64{factor * w[0], factor * w[1], factor * w[2]}
}
