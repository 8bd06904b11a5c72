// The cost of the trajectories through a window of L states, as a function of the
// control c = (v, u_1, ... u_(L-1)): with b + S v the first state,
//
//	x_0 = b + S v,  x_(t+1) = F(x_t) + s u_(t+1),
//	2 J(c) = |c|^2 + sum_t |d_t|^2,  d_t = R^(-1/2) (y_t - h_t(x_t)),
//
// s being the standard deviation of the model's noise. If the model is taken for
// exact (strong constraint) there is no u. The gradient follows from the adjoint
// recursion, backward from l_L = 0,
//
//	l_t = H_t^T R^(-1/2) d_t + M_t^T l_(t+1),
//	dJ/dv = v - S^T l_0,  dJ/du_t = u_t - s l_t,
//
// with M_t and H_t the derivatives of F and h_t at x_t.

package variational

import (
	"math"

	"retrace/dynamics"
	"retrace/observe"
)

// adjoint is a model that 4D-Var can work with.
type adjoint interface {
	dynamics.Linearisable
	Flow(x []float64)
}

// window is a stretch of states with what was seen of them. Its methods share
// scratch space, except where they take a path of their own.
type window struct {
	model adjoint
	law   law       // of the first state
	sd    []float64 // of the model's noise; nil if the model is taken for exact
	// seen holds the observations of every state of the window.
	seen [][]observe.Observation
	size int

	path                  path
	push, pull, predicted []float64
	steps                 int // of the model and its adjoint, by cost and gradient
}

// path is a trajectory through a window, one state after the other.
type path []float64

func (p path) state(t, size int) []float64 { return p[t*size : (t+1)*size] }

func (w *window) length() int { return len(w.seen) }

// dim is the number of values of a control.
func (w *window) dim() int {
	if w.sd == nil {
		return w.law.root.rank()
	}
	return w.law.root.rank() + (w.length()-1)*w.size
}

// noise is the part of a control that is u_t, t >= 1.
func (w *window) noise(control []float64, t int) []float64 {
	begin := w.law.root.rank() + (t-1)*w.size
	return control[begin : begin+w.size]
}

// run writes the trajectory of a control to p.
func (w *window) run(p path, control []float64) {
	first := p.state(0, w.size)
	w.law.root.times(first, control[:w.law.root.rank()])
	addScaled(first, 1, w.law.mean)
	for t := 1; t < w.length(); t++ {
		x := p.state(t, w.size)
		copy(x, p.state(t-1, w.size))
		w.model.Flow(x)
		if w.sd != nil {
			for i, u := range w.noise(control, t) {
				x[i] += w.sd[i] * u
			}
		}
	}
}

// cost runs the trajectory of a control and returns J, or a very large number if
// the trajectory leaves the finite numbers.
func (w *window) cost(control []float64) float64 {
	w.run(w.path, control)
	w.steps += w.length() - 1
	sum := dot(control, control) / 2
	for t, seen := range w.seen {
		for _, o := range seen {
			predicted := w.predicted[:len(o.Values)]
			o.Operator.Apply(predicted, w.path.state(t, w.size))
			for j, y := range o.Values {
				if !math.IsNaN(y) {
					d := (y - predicted[j]) / o.Sd[j]
					sum += d * d / 2
				}
			}
		}
	}
	if sum-sum != 0 {
		return impossible
	}
	return sum
}

// impossible is the cost of a trajectory that is not finite: above that of any
// trajectory in reach, so that line searches turn back.
const impossible = 1e100

// gradient writes the gradient of J at the control of the last cost to dst.
func (w *window) gradient(dst, control []float64) {
	w.steps += w.length() - 1
	copy(dst, control)
	l := w.push
	clear(l)
	for t := w.length() - 1; t >= 0; t-- {
		x := w.path.state(t, w.size)
		if t < w.length()-1 {
			w.model.Adjoint(x, l)
		}
		w.attract(l, x, w.seen[t])
		if t > 0 && w.sd != nil {
			for i, u := range w.noise(dst, t) {
				w.noise(dst, t)[i] = u - w.sd[i]*l[i]
			}
		}
	}
	v := dst[:w.law.root.rank()]
	pulled := make([]float64, len(v))
	w.law.root.transposed(pulled, l)
	addScaled(v, -1, pulled)
}

// attract adds H^T R^(-1) (y - h(x)) to l.
func (w *window) attract(l, x []float64, seen []observe.Observation) {
	for _, o := range seen {
		predicted := w.predicted[:len(o.Values)]
		o.Operator.Apply(predicted, x)
		o.Score(predicted, predicted)
		o.Operator.VJP(w.pull, x, predicted)
		addScaled(l, 1, w.pull)
	}
}
