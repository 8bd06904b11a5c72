package diffusion

import "fmt"

// A solver integrates the reverse of the forward process from one noise level
// to the next. With r = sigma/mu and lambda = -log r, the probability-flow
// equation of x_t = mu x + sigma z (Song et al. 2021, equation 13) is, on any
// schedule,
//
//	d(x_t/mu)/dr = e(x_t),   e(x_t) = (x_t - mu E[x|x_t])/sigma ,
//
// and every solver here draws
//
//	x' = State x_t + sum_k Estimates[k] d_k + Noise z,  z ~ N(0, I) ,
//
// d_k being estimates, E[x|x_t] or e, of this step and of the last few: the
// weights depend on the levels alone. So a step is a few lines of algebra
// without state, what a sampler does to a Gaussian can be worked out exactly
// (Response), and the sampler alone owns memory and noise.

// Solver makes steps between noise levels. Solvers hold no state.
type Solver interface {
	// Needs tells what the solver asks of the sampler.
	Needs() Needs
	// Step returns the weights of a stage of a step. The last of path is the
	// level to go to, the one before it that of x_t; those of earlier estimates
	// that may be used precede, oldest first. Levels must fall.
	Step(path []Level, stage int) Weights
}

// Needs is what a solver asks of the sampler.
type Needs struct {
	// Stages is the number of evaluations of a step: 1, or 2, the second at the
	// point that the weights of the first stage lead to.
	Stages int
	// Estimates is the number of estimates that a step combines, 1 to 3.
	Estimates int
	// Noise asks for estimates e(x_t) of the noise in place of E[x|x_t].
	Noise bool
}

// multistep says that steps use estimates of earlier steps.
func (n Needs) multistep() bool { return n.Stages == 1 && n.Estimates > 1 }

// Weights is one stage of a step: x' = State x + sum_k Estimates[k] d_k + Noise z,
// d_0 being the newest estimate.
type Weights struct {
	State     float64
	Estimates [3]float64
	Noise     float64
}

// solverEntry is a solver under the name used in configs.
type solverEntry struct {
	name, summary string
	make          func(churn float64) Solver
}

func fixed(s Solver) func(float64) Solver { return func(float64) Solver { return s } }

var solverEntries = []solverEntry{
	{"ddim", "first order, the share churn of the noise drawn afresh at every step (Song, Meng & Ermon 2021)", func(churn float64) Solver { return DDIM{churn} }},
	{"ddpm", "first order, all noise drawn afresh: ancestral sampling, ddim with churn 1 (Ho, Jain & Abbeel 2020)", fixed(DDIM{1})},
	{"euler", "first order, deterministic: Euler steps of dx/d(sigma), ddim with churn 0 (Karras et al. 2022)", fixed(DDIM{0})},
	{"heun", "second order, deterministic, two evaluations a step (Karras et al. 2022, algorithm 1)", fixed(Heun{})},
	{"dpm2", "second order, deterministic: DPM-Solver++(2M), multistep in the denoised mean (Lu et al. 2022b)", fixed(DPM{2})},
	{"dpm3", "third order, deterministic: DPM-Solver++(3M), multistep in the denoised mean (Lu et al. 2022b)", fixed(DPM{3})},
	{"dpm2-noise", "second order, deterministic: DPM-Solver, multistep in the noise (Lu et al. 2022a)", fixed(DPMNoise{2})},
	{"dpm3-noise", "third order, deterministic: DPM-Solver, multistep in the noise (Lu et al. 2022a)", fixed(DPMNoise{3})},
	{"sde-dpm2", "second order, all noise drawn afresh: SDE-DPM-Solver++(2M) (Lu et al. 2022b, section 5)", fixed(DPMStochastic{})},
}

// Solvers lists the names that SolverNamed knows.
func Solvers() []string {
	var names []string
	for _, e := range solverEntries {
		names = append(names, e.name)
	}
	return names
}

// SolverNamed returns a solver by the name used in configs. Of these, only
// "ddim" has a choice of churn, in [0, 1].
func SolverNamed(name string, churn float64) (Solver, error) {
	for _, e := range solverEntries {
		if e.name == name {
			return e.make(churn), nil
		}
	}
	return nil, fmt.Errorf("diffusion: unknown solver %q; known are %q", name, Solvers())
}

// SolverSummary says in a line what a solver is; "" if the name is unknown.
func SolverSummary(name string) string {
	for _, e := range solverEntries {
		if e.name == name {
			return e.summary
		}
	}
	return ""
}
