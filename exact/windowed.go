package exact

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"retrace/scoresum"
)

// composition is the law that the weighted sum of window means makes of a Gaussian,
//
//	mean_i = sum over pieces p containing i of w_p(i) E[x_i | y restricted to p] ,
//
// every piece with its exact marginal law. It is linear in y but no denoiser of any
// distribution unless the composition is exact: its Jacobian need not be symmetric.
type composition struct {
	size    int // values of a state
	center  []float64
	pieces  []scoresum.Piece
	windows []*gaussian // one for each piece
	part    []float64
}

// composed returns the maker of the composition for trajectories of a length.
func (p *Prior) composed(length int) (func() law, error) {
	pieces, err := scoresum.Compose(p.rule, length, p.window, p.stride)
	if err != nil {
		return nil, err
	}
	center, size := p.chain.means(length), p.chain.size()
	windows := make([]*gaussian, len(pieces))
	known := map[[2]int]Covariance{} // by start that has the same and length
	for i, piece := range pieces {
		states := len(piece.Weights)
		covariance, same := p.chain.window(piece.Start, states)
		key := [2]int{same, states}
		if known[key] == nil {
			if known[key], err = NewFull(covariance); err != nil {
				return nil, err
			}
		}
		windows[i] = newGaussian(center[piece.Start*size:(piece.Start+states)*size], known[key])
	}
	return func() law {
		own := &composition{size: size, center: center, pieces: pieces, part: make([]float64, len(center))}
		for _, w := range windows {
			own.windows = append(own.windows, newGaussian(w.center, w.covariance))
		}
		return own
	}, nil
}

func (c *composition) dim() int { return len(c.center) }

func (c *composition) mean(dst, y []float64, variance float64) error {
	for _, w := range c.windows {
		w.variance = variance
	}
	return c.scatter(dst, y, func(w *gaussian, part, y []float64) error { return w.mean(part, y, variance) })
}

func (c *composition) push(dst, v []float64) error {
	return c.scatter(dst, v, (*gaussian).push)
}

// scatter adds up what the windows make of their part of y.
func (c *composition) scatter(dst, y []float64, apply func(w *gaussian, part, y []float64) error) error {
	clear(dst)
	for k, piece := range c.pieces {
		start, n := piece.Start*c.size, len(piece.Weights)*c.size
		part := c.part[:n]
		if err := apply(c.windows[k], part, y[start:start+n]); err != nil {
			return err
		}
		for i, v := range part {
			dst[start+i] += float64(piece.Weights[i/c.size]) * v
		}
	}
	return nil
}

func (c *composition) pull(dst, v []float64) error {
	clear(dst)
	for k, piece := range c.pieces {
		start, n := piece.Start*c.size, len(piece.Weights)*c.size
		part := c.part[:n]
		for i := range part {
			part[i] = float64(piece.Weights[i/c.size]) * v[start+i]
		}
		if err := c.windows[k].pull(part, part); err != nil {
			return err
		}
		for i, g := range part {
			dst[start+i] += g
		}
	}
	return nil
}

// CompositionError is the error of the composed score of trajectories of length
// states at noise ratio s, root mean square over noised trajectories relative to the
// score's own: with the true filter W = C (C + s^2)^-1, the composed one W' and
// Sigma = C + s^2,
//
//	sqrt( tr (W' - W) Sigma (W' - W)^T / tr (1 - W) Sigma (1 - W)^T ) .
//
// It is 0 for a whole prior. The trajectory is held as a dense matrix.
func (p *Prior) CompositionError(length int, s float64) (float64, error) {
	newLaw, err := p.law(length)
	if err != nil {
		return 0, err
	}
	covariance, _ := p.chain.window(0, length)
	whole, err := NewFull(covariance)
	if err != nil {
		return 0, err
	}
	n := whole.Dim()
	composed := newLaw()
	unit, exact := make([]float64, n), make([]float64, n)
	if err := composed.mean(exact, unit, s*s); err != nil {
		return 0, err
	}
	wrong, score := mat.NewDense(n, n, nil), mat.NewDense(n, n, nil)
	for i := range n { // rows of the transposed filters
		clear(unit)
		unit[i] = 1
		if err := composed.push(wrong.RawRowView(i), unit); err != nil {
			return 0, err
		}
		if err := whole.Smooth(exact, unit, s*s); err != nil {
			return 0, err
		}
		for j, e := range exact {
			wrong.Set(i, j, wrong.At(i, j)-e)
			score.Set(i, j, unit[j]-e)
		}
		covariance.SetSym(i, i, covariance.At(i, i)+s*s)
	}
	ratio := energy(wrong, covariance) / energy(score, covariance)
	if math.IsNaN(ratio) {
		return 0, fmt.Errorf("exact: the error of the composition is not finite at noise ratio %g", s)
	}
	return math.Sqrt(ratio), nil
}

// energy is tr A^T Sigma A for the transposed matrix A.
func energy(a *mat.Dense, sigma *mat.SymDense) float64 {
	var product mat.Dense
	product.Mul(sigma, a)
	n, _ := a.Dims()
	var sum float64
	for i := range n {
		for j := range n {
			sum += a.At(i, j) * product.At(i, j)
		}
	}
	return sum
}
