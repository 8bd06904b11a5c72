package exact_test

import (
	"flag"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/diffusion"
	"retrace/dynamics"
	"retrace/internal/rng"
	"retrace/trajectory"
)

var long = flag.Bool("long", false, "run slow statistical tests")

// random is a well-conditioned covariance of n values.
func random(n int, name string) *mat.SymDense {
	r := rng.Stream(5, "exact test", uint64(n), uint64(len(name)))
	root := mat.NewDense(n, n, nil)
	root.Apply(func(i, j int, _ float64) float64 { return r.NormFloat64() }, root)
	c := mat.NewSymDense(n, nil)
	c.SymOuterK(1/float64(n), root)
	for i := range n {
		c.SetSym(i, i, c.At(i, i)+0.1)
	}
	return c
}

// ar1 is the prior of independent autoregressive components of unit variance.
func ar1(tb testing.TB, n int, rho float64) dynamics.Model {
	tb.Helper()
	m, err := (&dynamics.AR1{N: n, Rho: rho, Variance: 1}).Build()
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// unit leaves states of n values as they are.
func unit(n int) trajectory.Standardiser {
	return trajectory.Standardiser{Mean: []float64{0}, Scale: []float64{1}, Run: n}
}

// at is the level of a noise ratio.
func at(ratio float64) diffusion.Level {
	s := diffusion.Cosine{Eta: 1e-3}
	return s.At(diffusion.TimeAt(s, ratio))
}

func near(tb testing.TB, what string, got, want, tolerance float64) {
	tb.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		tb.Errorf("%s: got %v, want %v within %v", what, got, want, tolerance)
	}
}
