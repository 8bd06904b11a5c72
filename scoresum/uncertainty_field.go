package scoresum

import (
	"errors"
	"fmt"
	"math/cmplx"
	"sync"

	"retrace/internal/parallel"
)

// V(s) of trajectories of fields. Wavenumbers do not know of each other, so that
//
//	V(s) = F^H diag_k( U_k V_k U_k^H ) F
//
// with the transform F in space and, for each wavenumber, the directions U_k of
// fieldModes and the covariance V_k of a trajectory of few values a state. As in
// uncertainty.go, the errors measured at noise level s are those of a Gaussian window of
// covariance C, which a trajectory extends as a Markov process: each state x_j is G^H o,
// o being the w-1 states before it, plus what has the covariance Q, and
//
//	V_k = H^-1,  H = E_0 C^-1 E_0^T + sum_{j>=w} E_j B Q^-1 B^H E_j^T + N,  B = [-G; I],
//
// with N = s^-2. Eliminating the states from the last one on, with M what those
// eliminated add to the w-1 before them,
//
//	K = B Q^-1 B^H + [0; M] + [0; N],  D = K_nn,  L = K_on D^-1,  M' = K_oo - L D L^H ,
//
// n the last state of a window and o the others, leaves the first window with
// (C^-1 + N + [0; M])^-1 = R (1 + R^H (N + [0; M]) R)^-1 R^H, C = R R^H. A product
// with V_k goes back and forth along the trajectory once. All factors are positive, and so
// is V, whatever was measured. D and L soon settle (at once where s is large, as
// then M = 0, or small): they are kept until then, so that memory does not grow with the
// length.

const (
	// settledRows is the relative change of M below which rows count as alike: far
	// below the error of what was measured.
	settledRows = 1e-6
	// mostRows is the number of rows kept if they do not settle; the last one then
	// stands for those that follow.
	mostRows = 32
)

// fieldUncertainty is V(s) of trajectories of length states.
type fieldUncertainty struct {
	*fieldModes
	length int
	waves  []waveUncertainty
	spare  sync.Pool // *fieldProduct
}

// waveUncertainty is V_k.
type waveUncertainty struct {
	inverses, gains []complex128 // D^-1 and L of rows from the last state on
	rows            int
	first           hermitian // of the states before
}

// UncertaintyProduct returns the product with V(s) of trajectories of length states of
// fields, in standardised units: dst = V(s) x, which may be the same memory. It serves
// several goroutines at once and uses all cores itself. The error is
// errors.ErrUnsupported where states are not fields: they have Uncertainty.
func (p *Prior) UncertaintyProduct(length int, s float64) (func(dst, x []float64), error) {
	modes, err := p.fieldModes()
	if err != nil {
		return nil, err
	}
	b, err := p.basis(p.Settings.Window)
	if err != nil {
		return nil, err
	}
	variances := make([]float64, b.n)
	for j, l := range b.values {
		variances[j] = p.fractions.effective(s, l, b.class(j), b.classCount)
	}
	v, err := newFieldUncertainty(modes, variances, length, s)
	if err != nil {
		return nil, err
	}
	return v.multiply, nil
}

