package calibrate

import (
	"context"

	"retrace/assimilate"
	"retrace/diffusion"
	"retrace/dynamics"
	"retrace/exact"
	"retrace/observe"
	"retrace/trajectory"
)

// The oracle suite: trajectories of a linear-Gaussian system, whose posterior is
// known, so that neither a network nor a reference can be blamed.

// OracleLength is the number of states of a trajectory of the suite.
const OracleLength = 24

// oracleModel is the autoregression x' = 0.9 x + w of unit variance.
func oracleModel() (dynamics.Model, error) {
	law := dynamics.NewAR1()
	law.Rho = 0.9
	return law.Build()
}

// Oracle returns the study of the suite: x of every 4th state, with errors of sd
// 0.25, a tenth of them withheld.
func Oracle(ctx context.Context, cases, members int, level float64, seed int64) (*Study, error) {
	model, err := oracleModel()
	if err != nil {
		return nil, err
	}
	truths, err := trajectory.Simulate(ctx, model, trajectory.Plan{
		Count: cases, Length: OracleLength, SpinUp: model.SpinUp(), Seed: seed, Purpose: "calibrate/truth",
	}, nil)
	if err != nil {
		return nil, err
	}
	operator, err := observe.Identity{}.Build(model.Space())
	if err != nil {
		return nil, err
	}
	indices, err := observe.Timeline{Clock: model.Clock(), Length: OracleLength}.Every(4, 0)
	if err != nil {
		return nil, err
	}
	layout, err := observe.Layout(operator, indices, 0.25)
	if err != nil {
		return nil, err
	}
	s := Study{Model: model, Length: OracleLength, Members: members, Seed: seed, Level: level, Gaussian: true}
	for i := range cases {
		address := observe.Address{Seed: seed, Scenario: "oracle", Case: i}
		seen, err := layout.Simulate(truths.Trajectory(i), address)
		if err != nil {
			return nil, err
		}
		c := Case{Truth: truths.Trajectory(i)}
		c.Seen, c.Withheld = seen.Withhold(1./6, address)
		s.Cases = append(s.Cases, c)
	}
	return New(s)
}

// Rule is a way to sample the posterior that the suite puts to the test.
type Rule struct {
	Name, Summary string
	// Right says that the rule draws from the posterior, as far as is known: the
	// suite must clear it, and must accuse the others.
	Right  bool
	Method assimilate.Method
}

// Rules lists the samplers of the suite, on the exact prior of its model.
func Rules() ([]Rule, error) {
	model, err := oracleModel()
	if err != nil {
		return nil, err
	}
	standard := trajectory.Standardiser{Mean: []float64{0}, Scale: []float64{1}, Run: 1}
	prior, err := exact.Linear(model, standard)
	if err != nil {
		return nil, err
	}
	fine := diffusion.LogGrid(diffusion.Cosine{Eta: 1e-3}, 64, diffusion.Span{High: 100, Low: 2e-3})
	uniform := diffusion.UniformGrid(diffusion.Cosine{Eta: 1e-3}, 128)
	score := func(guidance string, gamma float64, levels []diffusion.Level, solver string) (assimilate.Method, error) {
		step, err := diffusion.SolverNamed(solver, 0)
		return &assimilate.Score{
			Prior: prior, Sampler: diffusion.PredictorCorrector{Levels: levels, Solver: step}, Guidance: guidance, Gamma: gamma,
		}, err
	}
	list := []Rule{{Name: "exact", Summary: "the exact posterior, by linear algebra", Right: true, Method: Exact{}}}
	for _, r := range []struct {
		name, summary, guidance, solver string
		gamma                           float64
		levels                          []diffusion.Level
		right                           bool
	}{
		{"covariance", "guidance by the covariance of the denoised trajectory, 64 steps", "covariance", "dpm2", 0, fine, true},
		{"mmps", "moment matching (Rozet et al. 2024), 64 steps", "mmps", "dpm2", 0, fine, true},
		{"dps", "diffusion posterior sampling (Chung et al. 2023), 128 steps", "dps", "ddim", 0, uniform, false},
		{"sda", "score-based data assimilation, gamma = 0.03, no corrections, 128 steps", "sda", "ddim", 0.03, uniform, false},
	} {
		method, err := score(r.guidance, r.gamma, r.levels, r.solver)
		if err != nil {
			return nil, err
		}
		list = append(list, Rule{r.name, r.summary, r.right, method})
	}
	return list, nil
}
