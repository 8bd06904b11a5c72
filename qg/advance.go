package qg

import "retrace/internal/twolayer"

// A step is third-order Adams-Bashforth with the filter applied to the updated
// state, as in pyqg:
//
//	q <- E (q + dt (23 T_n - 16 T_(n-1) + 5 T_(n-2))/12)
//
// started by an Euler step, E (q + dt T_0), and a step of second order,
// E (q + dt (3 T_1 - T_0)/2). The Euler step, whose relative error is
// (omega dt)^2/2 for a wave of frequency omega, is the largest error of a
// trajectory; where trajectories are restarted often it is replaced by the
// midpoint rule, E (q + dt T(E (q + dt/2 T_0))), which keeps the third order
// where the filter does not act.

// multistep is a trajectory of the integrator: its state, two past tendencies,
// and the number of steps made, from which the order follows.
type multistep struct {
	q              pair
	last, previous pair
	steps          int
}

func (g *grid) newMultistep() multistep {
	return multistep{q: g.newPair(), last: g.newPair(), previous: g.newPair()}
}

// adamsBashforth are the weights of the present tendency and of the two before,
// after so many steps.
func adamsBashforth(steps int) (now, last, previous float64) {
	switch steps {
	case 0:
		return 1, 0, 0
	case 1:
		return 3. / 2, -1. / 2, 0
	}
	return 23. / 12, -16. / 12, 5. / 12
}

// update moves s on by dt with the tendency whose fluxes are known, and
// sets the spectra of w1, w2 and z for the next step, in one pass over the
// wavenumbers.
func (w *workspace) update(s *multistep, dt float64, filter []float64) {
	now, last, previous := adamsBashforth(s.steps)
	weights := [3]float64{dt * now, dt * last, dt * previous}
	for kx := range w.grid.kx {
		row, _ := w.grid.row(kx)
		end := row + w.grid.ny
		w.tendencyRow(kx, w.present, s.q)
		w.addForcing(w.present, row)
		for layer := range s.q {
			t, q, last, oldest := w.present[layer], s.q[layer], s.last[layer], s.previous[layer]
			combine(q.Re[row:end], t.Re, last.Re[row:end], oldest.Re[row:end], weights, filter[row:end])
			combine(q.Im[row:end], t.Im, last.Im[row:end], oldest.Im[row:end], weights, filter[row:end])
		}
		w.deriveRow(kx, s.q)
	}
	w.addTopography()
	s.last, s.previous = s.previous, s.last
	s.steps++
}

// plainStep makes a step of the plain equations from what the stepper holds: the
// fluxes and update, fused.
func (w *workspace) plainStep(s *multistep, dt float64) {
	now, last, previous := adamsBashforth(s.steps)
	w.plainStepper().Step([3]float64{dt * now, dt * last, dt * previous})
	s.steps++
}

// advance makes n steps of the plain equations.
func (w *workspace) advance(s *multistep, dt float64, n int) {
	if n == 0 {
		return
	}
	w.plainStepper().Load(s.state())
	for range n {
		w.plainStep(s, dt)
	}
	w.plainStepper().Store(s.state())
}

// state is what a stepper works on.
func (s *multistep) state() twolayer.State {
	return twolayer.State{Q: s.q, Last: s.last, Previous: s.previous}
}

// combine makes the step for a row, and puts the present tendency in place of
// the oldest.
func combine(q, now, last, oldest []float64, weights [3]float64, filter []float64) {
	now, last, oldest, filter = now[:len(q)], last[:len(q)], oldest[:len(q)], filter[:len(q)]
	for j, factor := range filter {
		t := now[j]
		q[j] = factor * (q[j] + weights[0]*t + weights[1]*last[j] + weights[2]*oldest[j])
		oldest[j] = t
	}
}
