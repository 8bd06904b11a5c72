// The analysis of one state: with background N(b, S S^T) and observations of
// Jacobian H, in units of their noise, the control v minimises
//
//	2 J(v) = |v|^2 + |d(b + S v)|^2,  d(x) = R^(-1/2) (y - h(x)) .
//
// Gauss–Newton steps solve it in the space of the observations: with Y = H S and
// C = Y Y^T + I,
//
//	v <- Y^T C^-1 (d(x) + Y v) .
//
// One step is exact for linear operators. Otherwise steps that raise the cost are
// halved, and linearising goes on until nothing changes. The analysis law is
// N(b + S v, S S^T - W^T W), W = L^-1 Y S^T, C = L L^T.

package variational

import (
	"fmt"
	"math"

	"retrace/assimilate"
	"retrace/observe"
)

// ErrDiverged is the cause if an estimate leaves the finite numbers: the run is
// lost, other runs need not be. It is an assimilate.ErrDiverged.
var ErrDiverged error = divergence{}

type divergence struct{}

func (divergence) Error() string { return "the variational method diverged" }

func (divergence) Is(target error) bool { return target == assimilate.ErrDiverged }

// analysis solves for one state after the other. It owns scratch space.
type analysis struct {
	*present
	law      law // the background
	v, trial []float64
	state    []float64 // b + S v

	// Of the Jacobian at hand and the root, for dual.count values.
	root    root
	dual    gram      // of the rows of Y
	pull    []float64 // Y S^T, count x size
	explain []float64 // W
	left    []float64 // variance of the analysis

	right []float64
}

func newAnalysis(s observe.Sequence, size, rank int) *analysis {
	most, _ := mostPresent(s)
	a := &analysis{
		present: newPresent(s, size), v: make([]float64, rank), trial: make([]float64, rank),
		state: make([]float64, size), pull: make([]float64, most*size), explain: make([]float64, most*size),
		left: make([]float64, size), right: make([]float64, most),
	}
	a.dual.reserve(most, rank)
	return a
}

const (
	mostSteps    = 20 // Gauss–Newton steps of one analysis
	mostHalvings = 10 // of one step
)

// update sets a.state to the analysis of a background given what was seen of
// state t, and returns the cost at it.
func (a *analysis) update(l law, seen []observe.Observation, t int) (float64, error) {
	a.law = l
	a.v = a.v[:l.root.rank()]
	clear(a.v)
	copy(a.state, l.mean)
	a.compare(seen, a.state)
	cost := a.cost()
	for step := range mostSteps {
		changed := a.linearise(seen, a.state)
		if a.count == 0 {
			break
		}
		if changed || a.dual.count != a.count || a.root != l.root {
			a.prepare()
		} else if step > 0 {
			break
		}
		next, moved := a.step(seen, cost)
		cost = next
		if !moved {
			break
		}
	}
	if math.IsNaN(cost) || !finite(a.state) {
		return 0, fmt.Errorf("%w: the analysis of state %d is not finite", ErrDiverged, t)
	}
	return cost, nil
}

// prepare factorises for the Jacobian at hand.
func (a *analysis) prepare() {
	d := &a.dual
	a.root = a.law.root
	d.reserve(a.count, a.root.rank())
	for i := range d.count {
		a.root.transposed(d.vector(i), a.row(i))
		a.root.times(a.slice(a.pull, i), d.vector(i))
	}
	d.factorise()
	a.root.variance(a.left)
	for i := range d.count {
		w, l := a.slice(a.explain, i), d.lower()[i*d.count:]
		copy(w, a.slice(a.pull, i))
		for k := range i {
			addScaled(w, -l[k], a.slice(a.explain, k))
		}
		for j := range w {
			w[j] /= l[i]
			a.left[j] -= w[j] * w[j]
		}
	}
}

// slice is row i of a matrix of states.
func (a *analysis) slice(matrix []float64, i int) []float64 { return matrix[i*a.size : (i+1)*a.size] }

// step makes one Gauss–Newton step, shortened until the cost does not rise.
func (a *analysis) step(seen []observe.Observation, cost float64) (next float64, moved bool) {
	trial := a.trial[:len(a.v)]
	right := a.right[:a.count]
	for i := range right {
		right[i] = a.innovations[i] + dot(a.dual.vector(i), a.v)
	}
	a.dual.divide(right)
	clear(trial)
	a.dual.addTransposed(trial, right)
	for range mostHalvings {
		a.place(trial)
		a.compare(seen, a.state)
		if next = dot(trial, trial)/2 + a.cost(); next <= cost*(1+1e-12) {
			copy(a.v, trial)
			return next, next < cost*(1-1e-13)
		}
		for i := range trial {
			trial[i] = (trial[i] + a.v[i]) / 2
		}
	}
	a.place(a.v)
	a.compare(seen, a.state)
	return cost, false
}

// place sets the state of a control.
func (a *analysis) place(v []float64) {
	a.law.root.times(a.state, v)
	addScaled(a.state, 1, a.law.mean)
}

// draw writes a draw from N(b + S v, S S^T - W^T W) to x: z and e are standard
// normal, as many as the rank and as the largest state's observations, of which
// right is as large.
func (a *analysis) draw(x, z, e, right []float64) {
	z = z[:a.law.root.rank()]
	a.law.root.times(x, z)
	addScaled(x, 1, a.state)
	right = right[:a.count]
	for i := range right {
		right[i] = e[i] - dot(a.dual.vector(i), z)
	}
	if a.count > 0 {
		a.dual.divide(right)
	}
	for i, r := range right {
		addScaled(x, r, a.slice(a.pull, i))
	}
}

// variance writes the variance of the analysis to dst.
func (a *analysis) variance(dst []float64) {
	if a.count > 0 {
		copy(dst, a.left)
		return
	}
	a.law.root.variance(dst)
}

func finite(x []float64) bool {
	for _, v := range x {
		if v-v != 0 {
			return false
		}
	}
	return true
}
