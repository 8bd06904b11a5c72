package exact_test

import (
	"fmt"
	"math"
	"testing"

	"retrace/diffusion"
	"retrace/exact"
)

func mixture(tb testing.TB) *exact.Denoiser {
	tb.Helper()
	full, err := exact.NewFull(random(2, "mixture"))
	if err != nil {
		tb.Fatal(err)
	}
	d, err := exact.NewMixture([]exact.Component{
		{1, []float64{-1, 0.5}, exact.Isotropic(2, 0.2)},
		{2, []float64{1, 0}, exact.Diagonal{0.1, 0.5}},
		{0.5, []float64{0, -2}, full},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// The score of a mixture of Gaussians in one dimension is differentiated from its
// log density, written down apart from the package.
func TestMixtureAgreesWithTheNumericalScore(t *testing.T) {
	type component struct{ weight, mean, variance float64 }
	components := []component{{1, -1, 0.2}, {3, 0.7, 0.05}, {1, 2, 1}}
	var list []exact.Component
	for _, c := range components {
		list = append(list, exact.Component{Weight: c.weight, Mean: []float64{c.mean}, Covariance: exact.Isotropic(1, c.variance)})
	}
	d, err := exact.NewMixture(list)
	if err != nil {
		t.Fatal(err)
	}
	for _, ratio := range []float64{0.05, 0.5, 5} {
		level := at(ratio)
		logDensity := func(x float64) float64 {
			var p float64
			for _, c := range components {
				v := level.Mu*level.Mu*c.variance + level.Sigma*level.Sigma
				p += c.weight / math.Sqrt(v) * math.Exp(-math.Pow(x-level.Mu*c.mean, 2)/2/v)
			}
			return math.Log(p)
		}
		for _, x := range []float32{-1.2, 0.1, 0.8} {
			const h = 1e-5
			score := (logDensity(float64(x)+h) - logDensity(float64(x)-h)) / (2 * h)
			want := (float64(x) + level.Sigma*level.Sigma*score) / level.Mu
			mean := make([]float32, 1)
			if err := d.Denoise(mean, []float32{x}, level); err != nil {
				t.Fatal(err)
			}
			near(t, fmt.Sprintf("ratio %v, x %v", ratio, x), float64(mean[0]), want, 2e-5*math.Max(1, math.Abs(want)))
		}
	}
}

// denoisers lists one of every law.
func denoisers(tb testing.TB) map[string]diffusion.Differentiable {
	tb.Helper()
	prior, err := exact.Linear(ar1(tb, 2, 0.9), unit(2))
	if err != nil {
		tb.Fatal(err)
	}
	list := map[string]diffusion.Differentiable{"mixture": mixture(tb)}
	if list["whole"], err = prior.Differentiable(9, 1, 1); err != nil {
		tb.Fatal(err)
	}
	for _, rule := range []string{"centre", "overlap", "average"} {
		windowed, err := prior.Windowed(rule, 5, 2)
		if err != nil {
			tb.Fatal(err)
		}
		if list[rule], err = windowed.Differentiable(9, 1, 1); err != nil {
			tb.Fatal(err)
		}
	}
	return list
}

func TestJacobiansAreThoseOfTheMean(t *testing.T) {
	const h = 1e-2
	for name, d := range denoisers(t) {
		n := d.Dim()
		level := at(0.7)
		x, v, w := make([]float32, 2*n), make([]float32, 2*n), make([]float32, 2*n)
		for i := range x {
			x[i], v[i], w[i] = float32(math.Sin(float64(i))), float32(math.Cos(float64(3*i))), float32(math.Sin(float64(5*i+1)))
		}
		moved := func(sign float32) []float32 {
			at, mean := make([]float32, 2*n), make([]float32, 2*n)
			for i := range x {
				at[i] = x[i] + sign*h*v[i]
			}
			if err := d.Denoise(mean, at, level); err != nil {
				t.Fatal(err)
			}
			return mean
		}
		up, down := moved(1), moved(-1)
		mean, pushed, pulled := make([]float32, 2*n), make([]float32, 2*n), make([]float32, 2*n)
		if err := d.Denoise(mean, x, level); err != nil {
			t.Fatal(err)
		}
		if err := d.(*exact.Denoiser).Push(pushed, v); err != nil {
			t.Fatal(err)
		}
		if err := d.Pull(pulled, w); err != nil {
			t.Fatal(err)
		}
		var forward, backward float64
		for i := range x {
			near(t, name+": push", float64(pushed[i]), float64(up[i]-down[i])/(2*h), 2e-3)
			forward += float64(w[i]) * float64(pushed[i])
			backward += float64(v[i]) * float64(pulled[i])
		}
		near(t, name+": dot product", backward, forward, 1e-5)
	}
}

// Smoothing a constant trajectory of a slow process: the mean is close to what was
// seen, though every value drowns in noise three times its own spread.
func ExampleLinear() {
	model := slow()
	prior, err := exact.Linear(model, unit(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := prior.Differentiable(65, 1, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	x, mean := make([]float32, 65), make([]float32, 65)
	level := at(3)
	for i := range x {
		x[i] = float32(level.Mu)
	}
	if err := d.Denoise(mean, x, level); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.2f in the middle, %.2f at the end\n", mean[32], mean[64])
	// Output: 0.89 in the middle, 0.78 at the end
}
