package kalman

import (
	"fmt"
	"math"
	"testing"

	"retrace/internal/rng"
)

// gram returns a random positive semidefinite matrix of the given order and
// rank.
func gram(order, rank int) []float64 {
	r := rng.Stream(3, "gram", uint64(order), uint64(rank))
	b := make([]float64, order*rank)
	for i := range b {
		b[i] = r.NormFloat64()
	}
	a := make([]float64, order*order)
	multiplyTransposed(a, 1, b, b, 0, order, rank, order)
	return a
}

func TestEigenvectorsDiagonalise(t *testing.T) {
	diagonal := []float64{3, 0, 0, 0, 3, 0, 0, 0, -1}
	for _, c := range []struct {
		name string
		a    []float64
		n    int
	}{
		{"one", []float64{-4}, 1},
		{"zero", make([]float64, 16), 4},
		{"diagonal, a value twice", diagonal, 3},
		{"two", gram(2, 2), 2},
		{"full", gram(7, 7), 7},
		{"singular", gram(28, 11), 28},
		{"of rank one", gram(10, 1), 10},
		{"large", gram(60, 60), 60},
		{"large, of rank two", gram(64, 2), 64},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEigen(64)
			if !e.decompose(append([]float64(nil), c.a...), c.n) {
				t.Fatal("no decomposition")
			}
			scale := 1.
			for _, v := range c.a {
				scale = math.Max(scale, math.Abs(v))
			}
			for i := range c.n {
				for j := range c.n {
					var sum, unit float64
					for k := range c.n {
						sum += e.vectors[k*c.n+i] * e.values[k] * e.vectors[k*c.n+j]
						unit += e.vectors[k*c.n+i] * e.vectors[k*c.n+j]
					}
					if math.Abs(sum-c.a[i*c.n+j]) > 1e-13*scale*float64(c.n) {
						t.Fatalf("element %d,%d is %v, was %v", i, j, sum, c.a[i*c.n+j])
					}
					if i == j {
						unit--
					}
					if math.Abs(unit) > 1e-13 {
						t.Fatalf("vectors are not orthonormal: %v off at %d,%d", unit, i, j)
					}
				}
			}
		})
	}
}

func TestEigenRefusesWhatIsNotFinite(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		a := gram(5, 5)
		a[2*5+1], a[1*5+2] = bad, bad
		if newEigen(5).decompose(a, 5) {
			t.Errorf("a matrix with %v has eigenvectors", bad)
		}
	}
}

func BenchmarkEigen(b *testing.B) {
	for _, n := range []int{3, 7, 10, 28, 40} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			a, work, e := gram(n, n), make([]float64, n*n), newEigen(n)
			for b.Loop() {
				copy(work, a)
				e.decompose(work, n)
			}
		})
	}
}
