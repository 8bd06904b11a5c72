package dynamics

import (
	"cmp"
	"math"
	"math/rand/v2"
)

// Light in a ring resonator (Ikeda 1979, Opt. Commun. 30, 257; in the real form of
// Hammel, Jones & Moloney 1985), from one passage to the next:
//
//	t  = 0.4 - 6/(1 + x^2 + y^2)
//	x' = 1 + u (x cos t - y sin t)
//	y' = u (x sin t + y cos t)
//
// The map contracts areas by u^2. For u = 0.9 it is chaotic, with folds so tight that
// linear methods fail between two observations.

// Ikeda is the Ikeda map. The initial law is N(0, I/100).
type Ikeda struct {
	U             float64 `toml:"u" doc:"share of the light that a passage leaves; 0 to 0.99, chaotic above about 0.6"`
	NoiseVariance float64 `toml:"noise_variance" doc:"variance of the noise added to both components at each passage; 0 (deterministic) to 1e6"`
}

// NewIkeda returns the default map: u = 0.9, no noise.
func NewIkeda() *Ikeda { return &Ikeda{U: 0.9} }

// Build checks the parameters and returns a [Deterministic], or a [Noisy] if
// NoiseVariance is positive. The spin-up is 100 passages.
func (p *Ikeda) Build() (Model, error) {
	if err := cmp.Or(
		CheckBetween("u", p.U, 0, 0.99),
		CheckBetween("noise_variance", p.NoiseVariance, 0, 1e6),
	); err != nil {
		return nil, err
	}
	model := NewDeterministic(resonator{p.U}, Clock{Interval: 1, Units: "1"}, 100)
	if p.NoiseVariance == 0 {
		return model, nil
	}
	return model.WithNoise(evenly(2, math.Sqrt(p.NoiseVariance))), nil
}

// resonator is the Ikeda map with its u.
type resonator struct{ u float64 }

func (resonator) Space() Space {
	return Space{
		Variable: "state", LongName: "field in a resonator", Units: "1",
		Axes: []Axis{{Name: "variable", LongName: "component", Labels: []string{"x", "y"}}},
	}
}

func (resonator) Initial(x []float64, r *rand.Rand) {
	x[0], x[1] = 0.1*r.NormFloat64(), 0.1*r.NormFloat64()
}

func (m resonator) Flow(x []float64) {
	sin, cos := math.Sincos(0.4 - 6/(1+x[0]*x[0]+x[1]*x[1]))
	x[0], x[1] = 1+m.u*(x[0]*cos-x[1]*sin), m.u*(x[0]*sin+x[1]*cos)
}

// jacobian is the derivative of Flow.
func (m resonator) jacobian(x []float64) (xx, xy, yx, yy float64) {
	denominator := 1 + x[0]*x[0] + x[1]*x[1]
	sin, cos := math.Sincos(0.4 - 6/denominator)
	turn := 12 / (denominator * denominator) // of t, over x or y
	// The image without its shift, turned by a right angle, is how it moves with t.
	dx, dy := -m.u*(x[0]*sin+x[1]*cos)*turn, m.u*(x[0]*cos-x[1]*sin)*turn
	return m.u*cos + dx*x[0], -m.u*sin + dx*x[1], m.u*sin + dy*x[0], m.u*cos + dy*x[1]
}

func (m resonator) TangentLinear(x, dx []float64) {
	xx, xy, yx, yy := m.jacobian(x)
	dx[0], dx[1] = xx*dx[0]+xy*dx[1], yx*dx[0]+yy*dx[1]
}

func (m resonator) Adjoint(x, dx []float64) {
	xx, xy, yx, yy := m.jacobian(x)
	dx[0], dx[1] = xx*dx[0]+yx*dx[1], xy*dx[0]+yy*dx[1]
}
