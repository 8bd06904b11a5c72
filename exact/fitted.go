package exact

import (
	"gonum.org/v1/gonum/mat"

	"retrace/internal/banded"
	"retrace/scoresum"
)

// The Gaussian fitted to training trajectories is the Markov chain of order w - 1
// whose windows of w states have the covariance C_w of the training windows: each
// state is regressed on the w - 1 before it. Its inverse covariance is
//
//	P = E_0 C_w^-1 E_0^T + sum_{j>0} E_j B Q^-1 B^T E_j^T ,  B = [-G; I] ,
//
// E_j placing a window at state j, G being the coefficients of that regression and Q the
// covariance of what it leaves (scoresum.MarkovPrecision).

type fittedChain struct {
	states, dim int
	covariance  *mat.SymDense // of a window
	factor      []float32     // its lower Cholesky factor, row-major
}

func newFittedChain(c scoresum.Covariance) *fittedChain {
	n := c.Window * c.Dim
	root := mat.NewDense(n, n, nil)
	for i, v := range c.Factor {
		root.Set(i/n, i%n, float64(v))
	}
	f := &fittedChain{c.Window, c.Dim, mat.NewSymDense(n, nil), c.Factor}
	f.covariance.SymOuterK(1, root)
	return f
}

func (f *fittedChain) size() int { return f.dim }

// means implements chain.
func (f *fittedChain) means(length int) []float64 { return make([]float64, length*f.dim) }

// window implements chain: all starts are alike.
func (f *fittedChain) window(_, length int) (covariance *mat.SymDense, same int) {
	n := length * f.dim
	if length <= f.states {
		covariance = mat.NewSymDense(n, nil)
		covariance.CopySym(f.covariance.SliceSym(0, n))
		return covariance, 0
	}
	p, err := f.precision(length)
	if err != nil {
		panic("exact: the covariance of training windows is singular, but scoresum floors it")
	}
	factor, ok := banded.Factorise(p)
	if !ok {
		panic("exact: the inverse covariance of a fitted chain is not positive")
	}
	inverted := mat.NewDense(n, n, nil)
	for i := range n {
		inverted.Set(i, i, 1)
		factor.Solve(inverted.RawRowView(i))
	}
	covariance = mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			covariance.SetSym(i, j, (inverted.At(i, j)+inverted.At(j, i))/2)
		}
	}
	return covariance, 0
}

// precision implements chain.
func (f *fittedChain) precision(length int) (*mat.SymBandDense, error) {
	return scoresum.MarkovPrecision(f.covariance, length, min(length, f.states), f.dim)
}
