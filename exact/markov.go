package exact

import (
	"errors"
	"fmt"
	"sync"

	"gonum.org/v1/gonum/mat"

	"retrace/internal/banded"
)

// Markov is the covariance of a chain, known by its inverse P, which is banded:
// values of states further apart than the order of the chain do not meet in it.
//
//	C (C + v)^-1 = (I + v P)^-1 ,  log det (C + v) = log det (I + v P) - log det P .
//
// A trajectory of N values and band b costs N b^2 operations a noise level and N b
// a product, so that 10^4 values are cheap where a dense matrix does not fit.
type Markov struct {
	precision *mat.SymBandDense
	logDet    float64 // of P

	mutex   sync.Mutex
	factors map[float64]*banded.Factor // of I + v P
}

// heldFactors bounds the memory of the factors that are kept, in values.
const heldFactors = 1 << 25

// NewMarkov takes the inverse of a covariance; it must be positive definite.
func NewMarkov(precision *mat.SymBandDense) (*Markov, error) {
	factor, ok := banded.Factorise(banded.Copy(precision))
	if !ok {
		return nil, errors.New("exact: the inverse covariance of a chain is not positive")
	}
	return &Markov{precision: precision, logDet: factor.LogDet(), factors: map[float64]*banded.Factor{}}, nil
}

// Dim implements Covariance.
func (m *Markov) Dim() int { return m.precision.SymmetricDim() }

// factor returns the factor of I + v P.
func (m *Markov) factor(variance float64) (*banded.Factor, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if known := m.factors[variance]; known != nil {
		return known, nil
	}
	n, band := m.precision.SymBand()
	shifted := mat.NewSymBandDense(n, band, nil)
	for i := range n {
		for j := i; j <= min(i+band, n-1); j++ {
			value := variance * m.precision.At(i, j)
			if i == j {
				value++
			}
			shifted.SetSymBand(i, j, value)
		}
	}
	factor, ok := banded.Factorise(shifted)
	if !ok {
		return nil, fmt.Errorf("exact: a chain noised with variance %g has no positive covariance", variance)
	}
	if (len(m.factors)+1)*n*(band+1) > heldFactors {
		clear(m.factors)
	}
	m.factors[variance] = factor
	return factor, nil
}

// Smooth implements Covariance.
func (m *Markov) Smooth(dst, v []float64, variance float64) error {
	factor, err := m.factor(variance)
	if err != nil {
		return err
	}
	copy(dst, v)
	factor.Solve(dst)
	return nil
}

// LogDet implements Covariance.
func (m *Markov) LogDet(variance float64) (float64, error) {
	factor, err := m.factor(variance)
	if err != nil {
		return 0, err
	}
	return factor.LogDet() - m.logDet, nil
}

// solve takes a large condition number for what it is: small scales of a smooth
// trajectory, not an error.
func solve(err error) error {
	var condition mat.Condition
	if errors.As(err, &condition) {
		return nil
	}
	return err
}
