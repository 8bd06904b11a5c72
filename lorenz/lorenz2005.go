package lorenz

import (
	"cmp"
	"math"
	"math/rand/v2"
	"sync"

	"retrace/dynamics"
	"retrace/internal/fault"
)

// Models II and III of Lorenz (2005, Designing chaotic models, J. Atmos. Sci. 62,
// 1574-1587): scalars on a ring of n sites with smooth long waves, indices modulo n. With
// the advection [X, Y]_K of smoothing.go, model II is
//
//	dX_i/dt = [X, X]_{K,i} - X_i + F ,
//
// which for K = 1 is Lorenz 96. Model III adds short waves to it: Z = X + Y, where X is Z
// smoothed over I sites each way and Y the rest, and
//
//	dZ_i/dt = [X, X]_{K,i} + b^2 [Y, Y]_{1,i} + c [Y, X]_{1,i} - X_i - b Y_i + F ,
//	X_i = sum'_{j=-I}^{I} (alpha - beta |j|) Z_{i+j} ,
//	alpha = (3 I^2 + 3)/(2 I^3 + 4 I),  beta = (2 I^2 + 1)/(I^4 + 2 I^2) ,
//
// the prime halving the first and the last term. Quadratic curves pass the smoothing
// unchanged.

// Lorenz2005 holds the parameters of models II and III. The initial law is N(e, 0.001 I),
// e being 1 at site 0 and 0 elsewhere. The default is model II with n = 240, K = 8 and
// F = 15, deterministic, sampled every 0.05.
type Lorenz2005 struct {
	N             int     `toml:"n" doc:"sites of the ring; 4 to 100000"`
	K             int     `toml:"k" doc:"sites that the advection averages over; 1 (as lorenz96) to n/4"`
	F             float64 `toml:"f" doc:"forcing; -1000 to 1000"`
	I             int     `toml:"i" doc:"sites each way over which the long waves are smoothed; 0: model II, which has no short ones; 2 to n/4: model III, 12 for n = 960 and k = 32"`
	B             float64 `toml:"b" doc:"of model III: how much faster, and smaller, the short waves are; 1 to 100, 10 is usual"`
	C             float64 `toml:"c" doc:"of model III: coupling of long and short waves; 0 to 100, 2.5 is usual"`
	Dt            float64 `toml:"dt" doc:"sampling interval; 1e-6 to 1000"`
	Steps         int     `toml:"steps" doc:"Runge-Kutta steps of an interval; dt/steps at most 0.05, in model III 0.05/b"`
	NoiseVariance float64 `toml:"noise_variance" doc:"variance of the noise added to every site once an interval; 0 (deterministic) to 1e6"`
}

// NewLorenz2005 returns model II with n = 240, K = 8 and F = 15, ready to become model III
// by I.
func NewLorenz2005() *Lorenz2005 {
	return &Lorenz2005{N: 240, K: 8, F: 15, B: 10, C: 2.5, Dt: 0.05, Steps: 2}
}

// Build checks the parameters and returns a [dynamics.ODE], or a [dynamics.Noisy] if
// NoiseVariance is positive. The spin-up is 20 units of time.
func (p *Lorenz2005) Build() (dynamics.Model, error) {
	s := sampling{p.Dt, p.Steps, p.NoiseVariance}
	longest := 0.05
	if p.I > 0 && p.B > 1 {
		longest /= p.B
	}
	if err := cmp.Or(
		dynamics.CheckBetween("n", p.N, 4, 100_000),
		dynamics.CheckBetween("k", p.K, 1, p.N/4),
		dynamics.CheckBetween("f", p.F, -1000, 1000),
		dynamics.CheckBetween("i", p.I, 0, p.N/4),
		dynamics.CheckBetween("b", p.B, 1, 100),
		dynamics.CheckBetween("c", p.C, 0, 100),
		s.check(longest),
	); err != nil {
		return nil, err
	}
	if p.I == 1 {
		return nil, fault.Inputf("i = 1: smooths nothing; set it to 0 for model II, or to at least 2")
	}
	return s.build(newWaves(p), 20), nil
}

// waves is model II or III. Its sums are taken site by site in the same order, so that a
// shifted state has the shifted tendency, to the bit.
type waves struct {
	n             int
	forcing, b, c float64
	long, short   smoothing // of [., .]_K and [., .]_1
	weights       []float64 // alpha - beta |j|, for j from -I; nil for model II
	scratch       sync.Pool // of *waveScratch
}

