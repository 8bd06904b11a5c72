// Minimising the cost of a window: L-BFGS (Liu & Nocedal 1989) on the true cost
// finds the valley, then Gauss–Newton steps find its bottom to rounding. Both work
// on white controls. A Gauss–Newton step from c solves
//
//	(I + G^T G) c' = G^T (d + G c),
//
// G and the innovations d being those at c: by a Cholesky factor in the space of
// the control or of the observations, whichever is smaller, where G fits in memory;
// else by conjugate gradients, a tangent and an adjoint sweep an iteration.

package variational

import (
	"context"
	"fmt"
	"slices"

	"gonum.org/v1/gonum/optimize"
)

// mostStored bounds the unknowns, and storedValues the numbers of G, up to which G
// is stored.
const (
	mostStored   = 2048
	storedValues = 1 << 23
)

// solver solves (I + G^T G) x = z + G^T e. It is safe for concurrent use.
type solver interface {
	solve(dst, z, e []float64)
}

// valley is a minimum of the cost of a window.
type valley struct {
	control []float64
	cost    float64
	linear  *linear
	solver  solver
}

// minimise goes from a control to a minimum of the cost.
func (w *window) minimise(ctx context.Context, control []float64, iterations int, h *present) (valley, error) {
	m := valley{control: slices.Clone(control)}
	m.cost = w.descend(m.control, iterations)
	if m.cost >= impossible {
		return m, fmt.Errorf("%w: the trajectory through the window is not finite: make the window shorter", ErrDiverged)
	}
	for range mostSteps {
		if err := m.prepare(ctx, w.linearise(h)); err != nil {
			return m, err
		}
		if moved := m.step(); moved <= 1e-11*(1+norm(m.control)) {
			return m, nil // the linearisation is that of the bottom
		}
	}
	return m, m.prepare(ctx, w.linearise(h))
}

// descend lowers the cost by L-BFGS and leaves the path of the control that it
// returns the cost of.
func (w *window) descend(control []float64, iterations int) float64 {
	var at []float64
	var cost float64
	evaluate := func(x []float64) float64 {
		if !slices.Equal(at, x) {
			at, cost = append(at[:0], x...), w.cost(x)
		}
		return cost
	}
	problem := optimize.Problem{
		Func: evaluate,
		Grad: func(gradient, x []float64) {
			evaluate(x)
			w.gradient(gradient, x)
		},
	}
	settings := &optimize.Settings{
		MajorIterations: iterations, GradientThreshold: 1e-6,
		Converger: &optimize.FunctionConverge{Relative: 1e-8, Iterations: 5},
	}
	// A line search that finds nothing better any more ends in an error: what it
	// found before is the result.
	if result, _ := optimize.Minimize(problem, control, settings, &optimize.LBFGS{}); result != nil && result.F < w.cost(control) {
		copy(control, result.X)
	}
	return w.cost(control)
}

// prepare makes the solver of a linearised window.
func (m *valley) prepare(ctx context.Context, l *linear) (err error) {
	m.linear = l
	rows, columns := l.count(), l.dim()
	switch {
	case min(rows, columns) > mostStored || rows*columns > storedValues:
		m.solver = iterative{l}
	case rows <= columns:
		m.solver, err = l.byRows(ctx)
	default:
		m.solver, err = l.byColumns(ctx)
	}
	return err
}

// step makes a Gauss–Newton step, shortened until the cost does not rise, and
// returns its length.
func (m *valley) step() float64 {
	l := m.linear
	e, trial := make([]float64, l.count()), make([]float64, len(m.control))
	l.tangent(e, m.control, make([]float64, l.size))
	addScaled(e, 1, l.innovations)
	m.solver.solve(trial, make([]float64, len(trial)), e)
	for range mostHalvings {
		if cost := l.cost(trial); cost <= m.cost*(1+1e-13) {
			addScaled(m.control, -1, trial)
			moved := norm(m.control)
			copy(m.control, trial)
			m.cost = cost
			return moved
		}
		for i := range trial {
			trial[i] = (trial[i] + m.control[i]) / 2
		}
	}
	l.cost(m.control) // its path
	return 0
}

// iterative solves by sweeps.
type iterative struct{ *linear }

func (s iterative) solve(dst, z, e []float64) {
	state, image := make([]float64, s.size), make([]float64, s.count())
	copy(dst, z)
	conjugateGradients(dst, func(y, v []float64) {
		s.tangent(image, v, state)
		s.adjoint(y, image, state)
		addScaled(y, 1, v)
	}, func(right []float64) {
		s.adjoint(right, e, state)
		addScaled(right, 1, z)
	}, 1e-10)
}
