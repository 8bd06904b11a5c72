package dynamics

import (
	"math/rand/v2"
	"slices"
)

// Map is a deterministic flow over one sampling interval, with its derivative, and a
// law of initial states: what a model is made of that is not a [System]. All methods
// must be safe for concurrent use.
type Map interface {
	// Space describes a state.
	Space() Space
	// Initial draws a state into x.
	Initial(x []float64, r *rand.Rand)
	// Flow advances x in place by one sampling interval.
	Flow(x []float64)
	// TangentLinear replaces dx by M(x) dx, M being the derivative of Flow.
	TangentLinear(x, dx []float64)
	// Adjoint replaces dx by M(x)^T dx.
	Adjoint(x, dx []float64)
}

// Deterministic is a [Map] as a Model: [AdditiveNoise], with zero noise, and
// [Linearisable].
type Deterministic struct {
	Map
	clock  Clock
	spinUp int
	noise  []float64
}

// NewDeterministic makes a model of a map. spinUp is the number of intervals from the
// initial law to the attractor.
func NewDeterministic(m Map, clock Clock, spinUp int) *Deterministic {
	return &Deterministic{m, clock, spinUp, make([]float64, m.Space().Size())}
}

// Clock gives the sampling interval.
func (m *Deterministic) Clock() Clock { return m.clock }

// SpinUp is the number of intervals from the initial law to the attractor.
func (m *Deterministic) SpinUp() int { return m.spinUp }

// Step is Flow: it draws nothing from r, which may be nil.
func (m *Deterministic) Step(x []float64, r *rand.Rand) { m.Flow(x) }

// NoiseSd is zero in every component.
func (m *Deterministic) NoiseSd() []float64 { return m.noise }

// Noisy is a [Deterministic] with independent Gaussian noise added once per sampling
// interval, which gives it a [TransitionDensity]: x' = Flow(x) + N(0, diag(sd^2)).
type Noisy struct {
	*Deterministic
	sd   []float64
	work *scratch
}

// WithNoise returns the model with noise of the given positive standard deviation in
// each component, added once per sampling interval.
func (m *Deterministic) WithNoise(sd []float64) *Noisy {
	checkSize(sd, len(m.noise))
	for _, s := range sd {
		if !(s > 0) {
			panic("dynamics: standard deviation of noise must be positive")
		}
	}
	return &Noisy{m, slices.Clone(sd), newScratch(len(sd))}
}

// Step advances x in place by one sampling interval and adds noise; it draws one
// normal number a component from r.
func (m *Noisy) Step(x []float64, r *rand.Rand) {
	m.Flow(x)
	for i, s := range m.sd {
		x[i] += s * r.NormFloat64()
	}
}

// NoiseSd is the standard deviation of the noise of each component. The caller must
// not change it.
func (m *Noisy) NoiseSd() []float64 { return m.sd }

// LogTransition is log p(next | x).
func (m *Noisy) LogTransition(x, next []float64) float64 {
	buffer := m.work.get()
	copy(*buffer, x)
	m.Flow(*buffer)
	density := LogGaussian(next, *buffer, m.sd)
	m.work.put(buffer)
	return density
}
