package diffusion

import "math"

// What a sampler makes of a Gaussian can be worked out without drawing a
// sample. The denoiser of one Gaussian number x, guided by an observation y of
// it, is linear in x_t and y, the weights of all solvers depend on levels alone
// and a correction depends on the sample only through its mean square, whose
// expectation stands for it. So the sample is
//
//	x = gain y + sum_i c_i z_i ,
//
// z_i being the draws of noise, and all coefficients follow from pushing them
// through the sampler in place of numbers. The walk is that of Sample itself.

// Linear is the denoiser of one number: E[x | x_t, y] = slope x_t + shift y at a
// level.
type Linear func(at Level) (slope, shift float64)

// Response returns what the sampler makes of a linear denoiser: gain is the
// weight of y in a sample, and sd the standard deviation of the samples of one y.
// variance is that of y; only Langevin corrections, which adapt their size,
// depend on it.
func (p PredictorCorrector) Response(d Linear, variance float64) (gain, sd float64) {
	r := response{PredictorCorrector: p, needs: p.solver().Needs(), denoiser: d, variance: variance, x: make([]float64, 2)}
	r.x[1] = math.Hypot(p.Levels[0].Sigma, p.Levels[0].Mu)
	for e := range p.evaluations {
		r.evaluate(e)
	}
	return r.x[0], math.Sqrt(square(r.x[1:]))
}

// response is the state of a call of Response. Vectors hold the coefficients
// of y, then of the draws made so far.
type response struct {
	PredictorCorrector
	needs     Needs
	denoiser  Linear
	variance  float64
	x         []float64
	estimates [][]float64 // newest first
	corrected bool        // since the last step: earlier estimates lack the next
}

func (r *response) evaluate(e evaluation) {
	if lifting, lifts := r.Corrector.(Lifting); lifts && e.purpose == correction {
		r.lift(lifting, e.at)
		return
	}
	slope, shift := r.denoiser(e.at)
	mean := add(make([]float64, len(r.x)), slope, r.x)
	mean[0] += shift
	switch e.purpose {
	case last:
		r.x = mean
	case correction:
		r.correct(e, mean)
	case step:
		r.step(e, mean)
	}
}

// noise is e = (x - mu mean)/sigma.
func (r *response) noise(mean []float64, at Level) []float64 {
	e := add(make([]float64, len(r.x)), 1/at.Sigma, r.x)
	return add(e, -at.Mu/at.Sigma, mean)
}

// estimate is what the solver asks for.
func (r *response) estimate(mean []float64, at Level) []float64 {
	if r.needs.Noise {
		return r.noise(mean, at)
	}
	return mean
}

func (r *response) step(e evaluation, mean []float64) {
	newest := r.estimate(mean, e.at)
	if r.corrected {
		r.shift(1, newest)
		r.corrected = false
	}
	r.remember(newest)
	w := r.solver().Step(e.path, e.stage)
	r.x = add(make([]float64, len(r.x)), w.State, r.x)
	for k, d := range r.estimates {
		r.x = add(r.x, w.Estimates[k], d)
	}
	if w.Noise != 0 {
		r.x = append(r.x, w.Noise)
	}
}

// remember makes an estimate the newest.
func (r *response) remember(estimate []float64) {
	r.estimates = append([][]float64{estimate}, r.estimates[:min(len(r.estimates), r.needs.Estimates-1)]...)
}

func (r *response) correct(e evaluation, mean []float64) {
	if e.stage == 0 && r.needs.multistep() {
		r.shift(-1, r.estimate(mean, e.at))
		r.corrected = true
	}
	noise := r.noise(mean, e.at)
	pull, spread := r.Corrector.Step(r.variance*noise[0]*noise[0] + square(noise[1:]))
	r.x = append(add(r.x, -pull*e.at.Sigma, noise), spread*e.at.Sigma)
}

// lift makes a correction by way of the level above.
func (r *response) lift(corrector Lifting, at Level) {
	above := corrector.Lift(at)
	pull, spread := corrector.Step(0)
	r.x = append(r.x, spread*above.Sigma)
	slope, shift := r.denoiser(above)
	mean := add(make([]float64, len(r.x)), slope, r.x)
	mean[0] += shift
	r.remember(r.estimate(mean, above))
	r.x = add(r.x, -pull*above.Sigma, r.noise(mean, above))
	r.x[len(r.x)-1] += spread * above.Sigma
}

// shift adds a multiple of an estimate to those of before.
func (r *response) shift(factor float64, estimate []float64) {
	for k, d := range r.estimates {
		r.estimates[k] = add(d, factor, estimate)
	}
}

// add returns a + factor b, in the memory of a if it has room.
func add(a []float64, factor float64, b []float64) []float64 {
	for len(a) < len(b) {
		a = append(a, 0)
	}
	for i, v := range b {
		a[i] += factor * v
	}
	return a
}

func square(v []float64) (sum float64) {
	for _, c := range v {
		sum += c * c
	}
	return sum
}
