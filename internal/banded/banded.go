// Package banded solves symmetric positive definite systems whose matrix is banded, as
// the inverse covariance of a Markov chain is: n b^2 operations to factorise, n b to
// solve. Unlike mat.BandCholesky it estimates no condition number, which would take n^2.
package banded

import (
	"math"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mat"
)

// Factor is a Cholesky factor. It is immutable and safe for concurrent use.
type Factor struct{ triangle blas64.TriangularBand }

// Factorise replaces a by its factor and must be its last use; ok is false if a is not
// positive definite.
func Factorise(a *mat.SymBandDense) (f *Factor, ok bool) {
	triangle, ok := lapack64.Pbtrf(a.RawSymBand())
	return &Factor{triangle}, ok
}

// Size returns rows and band of the matrix.
func (f *Factor) Size() (n, band int) { return f.triangle.N, f.triangle.K }

// Solve replaces x by the solution of the system with right-hand side x.
func (f *Factor) Solve(x []float64) {
	lapack64.Pbtrs(f.triangle, blas64.General{Rows: len(x), Cols: 1, Stride: 1, Data: x})
}

// LogDet is the logarithm of the determinant of the matrix.
func (f *Factor) LogDet() float64 {
	var sum float64
	for i := range f.triangle.N {
		sum += 2 * math.Log(f.triangle.Data[i*f.triangle.Stride])
	}
	return sum
}

// Copy returns a matrix with storage of its own.
func Copy(a *mat.SymBandDense) *mat.SymBandDense {
	n, band := a.SymBand()
	b := mat.NewSymBandDense(n, band, nil)
	copy(b.RawSymBand().Data, a.RawSymBand().Data)
	return b
}
