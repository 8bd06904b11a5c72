package dynamics_test

import (
	"fmt"
	"math/rand/v2"

	"retrace/dynamics"
	"retrace/internal/rng"
)

// DoubleWell is a particle in the potential x^4/4 - x^2/2 that white noise
// kicks from one well to the other: dx = (x - x^3) dt + Kick dW.
type DoubleWell struct {
	Kick float64 `toml:"kick" doc:"noise per root of a unit of time; 0 to 10"`
}

func (p *DoubleWell) Build() (dynamics.Model, error) {
	if err := dynamics.CheckBetween("kick", p.Kick, 0, 10); err != nil {
		return nil, err
	}
	kick := p.Kick
	return particle{dynamics.NewEulerMaruyama(1, 0.1, 10, dynamics.SDE{
		Drift:     func(dst, x []float64) { dst[0] = x[0] - x[0]*x[0]*x[0] },
		Diffusion: func(dst, x []float64) { dst[0] = kick },
	})}, nil
}

type particle struct{ *dynamics.EulerMaruyama }

func (m particle) Space() dynamics.Space {
	position := dynamics.Axis{Name: "variable", Labels: []string{"x"}}
	return dynamics.Space{Variable: "state", Units: "1", Axes: []dynamics.Axis{position}}
}
func (m particle) Clock() dynamics.Clock             { return dynamics.Clock{Interval: 0.1, Units: "1"} }
func (m particle) SpinUp() int                       { return 100 }
func (m particle) Initial(x []float64, r *rand.Rand) { x[0] = r.NormFloat64() }
func (m particle) Step(x []float64, r *rand.Rand)    { m.Advance(x, r) }

// A system of one's own: a builder with its parameters, and a model. Once
// registered, a config can say name = "double-well" and kick = 0.7.
func Example() {
	dynamics.Register(dynamics.Entry{
		Name:     "double-well",
		Summary:  "particle in a double-well potential",
		Defaults: func() dynamics.Builder { return &DoubleWell{Kick: 0.5} },
	})

	entry, _ := dynamics.Lookup("double-well")
	model, err := entry.Defaults().Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	x := make([]float64, model.Space().Size())
	r := rng.Stream(1, "example")
	model.Initial(x, r)
	for range 5 {
		fmt.Printf("%.3f\n", x)
		model.Step(x, r)
	}
	_, err = (&DoubleWell{Kick: -1}).Build()
	fmt.Println(err)
	// Output:
	// [-0.279]
	// [-0.535]
	// [-0.488]
	// [-0.680]
	// [-0.905]
	// kick = -1: must be between 0 and 10
}

// A model with an integrator of its own, and what it can do.
func ExampleKuramotoSivashinsky() {
	model, err := dynamics.NewKuramotoSivashinsky().Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(model.Space().Axes[0].Len(), "points, spin-up", model.SpinUp(), "intervals of", model.Clock().Interval)
	tangent, ok := model.(dynamics.Linearisable)
	fmt.Println("has an adjoint:", ok)
	x, dx := make([]float64, 128), make([]float64, 128)
	dx[0] = 1
	tangent.TangentLinear(x, dx) // of the flat flame, whose waves of wavenumber below 1 grow
	var sum float64
	for _, v := range dx {
		sum += v
	}
	fmt.Printf("a perturbation keeps its mean: %.6f\n", sum)
	// Output:
	// 128 points, spin-up 200 intervals of 1
	// has an adjoint: true
	// a perturbation keeps its mean: 1.000000
}
