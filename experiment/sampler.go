package experiment

import (
	"errors"
	"slices"

	"retrace/diffusion"
	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/strict"
)

// Sampler holds the parameters of the diffusion sampler that draws
// trajectories.
type Sampler struct {
	Schedule    string  `toml:"schedule" doc:"noise schedule: cosine, rectified or exploding"`
	Grid        string  `toml:"grid" doc:"where the steps lie: uniform in the time of the schedule; log, uniform in the logarithm of noise over signal; or karras, uniform in its seventh root"`
	Evaluations int     `toml:"evaluations" doc:"evaluations of the prior that a member may cost: what steps and corrections are if they are left to it; 2 to 1000000"`
	Steps       int     `toml:"steps" doc:"steps of the solver from noise to data, 1 to 100000; 0: as many as evaluations allow"`
	Tolerance   float64 `toml:"tolerance" doc:"above 0: steps are chosen for each case, doubled from 8 until that moves members by less than so many standard deviations; 0 to 1; 0: steps and evaluations say how many"`
	Solver      string  `toml:"solver" doc:"what makes the steps: ddim, ddpm, euler, heun, dpm2, dpm3, dpm2-noise, dpm3-noise or sde-dpm2; retrace samplers tells them apart"`
	Churn       float64 `toml:"churn" doc:"of solver ddim: share of the noise that a step replaces by fresh noise, in [0, 1]"`
	Corrector   string  `toml:"corrector" doc:"what makes the corrections: leimkuhler, langevin, ornstein or balanced; retrace samplers tells them apart"`
	Corrections int     `toml:"corrections" doc:"corrections after each step, 0 to 1000; -1: as many as leave steps short enough to be accurate"`
	Tau         float64 `toml:"tau" doc:"size of the corrections, above 0; at most 0.9 of leimkuhler, 10 of langevin, 1 of ornstein, 0.5 of balanced"`
	Quiet       float64 `toml:"quiet" doc:"noise over signal below which no corrections are made, so that the last steps take back the variance that corrections add; 0 to 1e6"`
	Loud        float64 `toml:"loud" doc:"noise over signal above which no corrections are made; 0 to 1e6, 0: no bound"`
	MaxRatio    float64 `toml:"max_ratio" doc:"noise over signal at which grids log and karras start, 1 to 1e6"`
	MinRatio    float64 `toml:"min_ratio" doc:"noise over signal at which grids log and karras end, 1e-4 to 0.5; what is left there is removed by a last denoising"`
	Knee        float64 `toml:"knee" doc:"of grid log: noise over signal at which the spacing changes, below max_ratio; at most min_ratio: nowhere"`
	Below       float64 `toml:"below" doc:"of grid log with a knee: share of the steps that lies below it, in (0, 1)"`
}

// DefaultSampler is a compromise of accuracy and cost. Its steps are of the second order
// and stay short whatever it may cost: corrections, which repair what networks and
// compositions get wrong at high noise and settle in the law of a Gaussian exactly, are
// made of what is left. It is within 3 % of the exact spread of a Gaussian posterior from
// 32 evaluations on (retrace samplers --gate).
func DefaultSampler() Sampler {
	return Sampler{
		Schedule: "cosine", Grid: "log", Evaluations: 146, MaxRatio: 20, MinRatio: 4e-3, Knee: 0.02, Below: 0.3,
		Solver: "sde-dpm2", Corrector: "leimkuhler", Corrections: -1, Tau: 0.5, Quiet: 0.02,
	}
}

// affordable lists the evaluations from which on so many corrections a level are worth
// their cost: with fewer, steps get so long that a Gaussian posterior is off by 3 %.
var affordable = []struct{ evaluations, corrections int }{{220, 3}, {76, 2}, {52, 1}, {0, 0}}

// settled is the sampler with steps and corrections in numbers.
func (s Sampler) settled() (Sampler, error) {
	if s.Corrections < 0 {
		budget := s.Evaluations
		if s.Steps > 0 {
			budget = 3 * s.Steps
		}
		for _, a := range affordable {
			if budget >= a.evaluations {
				s.Corrections = a.corrections
				break
			}
		}
	}
	if s.Steps > 0 {
		return s, nil
	}
	return s.within(s.Evaluations)
}

