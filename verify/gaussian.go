// Distances between normal laws in closed form, the sharpest check of a sampler
// where the posterior is normal.

package verify

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Moments are the mean and the covariance of a law over n values.
type Moments struct {
	Mean       []float64
	Covariance *mat.SymDense
}

// ErrNotPositive says that a covariance has no Cholesky factor.
var ErrNotPositive = errors.New("the covariance is not positive definite")

// MomentsOf estimates the moments of weighted members, the covariance unbiased.
func MomentsOf(s *Sample) Moments {
	centre := ensembleMean(s)
	n := len(centre)
	rows := mat.NewDense(s.Members, n, nil)
	for m := range s.Members {
		scale := math.Sqrt(s.share(m))
		for i, x := range s.Member(m) {
			rows.Set(m, i, scale*(float64(x)-centre[i]))
		}
	}
	covariance := mat.NewSymDense(n, nil)
	covariance.SymOuterK(1/s.freedom(), rows.T())
	return Moments{centre, covariance}
}

// Divergence is the Kullback-Leibler divergence KL(a || b) of two normal laws, in
// nats,
//
//	(tr(B^-1 A) - n + d^T B^-1 d + log det B - log det A)/2,  d = mean of b - of a.
//
// The error is ErrNotPositive.
func Divergence(a, b Moments) (float64, error) {
	var choleskyA, choleskyB mat.Cholesky
	if !choleskyA.Factorize(a.Covariance) || !choleskyB.Factorize(b.Covariance) {
		return 0, fmt.Errorf("verify: divergence of normal laws: %w", ErrNotPositive)
	}
	n := len(a.Mean)
	var solved mat.Dense
	if err := solveTo(&solved, &choleskyB, a.Covariance); err != nil {
		return 0, err
	}
	d := mat.NewVecDense(n, nil)
	for i := range n {
		d.SetVec(i, b.Mean[i]-a.Mean[i])
	}
	whitened := mat.NewVecDense(n, nil)
	if err := ignoreCondition(choleskyB.SolveVecTo(whitened, d)); err != nil {
		return 0, err
	}
	return (mat.Trace(&solved) - float64(n) + mat.Dot(d, whitened) + choleskyB.LogDet() - choleskyA.LogDet()) / 2, nil
}

// Bures is the 2-Wasserstein distance of two normal laws, in units of the state,
//
//	W2^2 = |d|^2 + tr A + tr B - 2 tr (A^1/2 B A^1/2)^1/2
//
// (Dowson & Landau 1982, J. Multivar. Anal. 12, 450). Covariances need only be
// positive semidefinite. The error says that an eigenvalue was not found.
func Bures(a, b Moments) (float64, error) {
	var sum float64
	for i := range a.Mean {
		d := a.Mean[i] - b.Mean[i]
		sum += d * d
	}
	rootA, err := symmetricRoot(a.Covariance)
	if err != nil {
		return 0, err
	}
	var left, product mat.Dense
	left.Mul(rootA, b.Covariance)
	product.Mul(&left, rootA)
	n := len(a.Mean)
	middle := mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			middle.SetSym(i, j, (product.At(i, j)+product.At(j, i))/2)
		}
	}
	root, err := symmetricRoot(middle)
	if err != nil {
		return 0, err
	}
	sum += mat.Trace(a.Covariance) + mat.Trace(b.Covariance) - 2*mat.Trace(root)
	return math.Sqrt(max(0, sum)), nil
}

// symmetricRoot is the symmetric square root of a positive semidefinite matrix.
func symmetricRoot(a mat.Symmetric) (*mat.SymDense, error) {
	var eigen mat.EigenSym
	if !eigen.Factorize(a, true) {
		return nil, errors.New("verify: the eigenvalues of a covariance were not found: are its values finite?")
	}
	n := a.SymmetricDim()
	var vectors, scaled mat.Dense
	eigen.VectorsTo(&vectors)
	scaled.CloneFrom(&vectors)
	for j, value := range eigen.Values(nil) {
		root := math.Sqrt(math.Sqrt(max(0, value)))
		for i := range n {
			scaled.Set(i, j, root*vectors.At(i, j))
		}
	}
	result := mat.NewSymDense(n, nil)
	result.SymOuterK(1, &scaled)
	return result, nil
}

func solveTo(dst *mat.Dense, cholesky *mat.Cholesky, b mat.Matrix) error {
	return ignoreCondition(cholesky.SolveTo(dst, b))
}

// ignoreCondition passes errors on but the warning of an ill-conditioned matrix,
// which comes with a result.
func ignoreCondition(err error) error {
	var condition mat.Condition
	if errors.As(err, &condition) {
		return nil
	}
	return err
}
