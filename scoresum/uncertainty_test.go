package scoresum

import (
	"context"
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/dynamics"
)

// setFractions makes all fractions of a prior the same.
func setFractions(p *Prior, value float32) {
	p.fractions = Fractions{p.Settings.budget().levels, constant(p.Settings.budget().levels*p.Settings.Window*p.Dim(), value)}
}

// posterior is (c^-1 + s^-2)^-1 = s^2 c (c + s^2)^-1.
func posterior(t *testing.T, c *mat.SymDense, s float64) *mat.Dense {
	t.Helper()
	n := c.SymmetricDim()
	noised := mat.NewSymDense(n, nil)
	noised.CopySym(c)
	for i := range n {
		noised.SetSym(i, i, c.At(i, i)+s*s)
	}
	var v mat.Dense
	if err := v.Solve(noised, c); err != nil {
		t.Fatal(err)
	}
	v.Scale(s*s, &v)
	return &v
}

func compareCovariances(t *testing.T, name string, got mat.Symmetric, want mat.Matrix, tolerance float64) {
	t.Helper()
	n, _ := want.Dims()
	if got.SymmetricDim() != n {
		t.Fatalf("%s: of %d values, want %d", name, got.SymmetricDim(), n)
	}
	for i := range n {
		for j := range n {
			scale := math.Sqrt(want.At(i, i) * want.At(j, j))
			near(t, fmt.Sprintf("%s: correlation of errors of %d and %d", name, i, j), got.At(i, j)/scale, want.At(i, j)/scale, tolerance)
		}
	}
}

// Where the network explains nothing beyond the Gaussian, the uncertainty is
// that of the Gaussian; and a Markov process is continued exactly.
func TestUncertaintyOfAGaussianProcessIsExact(t *testing.T) {
	for _, rho := range []float64{0.5, 0.99} {
		p := gaussianPrior(t, rho, 5, "overlap", 2)
		setFractions(p, 1)
		for _, length := range []int{1, 3, 5, 6, 20} {
			for _, s := range []float64{1e-3, 0.03, 1, 30, 1e3} {
				v, err := p.Uncertainty(length, s)
				if err != nil {
					t.Fatal(err)
				}
				compareCovariances(t, fmt.Sprintf("rho %v, %d states, noise %v", rho, length, s), v, posterior(t, decaying(rho, length), s), 2e-4)
			}
		}
	}
}

// A damped spring has two components, both needed to go on.
func TestUncertaintyOfASpringIsExact(t *testing.T) {
	model, err := dynamics.NewDampedSpring().Build()
	if err != nil {
		t.Fatal(err)
	}
	linear := model.(*dynamics.Linear)
	_, window := linear.Moments(4)
	_, long := linear.Moments(12)
	s := small("temporal", 4)
	p := newPrior(t, s, 2, window)
	setFractions(p, 1)
	for _, s := range []float64{0.03, 1, 30} {
		v, err := p.Uncertainty(12, s)
		if err != nil {
			t.Fatal(err)
		}
		compareCovariances(t, fmt.Sprintf("noise %v", s), v, posterior(t, long, s), 2e-3)
	}
}

// A network that leaves a fraction of the Gaussian's error in every coordinate
// of a window leaves it of the whole.
func TestUncertaintyIsInProportionToTheFractions(t *testing.T) {
	p := gaussianPrior(t, 0.9, 5, "overlap", 2)
	setFractions(p, 0.25)
	for _, s := range []float64{0.03, 1, 30} {
		v, err := p.Uncertainty(5, s)
		if err != nil {
			t.Fatal(err)
		}
		want := posterior(t, decaying(0.9, 5), s)
		want.Scale(0.25, want)
		compareCovariances(t, fmt.Sprintf("noise %v", s), v, want, 2e-4)
	}
}

func TestFractionsAreInterpolatedInTheLogarithm(t *testing.T) {
	f := Fractions{Levels: 3, Values: []float32{0.1, 1, 0.3, 1, 0.9, 1}}
	for _, c := range [][2]float64{{1e-9, 0.1}, {1e-3, 0.1}, {math.Pow(10, -1.5), 0.2}, {1, 0.3}, {math.Pow(10, 1.5), 0.6}, {1e3, 0.9}, {1e9, 0.9}} {
		near(t, fmt.Sprintf("fraction at %v", c[0]), f.at(c[0], 0, 2), c[1], 1e-6)
		near(t, fmt.Sprintf("other fraction at %v", c[0]), f.at(c[0], 1, 2), 1, 1e-6)
	}
}

// Without a network nothing is explained; the fractions of windows of the
// process itself are one up to the error of their estimate.
func TestFractionsWithoutANetworkAreOne(t *testing.T) {
	set := simulate(t, &dynamics.AR1{N: 1, Rho: 0.9, Variance: 1}, 400, 50, "validation")
	p := gaussianPrior(t, 0.9, 5, "overlap", 2)
	source := &windowSource{data: set.Data, count: 400, length: 50, dim: 1}
	f, err := measureFractions(context.Background(), p, source, 1)
	if err != nil {
		t.Fatal(err)
	}
	var mean float64
	for i, v := range f.Values {
		if !(v > 0.85 && v <= 1) { // 2048 windows: 0.031 of Monte Carlo error
			t.Errorf("fraction %d is %v", i, v)
		}
		mean += float64(v) / float64(len(f.Values))
	}
	near(t, "mean of min(1, estimate)", mean, 1-0.031/math.Sqrt(2*math.Pi), 0.01)
}
