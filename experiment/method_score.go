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
	Grid        string  `toml:"grid" doc:"where the steps lie: uniform in the time of the schedule, or log, uniform in the logarithm of noise over signal"`
	Steps       int     `toml:"steps" doc:"predictor steps from noise to data, 1 to 100000"`
	Corrections int     `toml:"corrections" doc:"Langevin corrections after each step, 0 to 1000"`
	Tau         float64 `toml:"tau" doc:"size of the corrections, in (0, 10]"`
	Quiet       float64 `toml:"quiet" doc:"noise over signal below which no corrections are made, so that the last steps take back the variance that corrections add; 0 to 1e6"`
	Churn       float64 `toml:"churn" doc:"share of the noise that a step replaces by fresh noise, in [0, 1]"`
	MaxRatio    float64 `toml:"max_ratio" doc:"noise over signal at which grid log starts, 1 to 1e6"`
	MinRatio    float64 `toml:"min_ratio" doc:"noise over signal at which grid log ends, 1e-4 to 0.5; what is left there is removed by a last denoising"`
}

// DefaultSampler is a compromise of accuracy and cost.
func DefaultSampler() Sampler {
	return Sampler{Schedule: "cosine", Grid: "log", Steps: 40, Corrections: 3, Tau: 0.5, Quiet: 0.011, Churn: 1, MaxRatio: 20, MinRatio: 4e-3}
}

// Check reports every parameter at fault.
func (s Sampler) Check() error {
	err := errors.Join(
		named("schedule", s.Schedule, diffusion.Schedules()),
		named("grid", s.Grid, diffusion.Grids()),
		dynamics.CheckBetween("steps", s.Steps, 1, 100_000),
		dynamics.CheckBetween("corrections", s.Corrections, 0, 1000),
		dynamics.CheckBetween("quiet", s.Quiet, 0, 1e6),
		dynamics.CheckBetween("churn", s.Churn, 0, 1),
		dynamics.CheckBetween("max_ratio", s.MaxRatio, 1, 1e6),
		dynamics.CheckBetween("min_ratio", s.MinRatio, 1e-4, 0.5),
	)
	if !(s.Tau > 0 && s.Tau <= 10) {
		err = errors.Join(err, fault.Inputf("tau = %v: must be in (0, 10]", s.Tau))
	}
	return err
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
	schedule, err := diffusion.ScheduleNamed(s.Schedule)
	if err != nil {
		return diffusion.PredictorCorrector{}, err
	}
	levels, err := diffusion.GridNamed(s.Grid, schedule, s.Steps, diffusion.Span{High: s.MaxRatio, Low: s.MinRatio})
	return diffusion.PredictorCorrector{Levels: levels, Corrections: s.Corrections, Tau: s.Tau, Churn: s.Churn, Quiet: s.Quiet}, err
}

// scoreMethod is score-based data assimilation.
type scoreMethod struct {
	Sampler  `toml:",inline"`
	Guidance string  `toml:"guidance" doc:"covariance: weighs observations against the measured covariance of the denoised trajectory, no knob; sda: against gamma times the squared noise ratio (the paper); auto: covariance unless trajectory or observations have more than 1024 values"`
	Gamma    float64 `toml:"gamma" doc:"of guidance sda: variance of the denoised trajectory over the squared noise ratio; 0 to 1000"`
}

// Check reports every parameter at fault; any model will do.
func (m *scoreMethod) Check(dynamics.Model, int) error {
	return errors.Join(m.Sampler.Check(), named("guidance", m.Guidance, assimilate.Guidances()), dynamics.CheckBetween("gamma", m.Gamma, 0, 1000))
}

// Build returns the method.
func (m *scoreMethod) Build(prior Prior) (assimilate.Method, error) {
	sampler, err := m.build()
	if err != nil {
		return nil, fmt.Errorf("score: %w", err)
	}
	return &assimilate.Score{Prior: prior, Sampler: sampler, Guidance: m.Guidance, Gamma: m.Gamma}, nil
}

// Cost counts guided evaluations of the prior.
func (m *scoreMethod) Cost(_ dynamics.Model, _, members int) Cost {
	sampler, err := m.build()
	if err != nil {
		return Cost{} // parameters that Check refuses
	}
	return Cost{NetworkEvaluations: float64(members) * float64(sampler.Evaluations())}
}