// fieldModes makes the modes once.
func (p *Prior) fieldModes() (*fieldModes, error) {
	c, ok := p.covariance.(*SpectralCovariance)
	if !ok {
		return nil, fmt.Errorf("scoresum: states that are not fields have no spectra: %w", errors.ErrUnsupported)
	}
	b, err := p.basis(p.Settings.Window)
	if err != nil {
		return nil, err
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.modes == nil {
		p.modes = newFieldModes(c, b)
	}
	if p.modes == nil {
		return nil, errors.New("scoresum: the eigendecomposition of the covariance of fields did not converge")
	}
	return p.modes, nil
}

func newFieldUncertainty(modes *fieldModes, variances []float64, length int, s float64) (*fieldUncertainty, error) {
	v := &fieldUncertainty{fieldModes: modes, length: length, waves: make([]waveUncertainty, len(modes.modes))}
	t := modes.transform
	failed := make([]bool, len(v.waves))
	parallel.Run(t.pieces(), func(_, piece int) {
		for k := piece * blocksAtOnce; k < min((piece+1)*blocksAtOnce, len(v.waves)); k++ {
			b := &t.blocks[k]
			if modes.modes[k].m == 0 {
				continue
			}
			c := modes.modes[k].covariance(variances[b.first : b.first+b.size])
			failed[k] = !v.waves[k].fill(c, modes.modes[k].m, length, s)
		}
	})
	for _, f := range failed {
		if f {
			return nil, fmt.Errorf("scoresum: the covariance of windows of fields at noise ratio %.3g is not positive", s)
		}
	}
	return v, nil
}

// fill computes V_k of a window covariance c for states of m values; false if c is not
// positive.
func (w *waveUncertainty) fill(c hermitian, m, length int, s float64) bool {
	window := c.n / m
	known := newHermitian(min(length, window) * m) // N + [0; M]
	for i := range known.n {
		known.row(i)[i] = complex(1/(s*s), 0)
	}
	if length > window {
		step, ok := newTransition(c, m)
		if !ok {
			return false
		}
		more := w.eliminate(step, length-window, s)
		for i := range more.n {
			for j := range more.n {
				known.row(m + i)[m+j] += more.row(i)[j]
			}
		}
	}
	root := c.block(0, known.n)
	if !root.factorise() {
		return false
	}
	var ok bool
	w.first, ok = narrowed(root, known)
	return ok
}

// narrowed is R (1 + R^H known R)^-1 R^H for a lower factor R.
func narrowed(root, known hermitian) (hermitian, bool) {
	n := root.n
	image := make([]complex128, n*n) // of R^H: its rows are the conjugate columns of R
	for j := range n {
		for i := j; i < n; i++ {
			r := cmplx.Conj(root.row(i)[j])
			for k, v := range known.row(i) {
				image[j*n+k] += r * v
			}
		}
	}
	inner := newHermitian(n)
	for i := range n {
		for j := range i + 1 {
			var sum complex128
			for k := j; k < n; k++ {
				sum += image[i*n+k] * root.row(k)[j]
			}
			inner.row(i)[j] = sum
		}
		inner.row(i)[i] += 1
	}
	if !inner.factorise() {
		return hermitian{}, false
	}
	// With inner = T T^H the result is X X^H, T X^H = R^H: row i of X is the conjugate
	// of the solution for column i of R^H, the conjugate row i of R.
	x := make([]complex128, n*n)
	for i := range n {
		row := x[i*n : (i+1)*n]
		for k, r := range root.row(i) {
			row[k] = cmplx.Conj(r)
		}
		inner.solveLower(row)
		for k, r := range row {
			row[k] = cmplx.Conj(r)
		}
	}
	return gram(x, n, 1), true
}

// stateTransition is the law of a state given those before it.
type stateTransition struct {
	m        int
	step     hermitian // B Q^-1 B^H
	residual hermitian // Q^-1
}

func newTransition(c hermitian, m int) (stateTransition, bool) {
	old := c.n - m
	factor := c.block(0, old)
	if !factor.factorise() {
		return stateTransition{}, false
	}
	gains := make([]complex128, m*old) // (value, of the states before)
	for a := range m {
		for i := range old {
			gains[a*old+i] = c.row(i)[old+a]
		}
	}
	factor.solve(gains)
	noise := c.block(old, m)
	for a := range m {
		for b := range m {
			var explained complex128
			for i := range old {
				explained += cmplx.Conj(gains[a*old+i]) * c.row(i)[old+b]
			}
			noise.row(a)[b] -= explained
		}
	}
	if !noise.factorise() {
		return stateTransition{}, false
	}
	// B T^-H, Q = T T^H: its rows are the conjugates of T^-1 times those of conj B.
	root := make([]complex128, c.n*m)
	for i := range c.n {
		row := root[i*m : (i+1)*m]
		for a := range m {
			if i < old {
				row[a] = -cmplx.Conj(gains[a*old+i])
			} else if i-old == a {
				row[a] = 1
			}
		}
		noise.solveLower(row)
		for a, v := range row {
			row[a] = cmplx.Conj(v)
		}
	}
	return stateTransition{m, gram(root, m, 1), noise.inverse()}, true
}

// eliminate fills the rows of count states and returns what they add to those before.
func (w *waveUncertainty) eliminate(t stateTransition, count int, s float64) hermitian {
	m, n := t.m, t.step.n
	old := n - m
	more, k := newHermitian(old), newHermitian(n)
	for w.rows = 1; ; w.rows++ {
		copy(k.v, t.step.v)
		for i := range old {
			for j := range old {
				k.row(m + i)[m+j] += more.row(i)[j]
			}
		}
		d := k.block(old, m)
		for a := range m {
			d.row(a)[a] += complex(1/(s*s), 0)
		}
		d.factorise() // Q^-1 and more make it positive
		inverse := d.inverse()
		gain := make([]complex128, old*m)
		for i := range old {
			for a := range m {
				for b := range m {
					gain[i*m+a] += k.row(i)[old+b] * inverse.row(b)[a]
				}
			}
		}
		w.inverses, w.gains = append(w.inverses, inverse.v...), append(w.gains, gain...)
		var change, size float64
		for i := range old {
			for j := range i + 1 {
				v := k.row(i)[j] - dot(gain[i*m:(i+1)*m], k.row(j)[old:])
				change, size = max(change, cmplx.Abs(v-more.row(i)[j])), max(size, cmplx.Abs(v))
				more.row(i)[j], more.row(j)[i] = v, cmplx.Conj(v)
			}
		}
		if w.rows == count || w.rows == mostRows || change <= settledRows*size {
			return more
		}
	}
}
