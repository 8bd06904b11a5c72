package dynamics

import (
	"cmp"
	"math"
	"math/rand/v2"

	"retrace/internal/fault"
)

// The equation of Kuramoto (1978) and Sivashinsky (1977) for the front of a flame, on
// a ring of circumference L:
//
//	u_t = -u u_x - u_xx - u_xxxx
//
// Long waves grow, short ones are damped, and the nonlinear term passes energy from
// the first to the second. The mean of u is conserved, and shifts of the ring and
// u(x) -> -u(-x) are symmetries. For L = 32 pi and n = 128 (Kassam & Trefethen 2005)
// it has about ten positive Lyapunov exponents; L = 22 is the smallest ring of much
// interest. The integrator is [etdrk4] in Fourier space.

// KuramotoSivashinsky is the Kuramoto-Sivashinsky equation on a ring. The initial law
// is cos(x/L') (1 + sin(x/L')), L' = L/(2 pi), of Kassam & Trefethen, plus N(0, 0.001 I).
// The default is DAPPER's set-up of Bocquet & Carrassi 2017 and Bocquet 2019: n = 128,
// L = 32 pi, steps of 0.5, sampled every unit of time, no noise.
type KuramotoSivashinsky struct {
	N             int     `toml:"n" doc:"points of the ring, even; 8 to 65536"`
	Length        float64 `toml:"length" doc:"circumference of the ring; 1 to 1e5"`
	Dt            float64 `toml:"dt" doc:"sampling interval; 1e-4 to 1000"`
	Steps         int     `toml:"steps" doc:"steps of an interval; dt/steps at most 1"`
	NoiseVariance float64 `toml:"noise_variance" doc:"variance of the noise added to every point once an interval; 0 (deterministic) to 1e6"`
}

// NewKuramotoSivashinsky returns the default ring.
func NewKuramotoSivashinsky() *KuramotoSivashinsky {
	return &KuramotoSivashinsky{N: 128, Length: 32 * math.Pi, Dt: 1, Steps: 2}
}

// Build checks the parameters and returns a [Deterministic], or a [Noisy] if
// NoiseVariance is positive. The spin-up is 200 units of time.
func (p *KuramotoSivashinsky) Build() (Model, error) {
	if err := cmp.Or(
		CheckBetween("n", p.N, 8, 65536),
		CheckBetween("length", p.Length, 1, 1e5),
		CheckBetween("dt", p.Dt, 1e-4, 1000),
		CheckBetween("steps", p.Steps, 1, 1_000_000),
		CheckBetween("noise_variance", p.NoiseVariance, 0, 1e6),
	); err != nil {
		return nil, err
	}
	if p.N%2 != 0 {
		return nil, fault.Inputf("n = %d: must be even", p.N)
	}
	if p.Dt/float64(p.Steps) > 1+1e-9 {
		return nil, fault.Inputf("dt = %v, steps = %d: a step dt/steps may be at most 1; set steps to at least %.0f", p.Dt, p.Steps, math.Ceil(p.Dt))
	}
	flame := &flame{
		n: p.N, length: p.Length,
		etdrk4: newETDRK4(p.N, p.Length, p.Dt, p.Steps, func(k float64) float64 { return k*k - k*k*k*k }),
	}
	spinUp := int(math.Ceil(200 / p.Dt))
	model := NewDeterministic(flame, Clock{Interval: p.Dt, Units: "1"}, spinUp)
	if p.NoiseVariance == 0 {
		return model, nil
	}
	return model.WithNoise(evenly(p.N, math.Sqrt(p.NoiseVariance))), nil
}

// evenly is n times the same value.
func evenly(n int, value float64) []float64 {
	all := make([]float64, n)
	for i := range all {
		all[i] = value
	}
	return all
}

// flame is the Kuramoto-Sivashinsky equation as a [Map].
type flame struct {
	*etdrk4
	n      int
	length float64
}

func (f *flame) Space() Space {
	axis := Axis{Name: "x", LongName: "position on a ring", Units: "1", Coordinates: make([]float64, f.n), Period: f.length}
	for i := range axis.Coordinates {
		axis.Coordinates[i] = f.length * float64(i) / float64(f.n)
	}
	return Space{Variable: "u", LongName: "slope of the front", Units: "1", Axes: []Axis{axis}}
}

func (f *flame) Initial(x []float64, r *rand.Rand) {
	for i := range x {
		angle := 2 * math.Pi * float64(i) / float64(f.n)
		x[i] = math.Cos(angle)*(1+math.Sin(angle)) + math.Sqrt(0.001)*r.NormFloat64()
	}
}

func (f *flame) Flow(x []float64)              { f.flow(x) }
func (f *flame) TangentLinear(x, dx []float64) { f.tangent(x, dx) }
func (f *flame) Adjoint(x, dx []float64)       { f.adjoint(x, dx) }
