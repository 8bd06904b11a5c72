package exact

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// Kronecker is the covariance of trajectories that factorises into time and state:
// value i of state a and value j of state b have the covariance Time(a, b) State(i, j).
// With T = P diag(k) P^T and S = Q diag(l) Q^T its eigenvalues are the products k l,
// and a trajectory, a matrix X with a row for each state, has the coordinates
// P^T X Q: n L (n + L) operations in place of (n L)^2.
type Kronecker struct {
	time, state *Full
}

// NewKronecker decomposes both factors once.
func NewKronecker(time, state mat.Symmetric) (*Kronecker, error) {
	t, err := NewFull(time)
	if err != nil {
		return nil, err
	}
	s, err := NewFull(state)
	if err != nil {
		return nil, err
	}
	return &Kronecker{t, s}, nil
}

// Dim implements Covariance.
func (k *Kronecker) Dim() int { return k.time.Dim() * k.state.Dim() }

// Smooth implements Covariance.
func (k *Kronecker) Smooth(dst, v []float64, variance float64) error {
	x := mat.NewDense(k.time.Dim(), k.state.Dim(), v)
	var half, z mat.Dense
	half.Mul(k.time.vectors.T(), x)
	z.Mul(&half, k.state.vectors)
	z.Apply(func(i, j int, value float64) float64 {
		c := k.time.values[i] * k.state.values[j]
		return c / (c + variance) * value
	}, &z)
	half.Mul(k.time.vectors, &z)
	z.Mul(&half, k.state.vectors.T())
	copy(dst, z.RawMatrix().Data)
	return nil
}

// LogDet implements Covariance.
func (k *Kronecker) LogDet(variance float64) (float64, error) {
	var sum float64
	for _, t := range k.time.values {
		for _, s := range k.state.values {
			sum += math.Log(t*s + variance)
		}
	}
	return sum, nil
}
