package dynamics

import "math/rand/v2"

// Stepper is one trajectory in the making. It owns what the trajectory needs
// besides its present state, and is not safe for concurrent use.
type Stepper interface {
	// State writes the present state to x.
	State(x []float64)
	// Advance moves on by one sampling interval, drawing from r. An error says
	// why the trajectory cannot go on and what cures it; the state is then not
	// to be used.
	Advance(r *rand.Rand) error
}

// Stateful is a Model whose trajectories carry more than their states, such as
// the past tendencies of a multistep integrator or a grid finer than the
// states'. Its trajectories are made by a Stepper. Step is then the best
// transition that the state alone allows; several Steps in a row are close to
// the trajectory, not equal to it.
type Stateful interface {
	Model
	// Begin starts a trajectory at a draw of the initial law.
	Begin(r *rand.Rand) Stepper
	// Continue starts a trajectory at state x.
	Continue(x []float64) Stepper
}

// Begin starts a trajectory of any model at a draw of its initial law.
func Begin(m Model, r *rand.Rand) Stepper {
	if s, ok := m.(Stateful); ok {
		return s.Begin(r)
	}
	x := make([]float64, m.Space().Size())
	m.Initial(x, r)
	return &plain{m, x}
}

// Continue starts a trajectory of any model at state x, which is copied.
func Continue(m Model, x []float64) Stepper {
	if s, ok := m.(Stateful); ok {
		return s.Continue(x)
	}
	return &plain{m, append([]float64(nil), x...)}
}

// plain steps a model whose state says all.
type plain struct {
	model Model
	x     []float64
}

func (p *plain) State(x []float64) { copy(x, p.x) }

func (p *plain) Advance(r *rand.Rand) error {
	p.model.Step(p.x, r)
	return nil
}
