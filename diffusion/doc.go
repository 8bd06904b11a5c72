// Package diffusion holds what is common to all diffusion priors: noise
// schedules, the Denoiser interface, and samplers.
//
// A sample x is noised to x_t = mu(t) x + sigma(t) z with z ~ N(0, I). All that
// a sampler needs to know of a distribution is its denoiser, the posterior mean
// E[x | x_t]; the score follows by Tweedie's formula,
//
//	grad log p(x_t) = (mu E[x|x_t] - x_t) / sigma^2 .
//
// A network, a composition of windows, an exact Gaussian and a prior
// conditioned on observations are all Denoisers, so that every schedule, time
// grid, sampler, guidance rule and prior can be combined, and each combination
// can be checked against a closed form.
//
// A sampler has four parts, each chosen on its own: a Schedule, a grid of its
// levels (GridNamed), a Solver that makes the steps between them (SolverNamed)
// and a Corrector that repairs the law at a level (CorrectorNamed).
// PredictorCorrector puts them together. Which combination is good is not a
// matter of taste: PredictorCorrector.Response works out exactly what it makes
// of a Gaussian, and ScalarProblem of a Gaussian that was observed, under the
// rules of guidance of the literature.
//
// Arrays are float32, row-major, one independent sample a row. Units are the
// standardised ones of the prior.
package diffusion
