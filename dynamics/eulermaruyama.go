package dynamics

import (
	"math"
	"math/rand/v2"
)

// The Euler–Maruyama method for the Itô equation dx = a(x) dt + b(x) dW with
// independent noise in each component:
//
//	x' = x + h a(x) + sqrt(h) b(x) z,  z ~ N(0, I)
//
// (Maruyama 1955; Kloeden & Platen, Numerical Solution of Stochastic
// Differential Equations, section 10.2.) Weak order 1; strong order 1/2, or 1
// if b is constant.

// SDE is the Itô stochastic differential equation
// dx = Drift(x) dt + diag(Diffusion(x)) dW.
type SDE struct {
	Drift     func(dst, x []float64) // writes the drift at x, per unit of time
	Diffusion func(dst, x []float64) // writes the standard deviation at x, per root of a unit of time
}

// EulerMaruyama integrates an SDE over a fixed interval by a fixed number of
// Euler–Maruyama steps. It is safe for concurrent use if the SDE is.
type EulerMaruyama struct {
	sde         SDE
	size, steps int
	h           float64
	work        *scratch
}

// NewEulerMaruyama returns an integrator for states of the given size that
// crosses the interval, a time in the units of the SDE, in the given number of
// equal steps. Size and steps must be positive.
func NewEulerMaruyama(size int, interval float64, steps int, sde SDE) *EulerMaruyama {
	if size < 1 || steps < 1 {
		panic("dynamics: Euler–Maruyama needs a positive size and number of steps")
	}
	return &EulerMaruyama{sde, size, steps, interval / float64(steps), newScratch(2 * size)}
}

// Advance moves x in place over one interval; it draws one normal number a
// component and step from r.
func (m *EulerMaruyama) Advance(x []float64, r *rand.Rand) {
	checkSize(x, m.size)
	buffer := m.work.get()
	drift, diffusion := (*buffer)[:m.size], (*buffer)[m.size:]
	root := math.Sqrt(m.h)
	for range m.steps {
		m.sde.Drift(drift, x)
		m.sde.Diffusion(diffusion, x)
		for i := range x {
			x[i] += m.h*drift[i] + root*diffusion[i]*r.NormFloat64()
		}
	}
	m.work.put(buffer)
}
