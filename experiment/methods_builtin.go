package experiment

import (
	"errors"

	"retrace/assimilate"
	"retrace/assimilate/particle"
	"retrace/dynamics"
	"retrace/internal/fault"
)

func init() {
	RegisterMethod(MethodEntry{
		Name:          "climatology",
		Summary:       "windows of the training trajectories, whatever was observed: the floor that any method must beat",
		NeedsTraining: true,
		Defaults:      func() MethodBuilder { return &climatologyMethod{} },
	})
	RegisterMethod(MethodEntry{
		Name:     "particle",
		Summary:  "bootstrap particle filter with backward simulation (Godsill, Doucet & West 2004): the exact posterior of a small system",
		Defaults: func() MethodBuilder { return &particleMethod{*particle.New()} },
	})
}

// particleMethod is the particle filter.
type particleMethod struct {
	particle.Method `toml:",inline"`
}

func (p *particleMethod) Check(model dynamics.Model, _ int) error {
	err := dynamics.CheckBetween("particles", p.Particles, 1, 100_000_000)
	if p.SpinUp < -1 {
		err = errors.Join(err, fault.Inputf("spin_up = %d: must be at least 0, or -1", p.SpinUp))
	}
	if _, ok := model.(dynamics.TransitionDensity); !ok {
		err = errors.Join(err, fault.Inputf("kind: the particle method needs a model with noise, whose transition density is known: give the model noise, or choose another method"))
	}
	return err
}

// Cost counts the transitions of the filter; backward simulation is cheap
// beside them.
func (p *particleMethod) Cost(model dynamics.Model, length, _ int) Cost {
	spinUp := p.SpinUp
	if spinUp < 0 {
		spinUp = min(64, model.SpinUp())
	}
	return Cost{
		ModelSteps: float64(p.Particles) * float64(spinUp+length-1),
		Memory:     int64(p.Particles) * int64(length) * int64(model.Space().Size()+1) * 8,
	}
}

func (p *particleMethod) Build(Prior) (assimilate.Method, error) { return &p.Method, nil }

// climatologyMethod ignores the observations.
type climatologyMethod struct{}

func (*climatologyMethod) Check(dynamics.Model, int) error { return nil }

func (*climatologyMethod) Build(Prior) (assimilate.Method, error) {
	return assimilate.Climatology{}, nil
}

func (*climatologyMethod) Cost(dynamics.Model, int, int) Cost { return Cost{} }
