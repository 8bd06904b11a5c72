package experiment

import (
	"errors"
	"fmt"

	"retrace/assimilate"
	"retrace/diffusion"
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
			return &scoreMethod{Sampler: DefaultSampler(), Guidance: "auto", Gamma: 0.03, Mode: modes{Mode: "smoother", Lag: 8, Block: 1},
				Refine: refinement{Refine: "none", Particles: 1024, Moves: 32, Highest: 0.5, Rungs: 4}}
		},
	})
}

// scoreMethod is score-based data assimilation.
type scoreMethod struct {
	Sampler  `toml:",inline"`
	Guidance string            `toml:"guidance" doc:"rule of guidance. auto: jfps of states of more than 16 components, such as fields, else covariance where the prior has one, or else pigdm with a step searched for; covariance: weighs observations against the measured covariance of the denoised trajectory, no knob; sda: against gamma times the squared noise ratio (the paper); others: dps, dps-gaussian, pigdm, tmpd, sda-gaussian, mmps, mmps-cg, jfps, diffpir"`
	Gamma    float64           `toml:"gamma" doc:"of guidance sda: variance of the denoised trajectory over the squared noise ratio; 0 to 1000"`
	Tuning   assimilate.Tuning `toml:",inline"`
	Mode     modes             `toml:",inline"`
	Refine   refinement        `toml:",inline"`
}

// refinement says how the posterior is made exact, at a price.
type refinement struct {
	Refine    string  `toml:"refine" doc:"none; twisted: weighted particles through the diffusion, with log evidence; metropolis: chains of moves from the draws, accepted by the likelihood. Both are exact for the prior, up to the length of the sampler's steps"`
	Particles int     `toml:"particles" doc:"of refine twisted: particles, or as many as members if those are more; 1 to 100000000"`
	Moves     int     `toml:"moves" doc:"of refine metropolis: moves of each member; 1 to 1000000"`
	Highest   float64 `toml:"highest" doc:"of refine metropolis: noise over signal of the boldest moves; above 0, up to 1000"`
	Rungs     int     `toml:"rungs" doc:"of refine metropolis: noise levels of moves, taken in turn, from highest down; 1 to 1000"`
}

var refinements = []string{"none", "twisted", "metropolis"}

func (r *refinement) check() error {
	err := errors.Join(
		named("refine", r.Refine, refinements),
		dynamics.CheckBetween("particles", r.Particles, 1, 100_000_000),
		dynamics.CheckBetween("moves", r.Moves, 1, 1_000_000),
		dynamics.CheckBetween("rungs", r.Rungs, 1, 1000),
	)
	if !(r.Highest > 0 && r.Highest <= 1000) {
		err = errors.Join(err, fault.Inputf("highest = %v: must be above 0 and at most 1000", r.Highest))
	}
	return err
}

// of is the refinement of a method that draws whole trajectories; nil if there is none.
func (r *refinement) of(score *assimilate.Score) assimilate.Method {
	switch r.Refine {
	case "twisted":
		return &assimilate.Twisted{Score: score, Particles: r.Particles}
	case "metropolis":
		return &assimilate.Metropolis{Score: score, Moves: r.Moves, Highest: r.Highest, Rungs: r.Rungs}
	}
	return nil
}

// checkTogether reports parameters that exclude each other.
func (m *scoreMethod) checkTogether(length int) error {
	var problems []error
	if m.Mode.Forecast > 0 && m.Mode.Forecast >= length {
		problems = append(problems, fault.Inputf("forecast = %d: must be less than the %d states of a trajectory", m.Mode.Forecast, length))
	}
	if m.Tolerance > 0 && (m.Steps > 0 || m.Refine.Refine == "twisted") {
		problems = append(problems, fault.Inputf("tolerance = %v: chooses the steps: leave steps out, and refine = \"twisted\", which does not know how", m.Tolerance))
	}
	if m.Refine.Refine == "none" {
		return errors.Join(problems...)
	}
	if m.Mode.Mode != "smoother" || m.Mode.Forecast > 0 {
		problems = append(problems, fault.Inputf("refine = %q: goes with mode = \"smoother\" and without forecast", m.Refine.Refine))
	}
	if fresh := m.Solver == "ddpm" || m.Solver == "sde-dpm2" || m.Solver == "ddim" && m.Churn > 0; m.Refine.Refine == "twisted" && !fresh {
		problems = append(problems, fault.Inputf("refine = \"twisted\": particles need a solver that draws fresh noise: sde-dpm2, or ddpm"))
	}
	return errors.Join(problems...)
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
	err := errors.Join(m.Sampler.Check(), named("guidance", m.Guidance, assimilate.Guidances()), dynamics.CheckBetween("gamma", m.Gamma, 0, 1000), m.Tuning.Check(), m.Mode.check(), m.Refine.check())
	return errors.Join(err, m.checkTogether(length))
}

// Build returns the method.
func (m *scoreMethod) Build(prior Prior) (assimilate.Method, error) {
	score, err := m.score(prior)
	if err != nil {
		return nil, err
	}
	if refined := m.Refine.of(score); refined != nil {
		return refined, nil
	}
	return m.Mode.of(score), nil
}

// score is the method that draws whole trajectories.
func (m *scoreMethod) score(prior Prior) (*assimilate.Score, error) {
	sampler, err := m.build()
	if err != nil {
		return nil, fmt.Errorf("score: %w", err)
	}
	score := &assimilate.Score{Prior: prior, Sampler: sampler, Guidance: m.Guidance, Gamma: m.Gamma, Tuning: m.Tuning}
	if m.Tolerance > 0 {
		score.Doubling = &assimilate.Doubling{Tolerance: m.Tolerance, Sampler: func(steps int) (diffusion.PredictorCorrector, error) {
			s := m.Sampler
			s.Steps = steps
			return s.build()
		}}
	}
	return score, nil
}

// Cost counts guided evaluations of the prior, over trajectories of the length asked for.
func (m *scoreMethod) Cost(_ dynamics.Model, length, members int) Cost {
	sampler, err := m.build()
	if err != nil {
		return Cost{} // parameters that Check refuses
	}
	switch r := m.Refine; r.Refine {
	case "twisted":
		return Cost{NetworkEvaluations: float64(max(members, r.Particles)) * float64(len(sampler.Levels))}
	case "metropolis": // a move walks half of the levels, perhaps, and passes nothing back
		moves := float64(r.Moves) * float64(len(sampler.Levels)) / 4
		return Cost{NetworkEvaluations: float64(members) * (float64(sampler.Evaluations()) + moves)}
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
