package reanalysis

import (
	"context"
	"fmt"
	"slices"

	"retrace/assimilate"
	"retrace/internal/parallel"
	"retrace/internal/rng"
	"retrace/observe"
)

// Methods that draw trajectories from a prior are conditioned on the states of
// neighbouring windows as on anything else: by an observation of the whole state, with
// a standard deviation small enough (Batch.Tightness) that nothing is left open. Each
// member is drawn by itself, given the states of the same member: a pair of members of
// two windows is then one trajectory, and the ensemble of such pairs is one of the
// joint posterior.

// seed addresses the random draws of a window.
func (b *Batch) seed(w Window) int64 {
	return int64(rng.Stream(b.Seed, "reanalysis/window", uint64(w.Index)).Uint64())
}

// draw draws the members of a window.
func (b *Batch) draw(ctx context.Context, w Window, seen observe.Sequence, given neighbours) (*analysis, error) {
	p := assimilate.Problem{
		Model: b.Model, Observations: seen, Length: w.Span.Len(), Members: b.Members,
		Seed: b.seed(w), Training: b.Training,
	}
	a := &analysis{}
	if given.left == nil && given.right == nil {
		result, err := b.Method.Assimilate(ctx, p, nil)
		if err != nil {
			return nil, err
		}
		a.states = result.Ensemble.Data
	} else {
		a.states = make([]float32, b.Members*w.Span.Len()*b.size())
		if err := b.drawGiven(ctx, p, given, a.states); err != nil {
			return nil, err
		}
	}
	a.final = make([]float64, b.Members*b.size())
	stride := w.Span.Len() * b.size()
	for k := range b.Members {
		for j, x := range a.states[(k+1)*stride-b.size():][:b.size()] {
			a.final[k*b.size()+j] = float64(x)
		}
	}
	return a, nil
}

// drawGiven draws each member given its own states of the neighbours.
func (b *Batch) drawGiven(ctx context.Context, p assimilate.Problem, given neighbours, states []float32) error {
	whole, err := observe.Identity{}.Build(b.Model.Space())
	if err != nil {
		return fmt.Errorf("conditioning on a neighbour: %w", err)
	}
	stride := p.Length * b.size()
	return parallel.For(ctx, b.Members, func(_, k int) error {
		q := p
		q.Members, q.Case = 1, k
		q.Observations.Observations = slices.Concat(
			b.states(whole, given.left, k, 0), p.Observations.Observations,
			b.states(whole, given.right, k, p.Length-len(given.right)/(b.Members*b.size())))
		result, err := b.Method.Assimilate(ctx, q, nil)
		if err != nil {
			return fmt.Errorf("member %d: %w", k, err)
		}
		copy(states[k*stride:], result.Ensemble.Data)
		return nil
	})
}

// states makes observations of the states of a member that a neighbour has kept, the
// first of them at an index of the span.
func (b *Batch) states(whole observe.Operator, kept []float32, member, first int) []observe.Observation {
	size := b.size()
	count := len(kept) / (b.Members * size)
	list := make([]observe.Observation, count)
	for i := range list {
		values := make([]float64, size)
		for j, x := range kept[(member*count+i)*size:][:size] {
			values[j] = float64(x)
		}
		list[i] = observe.Observation{Index: first + i, Operator: whole, Values: values, Sd: b.Tightness}
	}
	return list
}
