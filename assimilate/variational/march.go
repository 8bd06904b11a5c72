package variational

import (
	"context"
	"fmt"

	"retrace/assimilate"
	"retrace/internal/parallel"
	"retrace/internal/rng"
	"retrace/observe"
)

// march is the passage of the windows of 4D-Var through a trajectory.
type march struct {
	problem      *assimilate.Problem
	model        adjoint
	noise        []float64 // that the control holds; nil for none
	first        law
	later        root
	width, shift int
	iterations   int
	present      *present
	seen         [][]observe.Observation // of each state

	begin, end int // the last window
	valley     valley
	path       path              // of its mode
	starts     map[int][]float64 // backgrounds of windows to come, by their first state

	forecast *ensemble // members of the last state before the new ones, then of those
	mean     []float64 // of the forecast
	spread   []float64
	draws    []float64 // members of the window: state, member, value
	failed   []bool

	costs         float64 // twice those of all windows
	values, steps int
}

// marchWatcher is who looks on; every function may be nil.
type marchWatcher struct {
	estimate func(assimilate.Estimate) error
	final    func(t int, members []float64) // of every state, in order
	done     func(end int)
}

func newMarch(v *FourDVar, p *assimilate.Problem) (*march, error) {
	if err := v.validate(); err != nil {
		return nil, err
	}
	if err := checkDense(p); err != nil {
		return nil, err
	}
	model, noise, err := v.model(p.Model)
	if err != nil {
		return nil, err
	}
	first, later, err := v.laws(p, v.Window > 0 && v.Window < p.Length)
	if err != nil {
		return nil, err
	}
	size := p.Model.Space().Size()
	m := &march{
		problem: p, model: model, noise: noise, first: first, later: later,
		width: v.Window, shift: v.Shift, iterations: v.Iterations,
		present: newPresent(p.Observations, size), seen: make([][]observe.Observation, p.Length),
		starts: map[int][]float64{}, forecast: newEnsemble(p), failed: make([]bool, p.Members),
		mean: make([]float64, size), spread: make([]float64, size),
	}
	if m.width == 0 || m.width > p.Length {
		m.width = p.Length
	}
	if m.shift == 0 || m.shift > m.width {
		m.shift = m.width
	}
	m.width = (m.width + m.shift - 1) / m.shift * m.shift // windows end at multiples of shift
	rest := p.Observations.Observations
	for t := range m.seen {
		m.seen[t], rest = of(t, rest)
	}
	return m, nil
}

// run passes through all windows.
func (m *march) run(ctx context.Context, watcher marchWatcher) error {
	for m.end < m.problem.Length {
		if err := ctx.Err(); err != nil {
			return err
		}
		old := m.end
		copy(m.mean, m.first.mean)
		if old > 0 {
			copy(m.mean, m.starts[old])
		}
		if err := m.solve(ctx, m.next(), min((old/m.shift+1)*m.shift, m.problem.Length)); err != nil {
			return err
		}
		if err := m.show(ctx, old, watcher); err != nil {
			return err
		}
		if watcher.done != nil {
			watcher.done(m.end)
		}
	}
	return nil
}

// next is the first state of the window after the last one; the length of the
// trajectory if there is none.
func (m *march) next() int {
	if m.end == m.problem.Length {
		return m.end
	}
	return max(0, (m.end/m.shift+1)*m.shift-m.width)
}

// solve finds the mode of the window of states begin to end-1 and draws its members.
func (m *march) solve(ctx context.Context, begin, end int) error {
	w := m.window(begin, end)
	guess := m.guess(w, begin)
	valley, err := w.minimise(ctx, guess, m.iterations, m.present)
	if err != nil {
		return fmt.Errorf("window of states %d to %d: %w", begin, end-1, err)
	}
	m.valley, m.path, m.begin, m.end = valley, w.path, begin, end
	m.costs += 2 * valley.cost
	m.values += valley.linear.count()
	m.steps += w.steps
	if end < m.problem.Length {
		next := append([]float64(nil), m.path.state(end-begin-1, w.size)...)
		m.model.Flow(next)
		m.starts[end] = next
	}
	return m.draw(ctx)
}

// window makes the window of states begin to end-1.
func (m *march) window(begin, end int) *window {
	background := m.first
	if begin > 0 {
		background = law{m.starts[begin], m.later}
	}
	for t := range m.starts {
		if t <= begin {
			delete(m.starts, t)
		}
	}
	size := m.model.Space().Size()
	single := len(m.present.predicted)
	return &window{
		model: m.model, law: background, sd: m.noise, seen: m.seen[begin:end], size: size,
		path: make(path, (end-begin)*size), push: make([]float64, size), pull: make([]float64, size),
		predicted: make([]float64, single),
	}
}

