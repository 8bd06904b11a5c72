package dynamics

import (
	"math/rand/v2"
)

// LotkaVolterra is the competition of four species, the smallest such system with
// chaos (Vano, Wildenberg, Anderson, Noel & Sprott 2006, Nonlinearity 19, 2391):
//
//	dx_i/dt = r_i x_i (1 - sum_j a_ij x_j)
//
// with the r and a of the paper. Populations are shares of the capacity and stay
// positive. The initial law is N(0.25, 0.01^2 I). The default is deterministic, sampled
// every 0.75 with steps of 0.15; time is in generations of the first species.
type LotkaVolterra struct {
	Dt            float64 `toml:"dt" doc:"sampling interval; 1e-6 to 1000"`
	Steps         int     `toml:"steps" doc:"Runge-Kutta steps of an interval; dt/steps at most 0.5"`
	NoiseVariance float64 `toml:"noise_variance" doc:"variance of the noise added to every population once an interval; 0 (deterministic) to 1e6"`
}

// NewLotkaVolterra returns the default system.
func NewLotkaVolterra() *LotkaVolterra { return &LotkaVolterra{Dt: 0.75, Steps: 5} }

// Build checks the parameters and returns an [ODE], or a [Noisy] if NoiseVariance is
// positive. The spin-up is 500 units of time.
func (p *LotkaVolterra) Build() (Model, error) {
	s := sampled{p.Dt, p.Steps, p.NoiseVariance, 0.5}
	if err := s.check(); err != nil {
		return nil, err
	}
	return s.build(species{}, 500), nil
}

// species is the Lotka-Volterra system.
type species struct{}

var (
	growth      = [4]float64{1, 0.72, 1.53, 1.27}
	competition = [4][4]float64{{1, 1.09, 1.52, 0}, {0, 1, 0.44, 1.36}, {2.33, 0, 1, 0.47}, {1.21, 0.51, 0.35, 1}}
)

func (species) Space() Space {
	return Space{
		Variable: "state", LongName: "populations", Units: "1",
		Axes: []Axis{{Name: "variable", LongName: "species", Labels: []string{"x1", "x2", "x3", "x4"}}},
	}
}

func (species) Initial(x []float64, r *rand.Rand) {
	for i := range x {
		x[i] = 0.25 + 0.01*r.NormFloat64()
	}
}

func (species) Tendency(dst, x []float64) {
	for i, r := range growth {
		dst[i] = r * x[i] * (1 - dot(competition[i][:], x))
	}
}

func (species) Tangent(dst, x, dx []float64) {
	for i, r := range growth {
		dst[i] = r * (dx[i]*(1-dot(competition[i][:], x)) - x[i]*dot(competition[i][:], dx))
	}
}

func (species) Cotangent(dst, x, v []float64) {
	for i, r := range growth {
		dst[i] = r * (1 - dot(competition[i][:], x)) * v[i]
	}
	for i, r := range growth {
		for j, a := range competition[i] {
			dst[j] -= r * x[i] * a * v[i]
		}
	}
}
