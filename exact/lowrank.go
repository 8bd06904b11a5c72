package exact

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// LowRank is a diagonal plus a few directions, C = D + U U^T, as probabilistic
// principal components give it (Tipping & Bishop 1999). With E = D + v, Woodbury's
// identity gives
//
//	(C + v)^-1 = E^-1 - E^-1 U (I + U^T E^-1 U)^-1 U^T E^-1 ,
//
// and C (C + v)^-1 = I - v (C + v)^-1.
type LowRank struct {
	Diagonal   Diagonal
	Directions *mat.Dense // U: a row for each value, a column for each direction
}

// Dim implements Covariance.
func (l LowRank) Dim() int { return len(l.Diagonal) }

// core factorises I + U^T E^-1 U.
func (l LowRank) core(variance float64) (*mat.Cholesky, error) {
	rows, rank := l.Directions.Dims()
	scaled := mat.NewDense(rows, rank, nil)
	for i, d := range l.Diagonal {
		for j := range rank {
			scaled.Set(i, j, l.Directions.At(i, j)/math.Sqrt(d+variance))
		}
	}
	gram := mat.NewSymDense(rank, nil)
	gram.SymOuterK(1, scaled.T())
	for j := range rank {
		gram.SetSym(j, j, gram.At(j, j)+1)
	}
	var factor mat.Cholesky
	if !factor.Factorize(gram) {
		return nil, ErrEigen
	}
	return &factor, nil
}

// Smooth implements Covariance.
func (l LowRank) Smooth(dst, v []float64, variance float64) error {
	core, err := l.core(variance)
	if err != nil {
		return err
	}
	n, rank := l.Directions.Dims()
	whitened := mat.NewVecDense(n, nil)
	for i, d := range l.Diagonal {
		whitened.SetVec(i, v[i]/(d+variance))
	}
	small := mat.NewVecDense(rank, nil)
	small.MulVec(l.Directions.T(), whitened)
	if err := solve(core.SolveVecTo(small, small)); err != nil {
		return err
	}
	along := mat.NewVecDense(n, nil)
	along.MulVec(l.Directions, small)
	for i, d := range l.Diagonal {
		dst[i] = (d*v[i] + variance*along.AtVec(i)) / (d + variance)
	}
	return nil
}

// LogDet implements Covariance, by the determinant lemma.
func (l LowRank) LogDet(variance float64) (float64, error) {
	core, err := l.core(variance)
	if err != nil {
		return 0, err
	}
	sum, err := l.Diagonal.LogDet(variance)
	return sum + core.LogDet(), err
}
