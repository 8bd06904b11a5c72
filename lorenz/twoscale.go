package lorenz

import (
	"cmp"
	"math/rand/v2"
	"strconv"

	"retrace/dynamics"
	"retrace/internal/fault"
)

// Lorenz 96 with two scales (Lorenz 1996, section 4; Wilks 2005, Q. J. R.
// Meteorol. Soc. 131, 389-407): n slow variables X_k, each coupled to J fast
// variables, the n J fast ones Y_m forming one ring of their own. With
// k(m) = floor(m/J) the sector of Y_m,
//
//	dX_k/dt = (X_{k+1} - X_{k-2}) X_{k-1} - X_k + F - (h c/b) sum_{m in sector k} Y_m
//	dY_m/dt = c b (Y_{m-1} - Y_{m+2}) Y_{m+1} - c Y_m + (h c/b) X_{k(m)}
//
// Quadratic and coupling terms together conserve (sum X^2 + sum Y^2)/2.
//
// A state is stored sector by sector, X_k followed by its J fast variables, so
// that the space has the axes site and variable.

// TwoScale holds the parameters of the two-scale Lorenz 96 system. The axis
// variable has the labels X, Y0, Y1, ... The initial law is N(e, 0.01 I), e
// being 1 at the first slow variable and 0 elsewhere, as in DAPPER. The
// defaults are those of Wilks 2005; deterministic, sampled every 0.05 with
// steps of 0.005.
type TwoScale struct {
	N             int     `toml:"n" doc:"slow variables; 4 to 100000"`
	J             int     `toml:"j" doc:"fast variables for each slow one; 1 to 1000"`
	H             float64 `toml:"h" doc:"coupling; 0 to 1000"`
	B             float64 `toml:"b" doc:"ratio of amplitudes, slow to fast; 0.001 to 1000"`
	C             float64 `toml:"c" doc:"ratio of time scales, slow to fast; 0 to 1000"`
	F             float64 `toml:"f" doc:"forcing; -1000 to 1000"`
	Dt            float64 `toml:"dt" doc:"sampling interval; 1e-6 to 1000"`
	Steps         int     `toml:"steps" doc:"Runge-Kutta steps of an interval; dt/steps at most 0.01"`
	NoiseVariance float64 `toml:"noise_variance" doc:"variance of the noise added to every variable once an interval; 0 (deterministic) to 1e6"`
}

// NewTwoScale returns the default system: n = 8, j = 32, h = 1, b = c = 10,
// F = 20.
func NewTwoScale() *TwoScale {
	return &TwoScale{N: 8, J: 32, H: 1, B: 10, C: 10, F: 20, Dt: 0.05, Steps: 10}
}

// Build checks the parameters and returns a [dynamics.ODE], or a
// [dynamics.Noisy] if NoiseVariance is positive. The spin-up is 20 units of
// time.
func (p *TwoScale) Build() (dynamics.Model, error) {
	s := sampling{p.Dt, p.Steps, p.NoiseVariance}
	if err := cmp.Or(
		dynamics.CheckBetween("n", p.N, 4, 100_000),
		dynamics.CheckBetween("j", p.J, 1, 1000),
		dynamics.CheckBetween("h", p.H, 0, 1000),
		dynamics.CheckBetween("b", p.B, 0.001, 1000),
		dynamics.CheckBetween("c", p.C, 0, 1000),
		dynamics.CheckBetween("f", p.F, -1000, 1000),
		s.check(0.01),
	); err != nil {
		return nil, err
	}
	if p.N*(p.J+1) > 10_000_000 {
		return nil, fault.Inputf("n = %d, j = %d: at most 10000000 variables, n (j + 1), in all", p.N, p.J)
	}
	return s.build(newRings(p), 20), nil
}

// rings is the two-scale system.
type rings struct {
	n, j                        int
	forcing, coupling, speed, c float64 // F, h c/b, c b, c
	// place[m+1] is where Y_m is stored, for m from -1 to n j + 1: one place
	// before the ring and two after it close it without a modulus.
	place []int
}

