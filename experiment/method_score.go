package experiment

import (
	"errors"
	"fmt"
	"slices"

	"retrace/assimilate"
	"retrace/diffusion"
	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/strict"
)

func init() {
	RegisterMethod(MethodEntry{
		Name:       "score",
		Summary:    "score-based data assimilation (Rozet & Louppe 2023): a diffusion sampler of the learnt prior, guided by the observations",
		NeedsPrior: true,
		Defaults:   func() MethodBuilder { return &scoreMethod{Sampler: DefaultSampler(), Guidance: "auto", Gamma: 0.03} },
	})
}

// Sampler holds the parameters of the diffusion sampler that draws
// trajectories.
type Sampler struct {
	Schedule    string  `toml:"schedule" doc:"noise schedule: cosine, rectified or exploding"`
	Grid        string  `toml:"grid" doc:"where the steps lie: uniform in the time of the schedule; log, uniform in the logarithm of noise over signal; or karras, uniform in its seventh root"`
	Steps       int     `toml:"steps" doc:"steps of the solver from noise to data, 1 to 100000"`
	Solver      string  `toml:"solver" doc:"what makes the steps: ddim, ddpm, euler, heun, dpm2, dpm3, dpm2-noise, dpm3-noise or sde-dpm2; retrace samplers tells them apart"`
	Churn       float64 `toml:"churn" doc:"of solver ddim: share of the noise that a step replaces by fresh noise, in [0, 1]"`
	Corrector   string  `toml:"corrector" doc:"what makes the corrections: langevin, ornstein or balanced; retrace samplers tells them apart"`
	Corrections int     `toml:"corrections" doc:"corrections after each step, 0 to 1000"`
	Tau         float64 `toml:"tau" doc:"size of the corrections, above 0; at most 10 of langevin, 1 of ornstein, 0.5 of balanced"`
	Quiet       float64 `toml:"quiet" doc:"noise over signal below which no corrections are made, so that the last steps take back the variance that corrections add; 0 to 1e6"`
	Loud        float64 `toml:"loud" doc:"noise over signal above which no corrections are made; 0 to 1e6, 0: no bound"`
	MaxRatio    float64 `toml:"max_ratio" doc:"noise over signal at which grids log and karras start, 1 to 1e6"`
	MinRatio    float64 `toml:"min_ratio" doc:"noise over signal at which grids log and karras end, 1e-4 to 0.5; what is left there is removed by a last denoising"`
	Knee        float64 `toml:"knee" doc:"of grid log: noise over signal at which the spacing changes, between min_ratio and max_ratio; 0: nowhere"`
	Below       float64 `toml:"below" doc:"of grid log with a knee: share of the steps that lies below it, in (0, 1)"`
}

// DefaultSampler is a compromise of accuracy and cost.
func DefaultSampler() Sampler {
	return Sampler{
		Schedule: "cosine", Grid: "log", Steps: 40, MaxRatio: 20, MinRatio: 4e-3, Below: 0.6,
		Solver: "ddim", Churn: 1, Corrector: "langevin", Corrections: 3, Tau: 0.5, Quiet: 0.011,
	}
}

// Check reports every parameter at fault.
func (s Sampler) Check() error {
	return errors.Join(
		named("schedule", s.Schedule, diffusion.Schedules()),
		named("grid", s.Grid, diffusion.Grids()),
		dynamics.CheckBetween("steps", s.Steps, 1, 100_000),
		named("solver", s.Solver, diffusion.Solvers()),
		dynamics.CheckBetween("churn", s.Churn, 0, 1),
		named("corrector", s.Corrector, diffusion.Correctors()),
		dynamics.CheckBetween("corrections", s.Corrections, 0, 1000),
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
	case s.Knee == 0:
	case s.Grid != "log":
		problems = append(problems, fault.Inputf("knee = %v: grid %q has none; use grid = \"log\", or remove knee", s.Knee, s.Grid))
	case !(s.Knee > s.MinRatio && s.Knee < s.MaxRatio):
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

// scoreMethod is score-based data assimilation.
type scoreMethod struct {
	Sampler  `toml:",inline"`
	Guidance string            `toml:"guidance" doc:"rule of guidance. auto: covariance where the prior has one, or else pigdm with a step searched for; covariance: weighs observations against the measured covariance of the denoised trajectory, no knob; sda: against gamma times the squared noise ratio (the paper); others: dps, dps-gaussian, pigdm, tmpd, sda-gaussian, mmps, mmps-cg, jfps, diffpir"`
	Gamma    float64           `toml:"gamma" doc:"of guidance sda: variance of the denoised trajectory over the squared noise ratio; 0 to 1000"`
	Tuning   assimilate.Tuning `toml:",inline"`
}

// Check reports every parameter at fault; any model will do.
func (m *scoreMethod) Check(dynamics.Model, int) error {
	return errors.Join(m.Sampler.Check(), named("guidance", m.Guidance, assimilate.Guidances()), dynamics.CheckBetween("gamma", m.Gamma, 0, 1000), m.Tuning.Check())
}

// Build returns the method.
func (m *scoreMethod) Build(prior Prior) (assimilate.Method, error) {
	sampler, err := m.build()
	if err != nil {
		return nil, fmt.Errorf("score: %w", err)
	}
	return &assimilate.Score{Prior: prior, Sampler: sampler, Guidance: m.Guidance, Gamma: m.Gamma, Tuning: m.Tuning}, nil
}

// Cost counts guided evaluations of the prior.
func (m *scoreMethod) Cost(_ dynamics.Model, _, members int) Cost {
	sampler, err := m.build()
	if err != nil {
		return Cost{} // parameters that Check refuses
	}
	return Cost{NetworkEvaluations: float64(members) * float64(sampler.Evaluations())}
}
