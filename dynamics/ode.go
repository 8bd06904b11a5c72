package dynamics

import (
	"math/rand/v2"
	"slices"
)

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
// deterministic Model that is [AdditiveNoise], with zero noise, and
// [Linearisable]. A deterministic transition has no density; see
// [ODE.WithNoise].
type ODE struct {
	System
	space              Space
	clock              Clock
	spinUp             int
	flow               *RK4
	tangent, cotangent func(dst, x, v []float64)
	noise              []float64
}

// NewODE samples a system every clock.Interval, in the time unit of its
// tendency, with the given number of Runge–Kutta steps between two samples.
// spinUp is the number of intervals from the initial law to the attractor.
func NewODE(s System, clock Clock, steps, spinUp int) *ODE {
	space := s.Space()
	size := space.Size()
	return &ODE{
		System:    s,
		space:     space,
		clock:     clock,
		spinUp:    spinUp,
		flow:      NewRK4(size, clock.Interval, steps, s.Tendency),
		tangent:   s.Tangent,
		cotangent: s.Cotangent,
		noise:     make([]float64, size),
	}
}

// Space describes a state. The caller must not change it.
func (m *ODE) Space() Space { return m.space }

// Clock gives the sampling interval.
func (m *ODE) Clock() Clock { return m.clock }

// SpinUp is the number of intervals from the initial law to the attractor.
func (m *ODE) SpinUp() int { return m.spinUp }

// Flow advances x in place by one sampling interval.
func (m *ODE) Flow(x []float64) { m.flow.Advance(x) }

// Step is Flow: it draws nothing from r, which may be nil.
func (m *ODE) Step(x []float64, r *rand.Rand) { m.flow.Advance(x) }

// NoiseSd is zero in every component.
func (m *ODE) NoiseSd() []float64 { return m.noise }

// TangentLinear replaces dx by M(x) dx, M being the derivative of Flow.
func (m *ODE) TangentLinear(x, dx []float64) { m.flow.Tangent(x, dx, m.tangent) }

// Adjoint replaces dx by M(x)^T dx.
func (m *ODE) Adjoint(x, dx []float64) { m.flow.Adjoint(x, dx, m.cotangent) }

// NoisyODE is an [ODE] with independent Gaussian noise added once per sampling
// interval, which gives it a [TransitionDensity]:
// x' = Flow(x) + N(0, diag(sd^2)).
type NoisyODE struct {
	*ODE
	sd   []float64
	work *scratch
}

// WithNoise returns the system with noise of the given positive standard
// deviation in each component, added once per sampling interval.
func (m *ODE) WithNoise(sd []float64) *NoisyODE {
	checkSize(sd, len(m.noise))
	for _, s := range sd {
		if !(s > 0) {
			panic("dynamics: standard deviation of noise must be positive")
		}
	}
	return &NoisyODE{m, slices.Clone(sd), newScratch(len(sd))}
}

// Step advances x in place by one sampling interval and adds noise; it draws
// one normal number a component from r.
func (m *NoisyODE) Step(x []float64, r *rand.Rand) {
	m.Flow(x)
	for i, s := range m.sd {
		x[i] += s * r.NormFloat64()
	}
}

// NoiseSd is the standard deviation of the noise of each component. The caller
// must not change it.
func (m *NoisyODE) NoiseSd() []float64 { return m.sd }

// LogTransition is log p(next | x).
func (m *NoisyODE) LogTransition(x, next []float64) float64 {
	buffer := m.work.get()
	copy(*buffer, x)
	m.Flow(*buffer)
	density := LogGaussian(next, *buffer, m.sd)
	m.work.put(buffer)
	return density
}
