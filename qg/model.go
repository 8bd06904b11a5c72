package qg

import (
	"math"
	"math/rand/v2"
	"sync"

	"retrace/dynamics"
	"retrace/internal/fault"
)

// Model is the two-layer model on a grid, seen every sampling interval as fields
// on the same or a coarser grid. It is safe for concurrent use.
//
// A trajectory is made by a [Simulation], which Begin and Continue start: its
// past tendencies and, with coarse states, its fine grid go on from one state to
// the next. Step knows one state only. It starts anew at each call: from the
// smooth field of potential vorticity that has the given means, by the midpoint
// rule instead of the Euler step, so that it stays close to the trajectory.
type Model struct {
	parameters TwoLayer
	grid       *grid
	tables     *tables
	dt         float64
	steps      int // of an interval
	view       *view
	space      dynamics.Space
	work       sync.Pool
}

func newModel(p *TwoLayer) (*Model, error) {
	m := &Model{parameters: *p, grid: newGrid(p.Nx, p.Ny, p.LengthX, p.LengthY)}
	m.tables = newTables(p, m.grid)
	m.dt, m.steps = p.step()
	var err error
	if m.view, err = newView(p, m.grid); err != nil {
		return nil, err
	}
	m.work.New = func() any {
		return &transition{newWorkspace(m.grid, m.tables), m.grid.newMultistep()}
	}
	m.setForcing()
	if p.ForcingRate > 0 {
		if m.tables.ring = newRing(p, m.grid, m.tables); m.tables.ring == nil {
			return nil, fault.Inputf("forcing_wavenumber = %v, forcing_width = %v: no wavenumber of the grid lies in the ring", p.ForcingWavenumber, p.ForcingWidth)
		}
	}
	m.tables.arrange(m.grid)
	m.space = m.newSpace()
	return m, nil
}

// transition is what a call of Step works with.
type transition struct {
	*workspace
	multistep
}

func (m *Model) borrow() *transition { return m.work.Get().(*transition) }

func (m *Model) giveBack(t *transition) { m.work.Put(t) }

// Parameters returns the parameters of the model.
func (m *Model) Parameters() TwoLayer { return m.parameters }

// TimeStep is the time step in s; a whole number of them make an interval.
func (m *Model) TimeStep() float64 { return m.dt }

// Space describes a state. The caller must not change it.
func (m *Model) Space() dynamics.Space { return m.space }

// Clock gives the sampling interval, in days.
func (m *Model) Clock() dynamics.Clock {
	return dynamics.Clock{Interval: m.parameters.Interval / day, Units: "days"}
}

// SpinUp is the number of intervals to the steady state.
func (m *Model) SpinUp() int {
	return int(math.Ceil(m.parameters.SpinUp*day/m.parameters.Interval - 1e-9))
}

// Initial draws a state.
func (m *Model) Initial(x []float64, r *rand.Rand) {
	t := m.borrow()
	m.draw(t.workspace, t.q, r)
	m.emit(t.workspace, x, t.q)
	m.giveBack(t)
}

// Begin starts a trajectory at a draw of the initial law.
func (m *Model) Begin(r *rand.Rand) dynamics.Stepper {
	return m.newSimulation(func(w *workspace, q pair) { m.draw(w, q, r) })
}

// Continue starts a trajectory at state x.
func (m *Model) Continue(x []float64) dynamics.Stepper {
	return m.newSimulation(func(w *workspace, q pair) { m.lift(w, q, x) })
}

// Start starts a trajectory at the potential vorticity of both layers on the
// grid, ny rows of nx values each, 1/s.
func (m *Model) Start(q []float64) *Simulation {
	m.checkGrid(q)
	return m.newSimulation(func(w *workspace, spectrum pair) {
		w.transform(spectrum, q[:m.grid.size()], q[m.grid.size():])
		m.truncate(spectrum)
	})
}

func (m *Model) checkGrid(q []float64) {
	if len(q) != 2*m.grid.size() {
		panic("qg: potential vorticity has not the size of both layers")
	}
}

// truncate removes what exact dealiasing never keeps.
func (m *Model) truncate(q pair) {
	if !m.parameters.Truncate {
		return
	}
	for i, f := range m.tables.filter {
		if f == 0 {
			for layer := range q {
				q[layer].Re[i], q[layer].Im[i] = 0, 0
			}
		}
	}
}

// Step advances state x in place by one sampling interval. If the integration
// blows up, the state becomes NaN.
func (m *Model) Step(x []float64, r *rand.Rand) {
	t := m.borrow()
	m.lift(t.workspace, t.q, x)
	t.steps = 0
	m.flow(t, r)
	m.emit(t.workspace, x, t.q)
	m.giveBack(t)
}

// flow moves t on by one sampling interval from its start.
func (m *Model) flow(t *transition, r *rand.Rand) {
	m.firstStep(t)
	if m.tables.plain != nil {
		t.advance(&t.multistep, m.dt, m.steps-1)
		return
	}
	m.kick(t.workspace, t.q, r)
	for range m.steps - 1 {
		t.fluxes()
		m.step(t.workspace, &t.multistep, r)
	}
}

// firstStep makes the step by the midpoint rule and keeps the tendency of its
// start for the next.
func (m *Model) firstStep(t *transition) {
	middle := t.borrow()
	t.rightSide(t.previous, t.q)
	middle.copyFrom(t.q)
	middle.add(m.dt/2, t.previous)
	middle.scale(m.tables.filter)
	t.rightSide(t.last, middle)
	t.q.add(m.dt, t.last)
	t.q.scale(m.tables.filter)
	t.giveBack(middle)
	t.last.copyFrom(t.previous)
	t.steps = 1
	t.derive(t.q)
	t.addTopography()
}

// step moves s on by a time step, the fluxes being known.
func (m *Model) step(w *workspace, s *multistep, r *rand.Rand) {
	w.update(s, m.dt, m.tables.filter)
	m.kick(w, s.q, r)
}

// Deterministic is a [Model] without random forcing.
type Deterministic struct {
	*Model
	still []float64
}

// Flow advances x in place by one sampling interval.
func (m *Deterministic) Flow(x []float64) { m.Step(x, nil) }

// NoiseSd is zero in every component.
func (m *Deterministic) NoiseSd() []float64 { return m.still }
