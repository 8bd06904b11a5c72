package scoresum

import (
	"errors"

	"gonum.org/v1/gonum/mat"

	"retrace/diffusion"
	"retrace/dynamics"
	"retrace/trajectory"
)

// The Markov extension of a window covariance C_w to a trajectory (uncertainty.go)
// has a banded inverse,
//
//	P = E_0 C_w^-1 E_0^T + sum_{j>0} E_j B Q^-1 B^T E_j^T ,  B = [-G; I] ,
//
// E_j placing a window at state j, G being the coefficients of the last state of a window
// on those before it and Q the covariance of what they leave. Every term is positive
// whatever rounding does; C_w^-1 - C_{w-1}^-1, which B Q^-1 B^T equals, would not be, for
// smooth trajectories, whose smallest scales have a billionth of the variance. What needs V = (P + s^-2)^-1 of trajectories of 10^4 values
// or more works with P, whose memory is their number times the band.

// MarkovPrecision returns the inverse covariance of trajectories of length states of
// dim values whose windows of window states have the covariance that c starts with.
func MarkovPrecision(c *mat.SymDense, length, window, dim int) (*mat.SymBandDense, error) {
	n := window * dim
	first, err := invert(c.SliceSym(0, n).(*mat.SymDense))
	if err != nil {
		return nil, err
	}
	p := mat.NewSymBandDense(length*dim, n-1, nil)
	place(p, first, 0)
	if window == 1 { // states are independent
		for j := 1; j < length; j++ {
			place(p, first, j*dim)
		}
		return p, nil
	}
	if length == window {
		return p, nil
	}
	gain, noise, err := regress(c, n-dim, dim)
	if err != nil {
		return nil, err
	}
	step, err := transition(gain, noise)
	if err != nil {
		return nil, err
	}
	for j := 1; j <= length-window; j++ {
		place(p, step, j*dim)
	}
	return p, nil
}

// transition is B Q^-1 B^T.
func transition(gain, noise *mat.Dense) (*mat.SymDense, error) {
	old, dim := gain.Dims()
	symmetric := mat.NewSymDense(dim, nil)
	b := mat.NewDense(old+dim, dim, nil)
	for i := range dim {
		b.Set(old+i, i, 1)
		for j := range i + 1 {
			symmetric.SetSym(i, j, (noise.At(i, j)+noise.At(j, i))/2)
		}
		for k := range old {
			b.Set(k, i, -gain.At(k, i))
		}
	}
	var factor mat.Cholesky
	if !factor.Factorize(symmetric) {
		return nil, errors.New("scoresum: the last state of a window is determined by those before it")
	}
	var lower mat.TriDense
	factor.LTo(&lower)
	var root mat.Dense // Q^-1/2 B^T
	if err := root.Solve(&lower, b.T()); err != nil {
		var condition mat.Condition
		if !errors.As(err, &condition) {
			return nil, err
		}
	}
	var step mat.SymDense
	step.SymOuterK(1, root.T())
	return &step, nil
}

// place adds a block to the diagonal of p, from row start.
func place(p *mat.SymBandDense, block *mat.SymDense, start int) {
	for i := range block.SymmetricDim() {
		for j := i; j < block.SymmetricDim(); j++ {
			p.SetSymBand(start+i, start+j, p.At(start+i, start+j)+block.At(i, j))
		}
	}
}

func invert(c *mat.SymDense) (*mat.SymDense, error) {
	var factor mat.Cholesky
	if !factor.Factorize(c) {
		return nil, errors.New("scoresum: the covariance of a window is not positive")
	}
	var inverse mat.SymDense
	var condition mat.Condition
	if err := factor.InverseTo(&inverse); err != nil && !errors.As(err, &condition) {
		return nil, err
	}
	return &inverse, nil
}

// Precision returns P(s) for trajectories of length states, in standardised units:
// V(s) of Uncertainty is (P(s) + s^-2)^-1.
func (p *Prior) Precision(length int, s float64) (*mat.SymBandDense, error) {
	c, err := p.effective(s)
	if err != nil {
		return nil, err
	}
	return MarkovPrecision(c, length, min(length, p.Settings.Window), p.Dim())
}

// Differentiable is Denoiser for callers that take any prior.
func (p *Prior) Differentiable(length, rows, chunk int) (diffusion.Differentiable, error) {
	return p.Denoiser(length, rows, chunk)
}

// Describe returns what the states are and the units of the prior.
func (p *Prior) Describe() (dynamics.Space, dynamics.Clock, trajectory.Standardiser) {
	return p.Space, p.Clock, p.Standard
}
