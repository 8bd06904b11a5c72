package dynamics

import (
	"cmp"

	"gonum.org/v1/gonum/mat"
)

// RandomWalk is a walk with independent Gaussian steps, x' = x + N(0, Variance I), from
// N(0, InitialVariance I). It has no stationary law: its variance grows by Variance a
// transition. Seen with noise of variance r, the Kalman filter settles at the forecast
// variance Variance (1 + sqrt(1 + 4 r/Variance))/2. Build returns an
// [IndependentLinear].
type RandomWalk struct {
	N               int     `toml:"n" doc:"components; 1 to 2000"`
	Variance        float64 `toml:"variance" doc:"variance of a step; 1e-12 to 1e12"`
	InitialVariance float64 `toml:"initial_variance" doc:"variance of the first state; 1e-12 to 1e12"`
}

// NewRandomWalk returns the default walk: one component, unit variances.
func NewRandomWalk() *RandomWalk { return &RandomWalk{N: 1, Variance: 1, InitialVariance: 1} }

// Build checks the parameters and returns the model.
func (p *RandomWalk) Build() (Model, error) {
	if err := cmp.Or(
		CheckBetween("n", p.N, 1, maxLinearSize),
		CheckBetween("variance", p.Variance, 1e-12, 1e12),
		CheckBetween("initial_variance", p.InitialVariance, 1e-12, 1e12),
	); err != nil {
		return nil, err
	}
	law := LinearLaw{
		Transition: mat.NewDense(p.N, p.N, nil),
		Noise:      mat.NewSymDense(p.N, nil),
		Initial:    mat.NewSymDense(p.N, nil),
	}
	for i := range p.N {
		law.Transition.Set(i, i, 1)
		law.Noise.SetSym(i, i, p.Variance)
		law.Initial.SetSym(i, i, p.InitialVariance)
	}
	space := Space{
		Variable: "state", LongName: "position of a walk", Units: "1",
		Axes: []Axis{indexAxis("component", "component", p.N)},
	}
	return buildLinear(space, Clock{Interval: 1, Units: "1"}, law)
}
