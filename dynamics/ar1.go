package dynamics

import (
	"cmp"

	"gonum.org/v1/gonum/mat"
)

// AR1 is a first-order autoregressive process: N independent components, each
//
//	x_{t+1} = Rho x_t + N(0, Variance (1 - Rho^2)),  x_1 ~ N(0, Variance)
//
// so that the process is stationary, with lag-s correlation Rho^s. Build
// returns an [IndependentLinear].
type AR1 struct {
	N        int     `toml:"n" doc:"number of independent components; 1 to 2000"`
	Rho      float64 `toml:"rho" doc:"correlation of successive states; -0.999999 to 0.999999"`
	Variance float64 `toml:"variance" doc:"stationary variance; 1e-12 to 1e12"`
}

// NewAR1 returns the default process: one component of unit variance, Rho 0.9.
func NewAR1() *AR1 { return &AR1{N: 1, Rho: 0.9, Variance: 1} }

// Build checks the parameters and returns the model.
func (p *AR1) Build() (Model, error) {
	if err := cmp.Or(
		CheckBetween("n", p.N, 1, maxLinearSize),
		CheckBetween("rho", p.Rho, -0.999999, 0.999999),
		CheckBetween("variance", p.Variance, 1e-12, 1e12),
	); err != nil {
		return nil, err
	}
	law := LinearLaw{
		Transition: mat.NewDense(p.N, p.N, nil),
		Noise:      mat.NewSymDense(p.N, nil),
		Initial:    mat.NewSymDense(p.N, nil),
	}
	for i := range p.N {
		law.Transition.Set(i, i, p.Rho)
		law.Noise.SetSym(i, i, p.Variance*(1-p.Rho*p.Rho))
		law.Initial.SetSym(i, i, p.Variance)
	}
	space := Space{
		Variable: "state", LongName: "autoregressive process", Units: "1",
		Axes: []Axis{indexAxis("component", "independent component", p.N)},
	}
	return buildLinear(space, Clock{Interval: 1, Units: "1"}, law)
}
