package experiment

import (
	"errors"
	"fmt"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/internal/fault"
)

func init() {
	RegisterMethod(MethodEntry{
		Name:       "score",
		Summary:    "score-based data assimilation (Rozet & Louppe 2023): a diffusion sampler of the learnt prior, guided by the observations",
		NeedsPrior: true,
		Laws:       true,
		Defaults: func() MethodBuilder {
			return &scoreMethod{Sampler: DefaultSampler(), Guidance: "auto", Gamma: 0.03, Mode: modes{Mode: "smoother", Lag: 8, Block: 1}}
		},
	})
}

// scoreMethod is score-based data assimilation.
type scoreMethod struct {
	Sampler  `toml:",inline"`
	Guidance string            `toml:"guidance" doc:"rule of guidance. auto: covariance where the prior has one, or else pigdm with a step searched for; covariance: weighs observations against the measured covariance of the denoised trajectory, no knob; sda: against gamma times the squared noise ratio (the paper); others: dps, dps-gaussian, pigdm, tmpd, sda-gaussian, mmps, mmps-cg, jfps, diffpir"`
	Gamma    float64           `toml:"gamma" doc:"of guidance sda: variance of the denoised trajectory over the squared noise ratio; 0 to 1000"`
	Tuning   assimilate.Tuning `toml:",inline"`
	Mode     modes             `toml:",inline"`
}

// modes says which observations a state is drawn from.
type modes struct {
	Mode     string `toml:"mode" doc:"smoother: every state from all observations; fixed-lag: from those up to lag states after it; filter: up to it"`
	Lag      int    `toml:"lag" doc:"of mode fixed-lag: states after a block whose observations it is drawn from; 1 to 1000000"`
	Block    int    `toml:"block" doc:"of modes fixed-lag and filter: states drawn together, from the observations up to lag states after the last of them; 1 to 1000000"`
	History  int    `toml:"history" doc:"of modes fixed-lag and filter: states before a block that are drawn with it, as far back as observations matter; 0: all"`
	Forecast int    `toml:"forecast" doc:"states at the end of a trajectory whose observations are not used: a forecast from the posterior; 0 to 1000000"`
}

var modeNames = []string{"smoother", "fixed-lag", "filter"}

func (m *modes) check() error {
	return errors.Join(
		named("mode", m.Mode, modeNames),
		dynamics.CheckBetween("lag", m.Lag, 1, 1_000_000),
		dynamics.CheckBetween("block", m.Block, 1, 1_000_000),
		dynamics.CheckBetween("history", m.History, 0, 1_000_000),
		dynamics.CheckBetween("forecast", m.Forecast, 0, 1_000_000),
	)
}

// of is the method in its mode.
func (m *modes) of(score *assimilate.Score) assimilate.Method {
	online := m.online(score)
	if online.Lag < 0 && m.Forecast == 0 {
		return score
	}
	return online
}

func (m *modes) online(score *assimilate.Score) *assimilate.Online {
	online := &assimilate.Online{Score: score, Block: m.Block, History: m.History, Forecast: m.Forecast}
	switch m.Mode {
	case "smoother":
		online.Lag = -1
	case "fixed-lag":
		online.Lag = m.Lag
	}
	return online
}

// Check reports every parameter at fault; any model will do.
func (m *scoreMethod) Check(_ dynamics.Model, length int) error {
	err := errors.Join(m.Sampler.Check(), named("guidance", m.Guidance, assimilate.Guidances()), dynamics.CheckBetween("gamma", m.Gamma, 0, 1000), m.Tuning.Check(), m.Mode.check())
	if err == nil && m.Mode.Forecast >= length {
		err = fault.Inputf("forecast = %d: must be less than the %d states of a trajectory", m.Mode.Forecast, length)
	}
	return err
}

// Build returns the method.
func (m *scoreMethod) Build(prior Prior) (assimilate.Method, error) {
	score, err := m.score(prior)
	if err != nil {
		return nil, err
	}
	return m.Mode.of(score), nil
}

// score is the method that draws whole trajectories.
func (m *scoreMethod) score(prior Prior) (*assimilate.Score, error) {
	sampler, err := m.build()
	if err != nil {
		return nil, fmt.Errorf("score: %w", err)
	}
	return &assimilate.Score{Prior: prior, Sampler: sampler, Guidance: m.Guidance, Gamma: m.Gamma, Tuning: m.Tuning}, nil
}

// Cost counts guided evaluations of the prior, over trajectories of the length asked for.
func (m *scoreMethod) Cost(_ dynamics.Model, length, members int) Cost {
	sampler, err := m.build()
	if err != nil {
		return Cost{} // parameters that Check refuses
	}
	parts, err := m.Mode.online(nil).Parts(assimilate.Problem{Length: length})
	if err != nil {
		return Cost{}
	}
	states := 0
	for _, part := range parts {
		states += part.Problem.Length
	}
	return Cost{NetworkEvaluations: float64(members) * float64(sampler.Evaluations()) * float64(states) / float64(length)}
}
