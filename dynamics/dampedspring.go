package dynamics

import (
	"cmp"
	"math"

	"gonum.org/v1/gonum/mat"
)

// A damped spring driven by white noise (the Langevin equation of a harmonic
// oscillator), with natural frequency w and damping ratio c:
//
//	dx = v dt
//	dv = (-w^2 x - 2 c w v) dt + s dW
//
// With s^2 = 4 c w^3 Variance, position and velocity are independent in the
// stationary law, with variances Variance and w^2 Variance. A linear equation
// dX = A X dt + N(0, S dt) has the exact transition N(F X, Q) over a time h,
//
//	F = exp(A h),  Q = integral_0^h exp(A s) S exp(A s)^T ds
//
// (Gardiner, Handbook of Stochastic Methods, section 4.4.6). Q is found for a
// short time by the block exponential of Van Loan (1978, IEEE Trans. Autom.
// Control 23, 395-404) and doubled, F(2h) = F(h)^2 and
// Q(2h) = F(h) Q(h) F(h)^T + Q(h), which unlike P - F P F^T never subtracts.

// DampedSpring is a stochastic damped oscillator with the state position,
// velocity, sampled every Dt; the discretisation is exact for every Dt. Build
// returns a [Linear].
type DampedSpring struct {
	Frequency float64 `toml:"frequency" doc:"natural angular frequency, per unit of time; 1e-3 to 1e3"`
	Damping   float64 `toml:"damping" doc:"damping ratio, 1 is critical; 1e-3 to 1e3"`
	Variance  float64 `toml:"variance" doc:"stationary variance of the position; 1e-12 to 1e12"`
	Dt        float64 `toml:"dt" doc:"sampling interval; 1e-3 to 1e3"`
}

// NewDampedSpring returns the default spring: unit frequency and variance, a
// tenth of critical damping, 63 samples a period.
func NewDampedSpring() *DampedSpring {
	return &DampedSpring{Frequency: 1, Damping: 0.1, Variance: 1, Dt: 0.1}
}

// Build checks the parameters and returns the model.
func (p *DampedSpring) Build() (Model, error) {
	if err := cmp.Or(
		CheckBetween("frequency", p.Frequency, 1e-3, 1e3),
		CheckBetween("damping", p.Damping, 1e-3, 1e3),
		CheckBetween("variance", p.Variance, 1e-12, 1e12),
		CheckBetween("dt", p.Dt, 1e-3, 1e3),
	); err != nil {
		return nil, err
	}
	w := p.Frequency
	drift := mat.NewDense(2, 2, []float64{0, 1, -w * w, -2 * p.Damping * w})
	diffusion := mat.NewSymDense(2, []float64{0, 0, 0, 4 * p.Damping * w * w * w * p.Variance})
	transition, noise := discretise(drift, diffusion, p.Dt)
	law := LinearLaw{
		Transition: transition,
		Noise:      noise,
		Initial:    mat.NewSymDense(2, []float64{p.Variance, 0, 0, w * w * p.Variance}),
	}
	space := Space{
		Variable: "state", LongName: "damped spring", Units: "1",
		Axes: []Axis{{Name: "variable", LongName: "component", Labels: []string{"position", "velocity"}}},
	}
	return buildLinear(space, Clock{Interval: p.Dt, Units: "1"}, law)
}

// discretise returns F and Q of the exact transition of dX = A X dt + N(0, S dt)
// over a time h.
func discretise(a *mat.Dense, s *mat.SymDense, h float64) (f *mat.Dense, q *mat.SymDense) {
	doublings := max(0, math.Ilogb(mat.Norm(a, 1)*h)+4)
	f, q = blockExponential(a, s, math.Ldexp(h, -doublings))
	for range doublings {
		q = forecast(f, q, q)
		var square mat.Dense
		square.Mul(f, f)
		f = &square
	}
	return f, q
}

// blockExponential is discretise for a time h that is short against A:
//
//	exp([-A S; 0 A^T] h) = [. G; 0 F^T],  Q = F G
func blockExponential(a *mat.Dense, s *mat.SymDense, h float64) (f *mat.Dense, q *mat.SymDense) {
	n := s.SymmetricDim()
	block := mat.NewDense(2*n, 2*n, nil)
	for i := range n {
		for j := range n {
			block.Set(i, j, -h*a.At(i, j))
			block.Set(i, n+j, h*s.At(i, j))
			block.Set(n+i, n+j, h*a.At(j, i))
		}
	}
	var exponential, product mat.Dense
	exponential.Exp(block)
	f = mat.DenseCopyOf(exponential.Slice(n, 2*n, n, 2*n).T())
	product.Mul(f, exponential.Slice(0, n, n, 2*n))
	q = mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			q.SetSym(i, j, (product.At(i, j)+product.At(j, i))/2)
		}
	}
	return f, q
}
