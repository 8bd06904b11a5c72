// Package triangular factorises small dense covariances in place and solves with
// the factors, without allocating: the analyses of filters do so once a cycle.
// Matrices are row-major and square; only their lower triangles are read and
// written. A matrix without full rank is no error, as it is for gonum's Cholesky.
package triangular

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// Factorise replaces the lower triangle of the n by n matrix a, which must be
// positive semidefinite, by L with a = L L^T. Directions without variance get
// none: pivots below 1e-14 of the largest variance are taken for zero.
func Factorise(a []float64, n int) {
	var largest float64
	for i := range n {
		largest = max(largest, a[i*n+i])
	}
	for i := range n {
		row := a[i*n : i*n+i+1]
		for k := range row {
			sum := row[k] - floats.Dot(row[:k], a[k*n:k*n+k])
			switch pivot := a[k*n+k]; {
			case k == i && sum > 1e-14*largest:
				row[k] = math.Sqrt(sum)
			case k < i && pivot > 0:
				row[k] = sum / pivot
			default:
				row[k] = 0
			}
		}
	}
}

// Solve replaces z by L^-1 z, L being the lower triangle of l, whose pivots must
// not be zero.
func Solve(l, z []float64) {
	n := len(z)
	for i := range z {
		z[i] = (z[i] - floats.Dot(l[i*n:i*n+i], z[:i])) / l[i*n+i]
	}
}

// SolveTransposed replaces z by L^-T z.
func SolveTransposed(l, z []float64) {
	n := len(z)
	for i := n - 1; i >= 0; i-- {
		z[i] /= l[i*n+i]
		floats.AddScaled(z[:i], -z[i], l[i*n:i*n+i])
	}
}
