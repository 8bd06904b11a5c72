package triangular_test

import (
	"fmt"
	"math"
	"testing"

	"retrace/internal/rng"
	"retrace/internal/triangular"
)

// covariance returns A A^T for a random n by rank matrix A.
func covariance(n, rank int) []float64 {
	r := rng.Stream(1, "triangular", uint64(n), uint64(rank))
	a := make([]float64, n*rank)
	for i := range a {
		a[i] = r.NormFloat64()
	}
	c := make([]float64, n*n)
	for i := range n {
		for j := range n {
			for k := range rank {
				c[i*n+j] += a[i*rank+k] * a[j*rank+k]
			}
		}
	}
	return c
}

func TestTheFactorTimesItsTransposeIsTheMatrix(t *testing.T) {
	for _, size := range []struct{ n, rank int }{{1, 1}, {5, 5}, {9, 12}, {6, 2}, {4, 0}} {
		c := covariance(size.n, size.rank)
		l := append([]float64(nil), c...)
		triangular.Factorise(l, size.n)
		for i := range size.n {
			for j := range i + 1 {
				var sum float64
				for k := range j + 1 {
					sum += l[i*size.n+k] * l[j*size.n+k]
				}
				// A pivot of rounding that is taken for zero costs at most the root of 1e-14.
				if math.Abs(sum-c[i*size.n+j]) > 1e-6 {
					t.Errorf("%+v: element %d, %d is %v, want %v", size, i, j, sum, c[i*size.n+j])
				}
			}
		}
	}
}

func TestSolvesUndoTheFactor(t *testing.T) {
	const n = 7
	l := covariance(n, n)
	triangular.Factorise(l, n)
	want := []float64{1, -2, 3, 0, 5, -6, 7}
	lower, upper := make([]float64, n), make([]float64, n) // L z and L^T z
	for i := range n {
		for j := range i + 1 {
			lower[i] += l[i*n+j] * want[j]
			upper[j] += l[i*n+j] * want[i]
		}
	}
	triangular.Solve(l, lower)
	triangular.SolveTransposed(l, upper)
	for i := range n {
		if math.Abs(lower[i]-want[i]) > 1e-9 || math.Abs(upper[i]-want[i]) > 1e-9 {
			t.Errorf("value %d: %v and %v, want %v", i, lower[i], upper[i], want[i])
		}
	}
}

// The inverse of a covariance applied to a vector.
func Example() {
	a := []float64{
		4, 2,
		2, 5,
	}
	triangular.Factorise(a, 2)
	z := []float64{8, 12}
	triangular.Solve(a, z)
	triangular.SolveTransposed(a, z)
	fmt.Printf("%.3g\n", z)
	// Output: [1 2]
}
