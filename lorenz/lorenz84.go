package lorenz

import (
	"cmp"
	"math/rand/v2"

	"retrace/dynamics"
)

// The simplest general circulation (Lorenz 1984, Tellus 36A, 98-110): x is the
// strength of the westerly current, y and z the cosine and sine phases of a
// chain of large-scale eddies.
//
//	dx/dt = -y^2 - z^2 - a x + a f
//	dy/dt = x y - b x z - y + g
//	dz/dt = b x y + x z - z
//
// The quadratic terms conserve (x^2 + y^2 + z^2)/2. A unit of time is five days.

// Lorenz84 holds the parameters of the Lorenz 84 system. The initial law is
// N((1, 0, 0), I). The default is deterministic, sampled every 0.05 (six
// hours), with the forcing of perpetual winter.
type Lorenz84 struct {
	A             float64 `toml:"a" doc:"damping of the westerly current; 0 to 1000"`
	B             float64 `toml:"b" doc:"displacement of the eddies by the current; 0 to 1000"`
	F             float64 `toml:"f" doc:"thermal forcing, north-south contrast; -1000 to 1000"`
	G             float64 `toml:"g" doc:"thermal forcing, continent-ocean contrast; -1000 to 1000"`
	Dt            float64 `toml:"dt" doc:"sampling interval; 1e-6 to 1000"`
	Steps         int     `toml:"steps" doc:"Runge-Kutta steps of an interval; dt/steps at most 0.1"`
	NoiseVariance float64 `toml:"noise_variance" doc:"variance of the noise added to every component once an interval; 0 (deterministic) to 1e6"`
}

// NewLorenz84 returns the default system: a = 1/4, b = 4, f = 8, g = 1.
func NewLorenz84() *Lorenz84 {
	return &Lorenz84{A: 0.25, B: 4, F: 8, G: 1, Dt: 0.05, Steps: 1}
}

// Build checks the parameters and returns a [dynamics.ODE], or a
// [dynamics.Noisy] if NoiseVariance is positive. The spin-up is 20 units of
// time.
func (p *Lorenz84) Build() (dynamics.Model, error) {
	s := sampling{p.Dt, p.Steps, p.NoiseVariance}
	if err := cmp.Or(
		dynamics.CheckBetween("a", p.A, 0, 1000),
		dynamics.CheckBetween("b", p.B, 0, 1000),
		dynamics.CheckBetween("f", p.F, -1000, 1000),
		dynamics.CheckBetween("g", p.G, -1000, 1000),
		s.check(0.1),
	); err != nil {
		return nil, err
	}
	return s.build(circulation{p.A, p.B, p.F, p.G}, 20), nil
}

// circulation is the Lorenz 84 system.
type circulation struct{ a, b, f, g float64 }

func (circulation) Space() dynamics.Space { return components("Lorenz 84 state", "x", "y", "z") }

func (circulation) Initial(x []float64, r *rand.Rand) {
	x[0] = 1 + r.NormFloat64()
	x[1] = r.NormFloat64()
	x[2] = r.NormFloat64()
}

func (s circulation) Tendency(dst, state []float64) {
	x, y, z := state[0], state[1], state[2]
	dst[0] = -y*y - z*z - s.a*x + s.a*s.f
	dst[1] = x*y - s.b*x*z - y + s.g
	dst[2] = s.b*x*y + x*z - z
}

func (s circulation) Tangent(dst, state, dx []float64) {
	x, y, z := state[0], state[1], state[2]
	dst[0] = -s.a*dx[0] - 2*y*dx[1] - 2*z*dx[2]
	dst[1] = (y-s.b*z)*dx[0] + (x-1)*dx[1] - s.b*x*dx[2]
	dst[2] = (s.b*y+z)*dx[0] + s.b*x*dx[1] + (x-1)*dx[2]
}

func (s circulation) Cotangent(dst, state, v []float64) {
	x, y, z := state[0], state[1], state[2]
	dst[0] = -s.a*v[0] + (y-s.b*z)*v[1] + (s.b*y+z)*v[2]
	dst[1] = -2*y*v[0] + (x-1)*v[1] + s.b*x*v[2]
	dst[2] = -2*z*v[0] - s.b*x*v[1] + (x-1)*v[2]
}
