package dynamics

import "math/rand/v2"

// System is an autonomous ordinary differential equation dx/dt = f(x) with its
// Jacobian J, and a law of initial states. In every method dst overlaps no
// argument and is overwritten; all must be safe for concurrent use.
type System interface {
	// Space describes a state.
	Space() Space
	// Initial draws a state into x.
	Initial(x []float64, r *rand.Rand)
	// Tendency writes f(x) to dst.
	Tendency(dst, x []float64)
	// Tangent writes J(x) dx to dst.
	Tangent(dst, x, dx []float64)
	// Cotangent writes J(x)^T v to dst.
	Cotangent(dst, x, v []float64)
}

// ODE is a [System] sampled at a regular interval and integrated by [RK4]: a
// [Deterministic] model that still knows its tendency.
type ODE struct {
	*Deterministic
	System
}

// NewODE samples a system every clock.Interval, in the time unit of its
// tendency, with the given number of Runge–Kutta steps between two samples.
// spinUp is the number of intervals from the initial law to the attractor.
func NewODE(s System, clock Clock, steps, spinUp int) *ODE {
	space := s.Space()
	return &ODE{NewDeterministic(&integrated{
		System:    s,
		space:     space,
		flow:      NewRK4(space.Size(), clock.Interval, steps, s.Tendency),
		tangent:   s.Tangent,
		cotangent: s.Cotangent,
	}, clock, spinUp), s}
}

// Space describes a state. The caller must not change it.
func (m *ODE) Space() Space { return m.Map.Space() }

// integrated is the Map of a System over one sampling interval. It holds on to
// the space and to the methods of the system, which would be made anew at each
// use.
type integrated struct {
	System
	space              Space
	flow               *RK4
	tangent, cotangent func(dst, x, v []float64)
}

func (m *integrated) Space() Space { return m.space }

func (m *integrated) Flow(x []float64) { m.flow.Advance(x) }

func (m *integrated) TangentLinear(x, dx []float64) { m.flow.Tangent(x, dx, m.tangent) }

func (m *integrated) Adjoint(x, dx []float64) { m.flow.Adjoint(x, dx, m.cotangent) }
