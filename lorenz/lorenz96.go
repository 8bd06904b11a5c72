package lorenz

import (
	"cmp"
	"math"
	"math/rand/v2"

	"retrace/dynamics"
)

// A scalar on n equidistant sites of a latitude circle (Lorenz 1996,
// Predictability: a problem partly solved; Lorenz & Emanuel 1998, J. Atmos.
// Sci. 55, 399-414), indices modulo n:
//
//	dx_i/dt = (x_{i+1} - x_{i-2}) x_{i-1} - x_i + F
//
// The quadratic term conserves sum x_i^2 / 2, and the system does not change
// under a shift of the ring. A unit of time is about five days; for n = 40 and
// F = 8 the doubling time of errors is 0.42 (two days).

// Lorenz96 holds the parameters of the Lorenz 96 system. The initial law is
// N(e, 0.001 I), e being 1 at site 0 and 0 elsewhere, as in DAPPER's settings of
// Sakov & Oke 2008. The default is deterministic with n = 40, F = 8, sampled
// every 0.05 (six hours).
type Lorenz96 struct {
	N             int     `toml:"n" doc:"sites of the ring; 4 to 1000000"`
	F             float64 `toml:"f" doc:"forcing; -1000 to 1000, chaotic above about 4.5"`
	Dt            float64 `toml:"dt" doc:"sampling interval; 1e-6 to 1000"`
	Steps         int     `toml:"steps" doc:"Runge-Kutta steps of an interval; dt/steps at most 0.1"`
	NoiseVariance float64 `toml:"noise_variance" doc:"variance of the noise added to every site once an interval; 0 (deterministic) to 1e6"`
}

// NewLorenz96 returns the default system: n = 40, F = 8.
func NewLorenz96() *Lorenz96 { return &Lorenz96{N: 40, F: 8, Dt: 0.05, Steps: 1} }

// Build checks the parameters and returns a [dynamics.ODE], or a
// [dynamics.Noisy] if NoiseVariance is positive. The spin-up is 20 units of
// time.
func (p *Lorenz96) Build() (dynamics.Model, error) {
	s := sampling{p.Dt, p.Steps, p.NoiseVariance}
	if err := cmp.Or(
		dynamics.CheckBetween("n", p.N, 4, 1_000_000),
		dynamics.CheckBetween("f", p.F, -1000, 1000),
		s.check(0.1),
	); err != nil {
		return nil, err
	}
	return s.build(ring{p.N, p.F}, 20), nil
}

// ring is the Lorenz 96 system.
type ring struct {
	n       int
	forcing float64
}

func (s ring) Space() dynamics.Space {
	return dynamics.Space{
		Variable: "state", LongName: "Lorenz 96 state", Units: "1",
		Axes: []dynamics.Axis{sites(s.n)},
	}
}

func (s ring) Initial(x []float64, r *rand.Rand) {
	for i := range x {
		x[i] = math.Sqrt(0.001) * r.NormFloat64()
	}
	x[0]++
}

func (s ring) Tendency(dst, x []float64) {
	n := s.n
	second, last, here := x[n-2], x[n-1], x[0]
	for i, next := range x[1:n] {
		dst[i] = (next-second)*last - here + s.forcing
		second, last, here = last, here, next
	}
	dst[n-1] = (x[0]-second)*last - here + s.forcing
}

func (s ring) Tangent(dst, x, dx []float64) {
	second, last := s.n-2, s.n-1
	for i := range x {
		next := s.next(i)
		dst[i] = (dx[next]-dx[second])*x[last] + (x[next]-x[second])*dx[last] - dx[i]
		second, last = last, i
	}
}

func (s ring) Cotangent(dst, x, v []float64) {
	for i := range v {
		dst[i] = -v[i]
	}
	second, last := s.n-2, s.n-1
	for i := range x {
		next := s.next(i)
		dst[next] += x[last] * v[i]
		dst[second] -= x[last] * v[i]
		dst[last] += (x[next] - x[second]) * v[i]
		second, last = last, i
	}
}

// next is the site after i; a comparison is cheaper than a modulus.
func (s ring) next(i int) int {
	if i+1 == s.n {
		return 0
	}
	return i + 1
}
