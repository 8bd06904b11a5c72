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
		Name:     "particle",
		Summary:  "bootstrap particle filter with backward simulation (Godsill, Doucet & West 2004): the exact posterior of a small system",
		Laws:     true,
		Defaults: func() MethodBuilder { return &particleMethod{*particle.New()} },
	})
	RegisterMethod(MethodEntry{
		Name:     "pf",
		Summary:  "bootstrap particle filter, state by state, with regularisation for models without noise (Gordon, Salmond & Smith 1993)",
		Laws:     true,
		Defaults: func() MethodBuilder { return &particleFilter[*particle.Bootstrap]{particle.NewBootstrap()} },
	})
	RegisterMethod(MethodEntry{
		Name:     "optpf",
		Summary:  "particle filter with an optimal proposal from kernels around the particles (Doucet, Godsill & Andrieu 2000)",
		Defaults: func() MethodBuilder { return &particleFilter[*particle.Optimal]{particle.NewOptimal()} },
	})
	RegisterMethod(MethodEntry{
		Name:     "ensf",
		Summary:  "ensemble score filter: a reverse diffusion with the score of the forecast members, no training (Bao, Zhang & Zhang 2024)",
		Laws:     true,
		Defaults: func() MethodBuilder { return &particleFilter[*particle.EnsembleScore]{particle.NewEnsembleScore()} },
	})
}

// particleMethod is the particle filter with its smoother.
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

// checked is a method that checks its own parameters.
type checked interface {
	assimilate.Method
	Check(model dynamics.Model) error
}

// particleFilter is a filter of package particle, which is its own parameters.
type particleFilter[M checked] struct {
	Filter M `toml:",inline"`
}

// Check reports a parameter out of range.
func (p *particleFilter[M]) Check(model dynamics.Model, _ int) error { return p.Filter.Check(model) }

// Build returns the filter.
func (p *particleFilter[M]) Build(Prior) (assimilate.Method, error) { return p.Filter, nil }

// Cost counts the transitions of the particles.
func (p *particleFilter[M]) Cost(model dynamics.Model, length, members int) Cost {
	if f, ok := any(p.Filter).(interface{ Size(members int) int }); ok {
		members = f.Size(members)
	}
	return Cost{
		ModelSteps: float64(members) * float64(model.SpinUp()+length-1),
		Memory:     int64(members) * int64(model.Space().Size()) * 24,
	}
}
