package particle

import (
	"context"
	"math"
	"math/rand/v2"

	"retrace/dynamics"
	"retrace/internal/parallel"
)

// exhaustive is the backward kernel of any model with a transition density: it
// evaluates the density from every particle.
type exhaustive struct {
	model           dynamics.TransitionDensity
	size            int
	states, weights []float64
	terms           [][]float64 // one a worker: log w_i p(next | x_i)
}

func newExhaustive(model dynamics.TransitionDensity, particles int) *exhaustive {
	e := &exhaustive{model: model, size: model.Space().Size(), terms: make([][]float64, parallel.Workers(math.MaxInt))}
	for w := range e.terms {
		e.terms[w] = make([]float64, particles)
	}
	return e
}

func (e *exhaustive) load(_ context.Context, states, weights []float64) error {
	e.states, e.weights = states, weights
	return nil
}

func (e *exhaustive) steps(int) int { return 0 }

func (e *exhaustive) draw(worker int, next []float64, r *rand.Rand) int {
	terms := e.terms[worker]
	for i, w := range e.weights {
		terms[i] = math.Inf(-1)
		if w > 0 {
			terms[i] = math.Log(w) + e.model.LogTransition(e.states[i*e.size:(i+1)*e.size], next)
		}
	}
	return pick(terms, r.Float64())
}

// pick returns i with probability proportional to exp(terms[i]) for uniform u,
// and overwrites terms; -1 if the sum of them is zero or not a number.
func pick(terms []float64, u float64) int {
	top := math.Inf(-1)
	for _, l := range terms {
		top = max(top, l)
	}
	var sum float64
	for i, l := range terms {
		sum += math.Exp(l - top)
		terms[i] = sum
	}
	if !(sum > 0) {
		return -1
	}
	last := 0
	for i, s := range terms {
		if s > u*sum {
			return i
		}
		if i > 0 && s > terms[i-1] {
			last = i
		}
	}
	return last
}
