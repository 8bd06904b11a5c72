package experiment

import (
	"errors"

	"retrace/assimilate"
	"retrace/assimilate/variational"
	"retrace/dynamics"
	"retrace/internal/fault"
)

func init() {
	registerVariational("free-run", "the model from its initial law, whatever was observed: what a forecast is worth", false, memberTransitions,
		func() unchecked { return unchecked{variational.FreeRun{}} })
	registerVariational("oi", "optimal interpolation: each state from the climatology and what was seen of it (Gandin 1963)", true, oneTransition,
		func() unchecked { return unchecked{variational.Interpolation{}} })
	registerVariational("persistence", "the last state as optimal interpolation saw it, until something is seen again", true, oneTransition,
		func() unchecked { return unchecked{variational.Persistence{}} })
	registerVariational("3dvar", "3D-Var: the forecast corrected by the observations of one state, with a covariance fixed in time (Lorenc 1986)", true, oneTransition,
		variational.NewThreeDVar)
	registerVariational("4dvar", "4D-Var: the trajectory of a window that costs least, by adjoints; strong or weak constraint (Le Dimet & Talagrand 1986; Trémolet 2006)", true, descents,
		variational.NewFourDVar)
	registerVariational("4denvar", "hybrid 4DEnVar: covariances of an ensemble through a window and a fixed one (Lorenc 2003; Liu, Xiao & Wang 2008)", true, memberTransitions,
		variational.NewEnsembleVar)
	RegisterMethod(MethodEntry{
		Name:       "4dvar-score",
		Summary:    "modes of the posterior that method score draws from: weak 4D-Var with the learnt prior in the place of the model",
		NeedsPrior: true,
		Defaults: func() MethodBuilder {
			score, _ := LookupMethod("score")
			return &scoreModeMethod{*score.Defaults().(*scoreMethod), *variational.NewScoreMode(nil)}
		},
	})
}

// registerVariational registers a method of package variational that is its own
// parameters.
func registerVariational[M checked](name, summary string, training bool, cost func(model dynamics.Model, length, members int) Cost, defaults func() M) {
	RegisterMethod(MethodEntry{
		Name: name, Summary: summary, NeedsTraining: training,
		Defaults: func() MethodBuilder { return &variationalMethod[M]{defaults(), cost} },
	})
}

type variationalMethod[M checked] struct {
	Method M `toml:",inline"`
	cost   func(model dynamics.Model, length, members int) Cost
}

// Check reports a parameter out of range, or a model that the method cannot work
// with.
func (m *variationalMethod[M]) Check(model dynamics.Model, _ int) error { return m.Method.Check(model) }

// Build returns the method.
func (m *variationalMethod[M]) Build(Prior) (assimilate.Method, error) {
	if u, ok := any(m.Method).(unchecked); ok {
		return u.Sequential, nil
	}
	return m.Method, nil
}

// Cost counts model steps.
func (m *variationalMethod[M]) Cost(model dynamics.Model, length, members int) Cost {
	return m.cost(model, length, members)
}

// unchecked is a method without parameters.
type unchecked struct {
	assimilate.Sequential `toml:"-"`
}

// Check accepts any model.
func (unchecked) Check(dynamics.Model) error { return nil }

// oneTransition is the cost of a method that runs the model once.
func oneTransition(_ dynamics.Model, length, _ int) Cost { return Cost{ModelSteps: float64(length)} }

// memberTransitions is the cost of a method that runs the model for each member.
func memberTransitions(model dynamics.Model, length, members int) Cost {
	return Cost{ModelSteps: float64(members) * float64(model.SpinUp()+length-1)}
}

// descents is the cost of 4D-Var: some twenty costs and gradients, a gradient taken
// for three costs, and the members.
func descents(_ dynamics.Model, length, members int) Cost {
	return Cost{ModelSteps: float64(length) * float64(80+members)}
}

// scoreModeMethod climbs from the draws of method score.
type scoreModeMethod struct {
	Start scoreMethod           `toml:",inline"`
	Mode  variational.ScoreMode `toml:",inline"`
}

// Check reports every parameter at fault; any model will do.
func (m *scoreModeMethod) Check(model dynamics.Model, length int) error {
	err := errors.Join(m.Start.Check(model, length), m.Mode.Check(model))
	if m.Start.Mode.Mode != "smoother" || m.Start.Mode.Forecast > 0 || m.Start.Refine.Refine != "none" {
		err = errors.Join(err, fault.Inputf("mode, forecast, refine: this method climbs from plain draws of whole trajectories: leave them out"))
	}
	return err
}

// Build returns the method.
func (m *scoreModeMethod) Build(prior Prior) (assimilate.Method, error) {
	start, err := m.Start.score(prior)
	if err != nil {
		return nil, err
	}
	mode := m.Mode
	mode.Start = start
	return &mode, nil
}

// Cost adds the climb to the draws.
func (m *scoreModeMethod) Cost(model dynamics.Model, length, members int) Cost {
	cost := m.Start.Cost(model, length, members)
	cost.NetworkEvaluations += float64(members) * float64(m.Mode.Levels*m.Mode.Iterations)
	return cost
}
