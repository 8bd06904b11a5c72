package dynamics

import (
	"math"
	"math/rand/v2"
	"sync"

	"gonum.org/v1/gonum/mat"
)

// Damped advection on a ring of n points, driven by a few waves of random phase and
// amplitude (the linear advection of Evensen 2004, with the noise of Raanes, Carrassi &
// Bertino 2015, Mon. Weather Rev. 143, 3857):
//
//	x_{t+1}(i) = d x_t(i - speed) + w_t(i)
//	w = sqrt((1 - d^2) variance/K) sum_{k=1}^K (a_k cos(2 pi k i/n) + b_k sin(2 pi k i/n))
//
// a and b being standard normal. The covariance of w depends on the distance alone and
// has rank 2K: no transition has a density, and no Cholesky factor exists, but the
// stationary law is known, as that of [Linear] is.

// Waves is linear advection driven by waves: a Model that is [Linearisable] and knows
// the matrices of its law. It neither is [AdditiveNoise], since its noise is correlated,
// nor has a density.
type Waves struct {
	space         Space
	speed         int
	damping       float64
	amplitude     float64   // of a wave of the stationary law
	table         []float64 // cosine and sine of each wave at each point: point, wave
	law           func() LinearLaw
	work          *scratch
	points, waves int
}

func newWaves(p *Advection) *Waves {
	m := &Waves{
		space: p.space(), speed: p.Speed, damping: p.Damping,
		amplitude: math.Sqrt(p.Variance / float64(p.Waves)),
		table:     make([]float64, 0, 2*p.N*p.Waves),
		work:      newScratch(max(p.N, 2*p.Waves)),
		points:    p.N, waves: p.Waves,
	}
	for i := range p.N {
		for k := 1; k <= p.Waves; k++ {
			sin, cos := math.Sincos(2 * math.Pi * float64(k*i%p.N) / float64(p.N))
			m.table = append(m.table, cos, sin)
		}
	}
	m.law = sync.OnceValue(m.matrices)
	return m
}

// Space describes a state.
func (m *Waves) Space() Space { return m.space }

// Clock gives the sampling interval.
func (m *Waves) Clock() Clock { return Clock{Interval: 1, Units: "1"} }

// SpinUp is zero: trajectories start from the stationary law.
func (m *Waves) SpinUp() int { return 0 }

// Initial draws a state from the stationary law into x.
func (m *Waves) Initial(x []float64, r *rand.Rand) {
	checkSize(x, m.points)
	clear(x)
	m.add(x, m.amplitude, r)
}

// add adds waves of the given amplitude to x.
func (m *Waves) add(x []float64, amplitude float64, r *rand.Rand) {
	buffer := m.work.get()
	z := (*buffer)[:2*m.waves]
	for i := range z {
		z[i] = amplitude * r.NormFloat64()
	}
	for i := range x {
		x[i] += dot(z, m.table[i*len(z):])
	}
	m.work.put(buffer)
}

// Flow carries x along and damps it.
func (m *Waves) Flow(x []float64) { m.shift(x, m.speed) }

// shift moves x by so many points and damps it.
func (m *Waves) shift(x []float64, points int) {
	checkSize(x, m.points)
	buffer := m.work.get()
	old := (*buffer)[:len(x)]
	copy(old, x)
	first := modulo(points, len(x))
	for i, v := range old {
		to := i + first
		if to >= len(x) {
			to -= len(x)
		}
		x[to] = m.damping * v
	}
	m.work.put(buffer)
}

// Step is Flow and a draw of the noise.
func (m *Waves) Step(x []float64, r *rand.Rand) {
	m.Flow(x)
	m.add(x, m.amplitude*math.Sqrt(1-m.damping*m.damping), r)
}

// TangentLinear replaces dx by its image under the flow; x is not used.
func (m *Waves) TangentLinear(x, dx []float64) { m.shift(dx, m.speed) }

// Adjoint replaces dx by its image under the transpose of the flow; x is not used.
func (m *Waves) Adjoint(x, dx []float64) { m.shift(dx, -m.speed) }

// Law returns the matrices of the system. Noise and Initial are singular. The caller
// must not change them.
func (m *Waves) Law() LinearLaw { return m.law() }

func (m *Waves) matrices() LinearLaw {
	n := m.points
	law := LinearLaw{
		Transition: mat.NewDense(n, n, nil), Noise: mat.NewSymDense(n, nil),
		Mean: make([]float64, n), Initial: mat.NewSymDense(n, nil),
	}
	row := 2 * m.waves
	for i := range n {
		law.Transition.Set(modulo(i+m.speed, n), i, m.damping)
		c := m.amplitude * m.amplitude * dot(m.table[:row], m.table[i*row:])
		for j := range n - i { // the covariance of points at distance i
			law.Initial.SetSym(j, j+i, c)
			law.Noise.SetSym(j, j+i, (1-m.damping*m.damping)*c)
		}
	}
	return law
}
