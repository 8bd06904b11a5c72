package exact

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/mat"
)

// ErrEigen is the cause if an eigendecomposition fails, as for a matrix that is not
// finite.
var ErrEigen = errors.New("exact: the eigendecomposition of a covariance failed: is it finite?")

// Full is a dense covariance, kept as C = Q diag(l) Q^T: a product with W costs two
// products with Q, for any noise level.
type Full struct {
	values  []float64
	vectors *mat.Dense
}

// NewFull decomposes c once. Eigenvalues below zero are rounding and become zero.
func NewFull(c mat.Symmetric) (*Full, error) {
	var eigen mat.EigenSym
	if !eigen.Factorize(c, true) {
		return nil, ErrEigen
	}
	f := &Full{eigen.Values(nil), new(mat.Dense)}
	for i, l := range f.values {
		f.values[i] = max(l, 0)
	}
	eigen.VectorsTo(f.vectors)
	return f, nil
}

// Dim implements Covariance.
func (f *Full) Dim() int { return len(f.values) }

// Smooth implements Covariance.
func (f *Full) Smooth(dst, v []float64, variance float64) error {
	n := len(f.values)
	z := mat.NewVecDense(n, nil)
	z.MulVec(f.vectors.T(), mat.NewVecDense(n, v))
	for i, l := range f.values {
		z.SetVec(i, l/(l+variance)*z.AtVec(i))
	}
	result := mat.NewVecDense(n, nil)
	result.MulVec(f.vectors, z)
	copy(dst, result.RawVector().Data)
	return nil
}

// LogDet implements Covariance.
func (f *Full) LogDet(variance float64) (float64, error) {
	var sum float64
	for _, l := range f.values {
		sum += math.Log(l + variance)
	}
	return sum, nil
}
