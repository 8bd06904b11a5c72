package qg

import (
	"fmt"
	"math/rand/v2"

	"retrace/internal/fault"
)

// Simulation is one trajectory of a model: the [dynamics.Stepper] that Begin and
// Continue return. It is not safe for concurrent use.
type Simulation struct {
	model *Model
	work  *workspace
	multistep
	// The state may be in the stepper of work, too, or only there.
	loaded, ahead bool
}

// newSimulation starts at the potential vorticity in q.
func (m *Model) newSimulation(start func(w *workspace, q pair)) *Simulation {
	s := &Simulation{model: m, work: newWorkspace(m.grid, m.tables), multistep: m.grid.newMultistep()}
	start(s.work, s.q)
	s.prepare()
	return s
}

// prepare gets ready for the next step after a change of the state.
func (s *Simulation) prepare() {
	s.loaded = false
	s.spectra()
}

// spectra sets the spectra from which the next step starts, unless the stepper
// has them.
func (s *Simulation) spectra() {
	if s.model.tables.plain == nil {
		s.work.derive(s.q)
		s.work.addTopography()
	}
}

// settle brings the state back from the stepper.
func (s *Simulation) settle() {
	if s.ahead {
		s.work.plainStepper().Store(s.state())
		s.ahead = false
	}
}

// Steps is the number of time steps made since the trajectory's start.
func (s *Simulation) Steps() int { return s.steps }

// State writes the present state to x.
func (s *Simulation) State(x []float64) {
	s.settle()
	s.model.emit(s.work, x, s.q)
	s.spectra()
}

// PV writes the present potential vorticity on the grid to q: both layers, ny
// rows of nx values each, 1/s.
func (s *Simulation) PV(q []float64) {
	s.model.checkGrid(q)
	s.settle()
	first, second := s.work.toGrid(s.q[0], s.q[1])
	n := copy(q, first)
	copy(q[n:], second)
	s.spectra()
}

// Advance moves on by one sampling interval. If the flow is too fast for the
// time step, or no longer finite, it fails with a *CourantError.
func (s *Simulation) Advance(r *rand.Rand) error {
	for range s.model.steps {
		s.Step(r)
		if err := s.check(); err != nil {
			return err
		}
	}
	return nil
}

// Step moves on by one time step, without looking at the result.
func (s *Simulation) Step(r *rand.Rand) {
	if s.model.tables.plain != nil {
		if !s.loaded {
			s.work.plainStepper().Load(s.state())
		}
		s.work.plainStep(&s.multistep, s.model.dt)
		s.loaded, s.ahead = true, true
		return
	}
	s.work.fluxes()
	s.model.step(s.work, &s.multistep, r)
}

// check looks at the flow at the start of the last step.
func (s *Simulation) check() error {
	p := &s.model.parameters
	fastest := s.work.points.Fastest
	courant := max(fastest[0]/s.model.grid.dx(), fastest[1]/s.model.grid.dy()) * s.model.dt
	if courant <= mostCourant {
		return nil
	}
	speed := max(fastest[0], fastest[1], fast)
	if courant != courant { // it was not finite any more
		speed = 2 * goodCourant / s.model.dt * min(s.model.grid.dx(), s.model.grid.dy())
	}
	return fault.Input(&CourantError{
		Steps: s.steps, Dt: s.model.dt, Courant: courant, Cure: p.cureStep(speed),
	})
}

// mostCourant is the share of a cell that flow may cross in a time step. The
// scheme is stable to 0.724 on the imaginary axis, which the filter's cut-off of
// 0.65 pi turns into 0.35 for flow along one axis that is as fast everywhere;
// peaks may exceed that.
const mostCourant = 0.5

// CourantError reports a flow that is too fast for the time step.
type CourantError struct {
	Steps   int     // time steps made
	Dt      float64 // time step, s
	Courant float64 // cells crossed in a step by the fastest flow; NaN if the flow is not finite
	Cure    float64 // a time step to use instead, s
}

// Error names a time step that works.
func (e *CourantError) Error() string {
	if e.Courant != e.Courant {
		return fmt.Sprintf("qg: the flow is not finite after %d steps of dt = %.6g s: set dt to at most %.6g", e.Steps, e.Dt, e.Cure)
	}
	return fmt.Sprintf("qg: after %d steps of dt = %.6g s the fastest flow crosses %.2g cells in a step, more than %v: set dt to at most %.6g",
		e.Steps, e.Dt, e.Courant, mostCourant, e.Cure)
}