// guess is the control where the search begins: the trajectory of the last window,
// as far as it goes, and the forecast from there.
func (m *march) guess(w *window, begin int) []float64 {
	control := make([]float64, w.dim())
	if m.end == 0 {
		return control
	}
	if begin == m.begin {
		copy(control, m.valley.control)
		return control
	}
	if begin >= m.end {
		return control
	}
	x := append([]float64(nil), m.path.state(begin-m.begin, w.size)...)
	addScaled(x, -1, w.law.mean)
	w.law.root.reach(control[:w.law.root.rank()], x)
	if w.sd == nil {
		return control
	}
	old := m.valley.linear.window
	for t := begin + 1; t < m.end; t++ {
		copy(w.noise(control, t-begin), old.noise(m.valley.control, t-m.begin))
	}
	return control
}

// draw draws the members of the window: Laplace's approximation around the mode.
func (m *march) draw(ctx context.Context) error {
	w, members, length := m.valley.linear.window, m.problem.Members, m.end-m.begin
	if need := length * members * w.size; len(m.draws) < need {
		m.draws = make([]float64, need)
	}
	m.steps += members * (length - 1)
	err := parallel.For(ctx, members, func(_, k int) error {
		r := rng.Stream(m.problem.Seed, "variational/draw", uint64(m.problem.Case), uint64(m.begin), uint64(m.end), uint64(k))
		z, e, control := make([]float64, w.dim()), make([]float64, m.valley.linear.count()), make([]float64, w.dim())
		for i := range z {
			z[i] = r.NormFloat64()
		}
		for i := range e {
			e[i] = r.NormFloat64()
		}
		m.valley.solver.solve(control, z, e)
		addScaled(control, 1, m.valley.control)
		p := make(path, length*w.size)
		w.run(p, control)
		for t := range length {
			copy(m.members(m.begin + t)[k*w.size:], p.state(t, w.size))
		}
		if !finite(p) {
			return fmt.Errorf("%w: member %d of the window of states %d to %d is not finite: make the window shorter", ErrDiverged, k, m.begin, m.end-1)
		}
		return nil
	})
	return err
}

// members are the draws of state t of the window.
func (m *march) members(t int) []float64 {
	n := m.problem.Members * m.forecast.size
	return m.draws[(t-m.begin)*n : (t-m.begin+1)*n]
}

// show tells of the states from old on, which are new, and of those that the next
// window will not hold.
func (m *march) show(ctx context.Context, old int, watcher marchWatcher) error {
	if watcher.estimate != nil {
		if err := m.showNew(ctx, old, watcher.estimate); err != nil {
			return err
		}
	}
	copy(m.forecast.states, m.members(m.end-1))
	for t := m.begin; t < m.next(); t++ {
		if watcher.final != nil {
			watcher.final(t, m.members(t))
		}
		if watcher.estimate != nil && m.shift < m.width {
			if err := watcher.estimate(m.estimate(assimilate.Smoothed, t)); err != nil {
				return err
			}
		}
	}
	return nil
}

// showNew shows forecasts and analyses of the states from old on.
func (m *march) showNew(ctx context.Context, old int, watch func(assimilate.Estimate) error) error {
	for t := old; t < m.end; t++ {
		if err := m.forecast.forecast(ctx, t); err != nil {
			return err
		}
		if t > old {
			m.model.Flow(m.mean)
		}
		m.measure(m.mean, m.forecast.states)
		if err := watch(assimilate.Estimate{
			Stage: assimilate.Forecast, Index: t, Mean: m.mean, Variance: m.spread, Ensemble: m.forecast.states,
		}); err != nil {
			return err
		}
		if err := watch(m.estimate(assimilate.Analysis, t)); err != nil {
			return err
		}
	}
	return nil
}

func (m *march) estimate(stage assimilate.Stage, t int) assimilate.Estimate {
	mode := m.path.state(t-m.begin, m.forecast.size)
	m.measure(mode, m.members(t))
	return assimilate.Estimate{Stage: stage, Index: t, Mean: mode, Variance: m.spread, Ensemble: m.members(t)}
}

// measure sets the spread of members around a mean that they do not determine.
func (m *march) measure(mean, members []float64) {
	clear(m.spread)
	for i, x := range members {
		j := i % len(mean)
		m.spread[j] += (x - mean[j]) * (x - mean[j]) / float64(m.problem.Members)
	}
}