func newRings(p *TwoScale) *rings {
	s := &rings{
		n: p.N, j: p.J,
		forcing: p.F, coupling: p.H * p.C / p.B, speed: p.C * p.B, c: p.C,
		place: make([]int, p.N*p.J+3),
	}
	for i := range s.place {
		m := (i - 1 + p.N*p.J) % (p.N * p.J)
		s.place[i] = m/p.J*(p.J+1) + 1 + m%p.J
	}
	return s
}

func (s *rings) Space() dynamics.Space {
	labels := []string{"X"}
	for j := range s.j {
		labels = append(labels, "Y"+strconv.Itoa(j))
	}
	return dynamics.Space{
		Variable: "state", LongName: "two-scale Lorenz 96 state", Units: "1",
		Axes: []dynamics.Axis{
			sites(s.n),
			{Name: "variable", LongName: "slow variable and its fast ones", Labels: labels},
		},
	}
}

func (s *rings) Initial(x []float64, r *rand.Rand) {
	for i := range x {
		x[i] = 0.1 * r.NormFloat64()
	}
	x[0]++
}

// slow returns where X_k, X_{k+1}, X_{k-1} and X_{k-2} are stored.
func (s *rings) slow(k int) (here, next, last, second int) {
	n, width := s.n, s.j+1
	return k * width, (k + 1) % n * width, (k + n - 1) % n * width, (k + n - 2) % n * width
}

func (s *rings) Tendency(dst, x []float64) {
	for k := range s.n {
		here, next, last, second := s.slow(k)
		var fast float64
		for _, y := range x[here+1 : here+1+s.j] {
			fast += y
		}
		dst[here] = (x[next]-x[second])*x[last] - x[here] + s.forcing - s.coupling*fast
		s.fastTendency(dst[here+1:here+1+s.j], x, k)
	}
}

// fastTendency writes the tendency of the fast variables of sector k to dst.
// It carries the four neighbours along, so that each is loaded once.
func (s *rings) fastTendency(dst, x []float64, k int) {
	at := s.place[k*s.j : (k+1)*s.j+3]
	before, here, next := x[at[0]], x[at[1]], x[at[2]]
	push := s.coupling * x[k*(s.j+1)]
	for i, place := range at[3:] {
		after := x[place]
		dst[i] = s.speed*(before-after)*next - s.c*here + push
		before, here, next = here, next, after
	}
}

func (s *rings) Tangent(dst, x, dx []float64) {
	for k := range s.n {
		here, next, last, second := s.slow(k)
		var fast float64
		for _, dy := range dx[here+1 : here+1+s.j] {
			fast += dy
		}
		dst[here] = (dx[next]-dx[second])*x[last] + (x[next]-x[second])*dx[last] - dx[here] - s.coupling*fast
		for m := k * s.j; m < (k+1)*s.j; m++ {
			at := s.place[m : m+4]
			dst[at[1]] = s.speed*((dx[at[0]]-dx[at[3]])*x[at[2]]+(x[at[0]]-x[at[3]])*dx[at[2]]) -
				s.c*dx[at[1]] + s.coupling*dx[here]
		}
	}
}

func (s *rings) Cotangent(dst, x, v []float64) {
	clear(dst)
	for k := range s.n {
		here, next, last, second := s.slow(k)
		dst[next] += x[last] * v[here]
		dst[second] -= x[last] * v[here]
		dst[last] += (x[next] - x[second]) * v[here]
		dst[here] -= v[here]
		for m := k * s.j; m < (k+1)*s.j; m++ {
			at := s.place[m : m+4]
			w := s.speed * v[at[1]]
			dst[at[0]] += x[at[2]] * w
			dst[at[3]] -= x[at[2]] * w
			dst[at[2]] += (x[at[0]] - x[at[3]]) * w
			dst[at[1]] -= s.coupling*v[here] + s.c*v[at[1]]
			dst[here] += s.coupling * v[at[1]]
		}
	}
}