// Costing builds the sampler with the steps, and the corrections if they are left to it,
// that a number of evaluations of the denoiser allows. Parameters must pass Check.
func (s Sampler) Costing(evaluations int) (diffusion.PredictorCorrector, error) {
	s.Evaluations, s.Steps = evaluations, 0
	return s.build()
}

// within is the sampler with the most steps that a number of evaluations allows, but at
// least one.
func (s Sampler) within(evaluations int) (Sampler, error) {
	low, high := 1, max(1, evaluations)
	for low < high {
		s.Steps = (low + high + 1) / 2
		p, err := s.build()
		if err != nil {
			return s, err
		}
		if p.Evaluations() <= evaluations {
			low = s.Steps
		} else {
			high = s.Steps - 1
		}
	}
	s.Steps = low
	return s, nil
}

// Check reports every parameter at fault.
func (s Sampler) Check() error {
	return errors.Join(
		named("schedule", s.Schedule, diffusion.Schedules()),
		named("grid", s.Grid, diffusion.Grids()),
		dynamics.CheckBetween("evaluations", s.Evaluations, 2, 1_000_000),
		dynamics.CheckBetween("steps", s.Steps, 0, 100_000),
		dynamics.CheckBetween("tolerance", s.Tolerance, 0, 1),
		named("solver", s.Solver, diffusion.Solvers()),
		dynamics.CheckBetween("churn", s.Churn, 0, 1),
		named("corrector", s.Corrector, diffusion.Correctors()),
		dynamics.CheckBetween("corrections", s.Corrections, -1, 1000),
		s.checkTau(),
		dynamics.CheckBetween("quiet", s.Quiet, 0, 1e6),
		dynamics.CheckBetween("loud", s.Loud, 0, 1e6),
		dynamics.CheckBetween("max_ratio", s.MaxRatio, 1, 1e6),
		dynamics.CheckBetween("min_ratio", s.MinRatio, 1e-4, 0.5),
		s.checkBounds(),
	)
}

func (s Sampler) checkTau() error {
	most := diffusion.LargestCorrection(s.Corrector)
	if most > 0 && !(s.Tau > 0 && s.Tau <= most) { // 0: the name is at fault
		return fault.Inputf("tau = %v: must be in (0, %v] with corrector = %q", s.Tau, most, s.Corrector)
	}
	return nil
}

// checkBounds reports parameters that do not go together.
func (s Sampler) checkBounds() error {
	var problems []error
	switch {
	case s.Grid != "log" || s.Knee >= 0 && s.Knee < s.MaxRatio: // at most min_ratio: there is none
	default:
		problems = append(problems, fault.Inputf("knee = %v: must be between min_ratio = %v and max_ratio = %v, or 0 for none", s.Knee, s.MinRatio, s.MaxRatio))
	}
	if !(s.Below > 0 && s.Below < 1) {
		problems = append(problems, fault.Inputf("below = %v: must be in (0, 1)", s.Below))
	}
	if s.Loud > 0 && s.Loud < s.Quiet {
		problems = append(problems, fault.Inputf("loud = %v: is below quiet = %v, so that nothing is corrected; for no corrections, set corrections = 0", s.Loud, s.Quiet))
	}
	return errors.Join(problems...)
}

// named reports a name that is not valid.
func named(key, name string, valid []string) error {
	if slices.Contains(valid, name) {
		return nil
	}
	return fault.Inputf("%s = %q: is unknown; %s", key, name, strict.Suggestion(name, valid))
}

// build returns the sampler for checked parameters.
func (s Sampler) build() (diffusion.PredictorCorrector, error) {
	if s.Steps == 0 || s.Corrections < 0 {
		var err error
		if s, err = s.settled(); err != nil {
			return diffusion.PredictorCorrector{}, err
		}
	}
	p := diffusion.PredictorCorrector{Corrections: s.Corrections, Quiet: s.Quiet, Loud: s.Loud}
	schedule, err := diffusion.ScheduleNamed(s.Schedule)
	if err != nil {
		return p, err
	}
	if p.Levels, err = diffusion.GridNamed(s.Grid, schedule, s.Steps, diffusion.Span{High: s.MaxRatio, Low: s.MinRatio, Knee: s.Knee, Below: s.Below}); err != nil {
		return p, err
	}
	if p.Solver, err = diffusion.SolverNamed(s.Solver, s.Churn); err != nil {
		return p, err
	}
	p.Corrector, err = diffusion.CorrectorNamed(s.Corrector, s.Tau)
	return p, err
}