// waveScratch holds fields of one evaluation.
type waveScratch struct{ x, y, dx, dy, mean, other []float64 }

func newWaves(p *Lorenz2005) *waves {
	s := &waves{n: p.N, forcing: p.F, b: p.B, c: p.C, long: newSmoothing(p.K), short: newSmoothing(1)}
	s.scratch.New = func() any {
		field := func() []float64 { return make([]float64, p.N) }
		return &waveScratch{field(), field(), field(), field(), field(), field()}
	}
	if p.I == 0 {
		return s
	}
	i := float64(p.I)
	alpha := (3*i*i + 3) / (2*i*i*i + 4*i)
	beta := (2*i*i + 1) / (i*i*i*i + 2*i*i)
	for j := -p.I; j <= p.I; j++ {
		s.weights = append(s.weights, alpha-beta*math.Abs(float64(j)))
	}
	s.weights[0] /= 2
	s.weights[2*p.I] /= 2
	return s
}

func (s *waves) Space() dynamics.Space {
	return dynamics.Space{
		Variable: "state", LongName: "Lorenz 2005 state", Units: "1",
		Axes: []dynamics.Axis{sites(s.n)},
	}
}

func (s *waves) Initial(x []float64, r *rand.Rand) {
	for i := range x {
		x[i] = math.Sqrt(0.001) * r.NormFloat64()
	}
	x[0]++
}

// split writes the long and the short waves of z. Both are linear in z, and the smoothing
// is its own transpose.
func (s *waves) split(long, short, z []float64) {
	if s.weights == nil {
		copy(long, z)
		clear(short)
		return
	}
	smooth(long, z, s.weights)
	for i, v := range z {
		short[i] = v - long[i]
	}
}

func (s *waves) Tendency(dst, z []float64) {
	w := s.scratch.Get().(*waveScratch)
	defer s.scratch.Put(w)
	s.split(w.x, w.y, z)
	for i, x := range w.x {
		dst[i] = s.forcing - x
	}
	s.long.advect(dst, 1, w.x, w.x, w.mean, w.other)
	if s.weights == nil {
		return
	}
	for i, y := range w.y {
		dst[i] -= s.b * y
	}
	s.short.advect(dst, s.b*s.b, w.y, w.y, w.mean, w.other)
	s.short.advect(dst, s.c, w.y, w.x, w.mean, w.other)
}

func (s *waves) Tangent(dst, z, dz []float64) {
	w := s.scratch.Get().(*waveScratch)
	defer s.scratch.Put(w)
	s.split(w.x, w.y, z)
	s.split(w.dx, w.dy, dz)
	for i, x := range w.dx {
		dst[i] = -x
	}
	s.long.advect(dst, 1, w.dx, w.x, w.mean, w.other)
	s.long.advect(dst, 1, w.x, w.dx, w.mean, w.other)
	if s.weights == nil {
		return
	}
	for i, y := range w.dy {
		dst[i] -= s.b * y
	}
	s.short.advect(dst, s.b*s.b, w.dy, w.y, w.mean, w.other)
	s.short.advect(dst, s.b*s.b, w.y, w.dy, w.mean, w.other)
	s.short.advect(dst, s.c, w.dy, w.x, w.mean, w.other)
	s.short.advect(dst, s.c, w.y, w.dx, w.mean, w.other)
}

func (s *waves) Cotangent(dst, z, v []float64) {
	w := s.scratch.Get().(*waveScratch)
	defer s.scratch.Put(w)
	s.split(w.x, w.y, z)
	for i, g := range v {
		w.dx[i], w.dy[i] = -g, 0
	}
	s.long.pull(w.dx, w.dx, 1, w.x, w.x, v, w.mean, w.other)
	if s.weights == nil {
		copy(dst, w.dx)
		return
	}
	for i, g := range v {
		w.dy[i] = -s.b * g
	}
	s.short.pull(w.dy, w.dy, s.b*s.b, w.y, w.y, v, w.mean, w.other)
	s.short.pull(w.dy, w.dx, s.c, w.y, w.x, v, w.mean, w.other)
	for i, g := range w.dy { // x is z smoothed, y is z less x
		w.dx[i] -= g
	}
	smooth(dst, w.dx, s.weights)
	for i, g := range w.dy {
		dst[i] += g
	}
}
