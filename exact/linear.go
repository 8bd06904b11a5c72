package exact

import (
	"errors"

	"gonum.org/v1/gonum/mat"

	"retrace/dynamics"
	"retrace/trajectory"
)

// A trajectory of x_{t+1} = F x_t + w, w ~ N(0, Q), x_1 ~ N(m, P_1), is Gaussian, and
// its inverse covariance is block tridiagonal:
//
//	diagonal  P_1^-1 (first state) or Q^-1 (others), plus F^T Q^-1 F (all but the last)
//	below     -Q^-1 F
//
// Windows are exact too: states t, t+1, ... start from N(m_t, P_t) with
// P_{t+1} = F P_t F^T + Q.

// chain is the Gaussian law of trajectories of any length, in standardised units.
type chain interface {
	// size is the number of values of a state.
	size() int
	// means is the mean of length states.
	means(length int) []float64
	// window returns the covariance of length states from state start, and
	// the first start that has the same ones.
	window(start, length int) (covariance *mat.SymDense, same int)
	// precision is the inverse covariance of a whole trajectory; the error is
	// errors.ErrUnsupported if there is none.
	precision(length int) (*mat.SymBandDense, error)
}

// linearChain is a linear-Gaussian system.
type linearChain struct {
	standard trajectory.Standardiser
	physical *mat.Dense // F, for means
	start    []float64  // m, physical

	transition *mat.Dense    // F, standardised
	noise      *mat.SymDense // Q, standardised
	initial    *mat.SymDense // P_1, standardised
}

// lawful is a model that knows the matrices of its linear-Gaussian law, such as
// dynamics.Linear.
type lawful interface{ Law() dynamics.LinearLaw }

func newLinearChain(law dynamics.LinearLaw, standard trajectory.Standardiser) *linearChain {
	n := len(law.Mean)
	c := &linearChain{
		standard: standard, physical: law.Transition, start: law.Mean,
		transition: mat.NewDense(n, n, nil), noise: mat.NewSymDense(n, nil), initial: mat.NewSymDense(n, nil),
	}
	for i := range n {
		_, si := standard.At(i)
		for j := range n {
			_, sj := standard.At(j)
			c.transition.Set(i, j, law.Transition.At(i, j)*sj/si)
			c.noise.SetSym(i, j, law.Noise.At(i, j)/si/sj)
			c.initial.SetSym(i, j, law.Initial.At(i, j)/si/sj)
		}
	}
	return c
}

func (c *linearChain) size() int { return len(c.start) }

// means implements chain.
func (c *linearChain) means(length int) []float64 {
	var mean []float64
	state := c.start
	for range length {
		for i, x := range state {
			m, s := c.standard.At(i)
			mean = append(mean, (x-m)/s)
		}
		state = c.advance(state)
	}
	return mean
}

// window implements chain.
func (c *linearChain) window(start, length int) (covariance *mat.SymDense, same int) {
	n := c.size()
	law := c.initial
	settled := false
	for t := range start {
		if !settled {
			next := c.forecast(law)
			if settled = mat.EqualApprox(next, law, 1e-14); !settled {
				law, same = next, t+1
			}
		}
	}
	covariance = mat.NewSymDense(length*n, nil)
	for t := range length {
		c.column(covariance, law, t)
		law = c.forecast(law)
	}
	return covariance, same
}

// advance is F x, in physical units.
func (c *linearChain) advance(x []float64) []float64 {
	next := mat.NewVecDense(len(x), nil)
	next.MulVec(c.physical, mat.NewVecDense(len(x), x))
	return next.RawVector().Data
}

// forecast is F P F^T + Q.
func (c *linearChain) forecast(p *mat.SymDense) *mat.SymDense {
	var half, full mat.Dense
	half.Mul(c.transition, p)
	full.Mul(&half, c.transition.T())
	next := mat.NewSymDense(c.size(), nil)
	for i := range c.size() {
		for j := range i + 1 {
			next.SetSym(i, j, c.noise.At(i, j)+(full.At(i, j)+full.At(j, i))/2)
		}
	}
	return next
}

// column writes the covariances of states t, t+1, ... with state t.
func (c *linearChain) column(covariance, law *mat.SymDense, t int) {
	n := c.size()
	block := mat.DenseCopyOf(law)
	for s := t; s*n < covariance.SymmetricDim(); s++ {
		setBlock(covariance, block, s, t)
		var next mat.Dense
		next.Mul(c.transition, block)
		block = &next
	}
}

// setBlock writes block (s, t), s >= t, of a symmetric matrix.
func setBlock(dst *mat.SymDense, block mat.Matrix, s, t int) {
	n, _ := block.Dims()
	for i := range n {
		for j := range n {
			if s > t || j <= i {
				dst.SetSym(s*n+i, t*n+j, block.At(i, j))
			}
		}
	}
}

// precision implements chain.
func (c *linearChain) precision(length int) (*mat.SymBandDense, error) {
	n := c.size()
	first, err := inverse(c.initial)
	if err != nil {
		return nil, err
	}
	inner, err := inverse(c.noise)
	if err != nil {
		return nil, err
	}
	var below, ahead mat.Dense
	below.Mul(inner, c.transition)
	ahead.Mul(c.transition.T(), &below)
	p := mat.NewSymBandDense(length*n, min(2*n, length*n)-1, nil)
	for t := range length {
		diagonal := mat.DenseCopyOf(inner)
		if t == 0 {
			diagonal = mat.DenseCopyOf(first)
		}
		if t+1 < length {
			diagonal.Add(diagonal, &ahead)
			for i := range n {
				for j := range n {
					p.SetSymBand(t*n+j, (t+1)*n+i, -below.At(i, j))
				}
			}
		}
		for i := range n {
			for j := i; j < n; j++ {
				p.SetSymBand(t*n+i, t*n+j, diagonal.At(i, j))
			}
		}
	}
	return p, nil
}

// inverse of a covariance; a singular one is errors.ErrUnsupported.
func inverse(c *mat.SymDense) (*mat.SymDense, error) {
	var factor mat.Cholesky
	// Beyond this condition the inverse has no correct digits.
	if !factor.Factorize(c) || factor.Cond() > 1e13 {
		return nil, errors.ErrUnsupported
	}
	var result mat.SymDense
	if err := solve(factor.InverseTo(&result)); err != nil {
		return nil, err
	}
	return &result, nil
}
