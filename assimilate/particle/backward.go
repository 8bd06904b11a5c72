// Backward simulation (Godsill, Doucet & West 2004, algorithm 1).

package particle

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"

	"retrace/internal/parallel"
	"retrace/internal/rng"
)

// backwardKernel draws which particle of a state a member came from.
type backwardKernel interface {
	// load prepares for draws among particles (particles x size) with
	// normalised weights. Both are kept until the next load.
	load(ctx context.Context, states, weights []float64) error
	// draw returns particle i with probability proportional to
	// w_i p(next | x_i), or a negative number if that is zero or NaN for all.
	// One worker, from 0, makes one draw at a time.
	draw(worker int, next []float64, r *rand.Rand) int
	// steps is the number of model steps per particle for length states.
	steps(length int) int
}

// memberChunk is the number of members drawn as one piece of parallel work.
const memberChunk = 32

// smooth draws the particle that each member passes through at each state:
// paths[t][member].
func smooth(ctx context.Context, f *filter, kernel backwardKernel, tick func()) ([][]int32, error) {
	p := f.problem
	paths := make([][]int32, p.Length)
	last := p.Length - 1
	paths[last] = lastParticles(f)
	tick()
	chunks := (p.Members + memberChunk - 1) / memberChunk
	sources := make([]*rng.Source, parallel.Workers(chunks))
	for w := range sources {
		sources[w] = rng.NewSource(p.Seed, "particle/backward")
	}
	for t := last - 1; t >= 0; t-- {
		if err := kernel.load(ctx, f.states[t], f.weights[t]); err != nil {
			return nil, err
		}
		paths[t] = make([]int32, p.Members)
		err := parallel.For(ctx, chunks, func(worker, chunk int) error {
			begin := chunk * memberChunk
			for k := begin; k < min(begin+memberChunk, p.Members); k++ {
				r := sources[worker].At(uint64(p.Case), f.method.Stream, uint64(t), uint64(k)).Rand
				next := f.state(t+1, int(paths[t+1][k]))
				if paths[t][k] = int32(kernel.draw(worker, next, r)); paths[t][k] < 0 {
					return fmt.Errorf("%w: the transition density of %T from state %d is zero or NaN for every particle", ErrDiverged, p.Model, t)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		tick()
	}
	return paths, nil
}

// lastParticles draws, for each member, a particle of the last state by its
// weight.
func lastParticles(f *filter) []int32 {
	p := f.problem
	last := p.Length - 1
	cumulative := slices.Clone(f.weights[last])
	for i := range cumulative[1:] {
		cumulative[i+1] += cumulative[i]
	}
	total := cumulative[len(cumulative)-1]
	source := rng.NewSource(p.Seed, "particle/backward")
	path := make([]int32, p.Members)
	for k := range path {
		u := source.At(uint64(p.Case), f.method.Stream, uint64(last), uint64(k)).Float64() * total
		// The first particle whose cumulative weight exceeds u has weight.
		path[k] = int32(min(sort.Search(len(cumulative), func(i int) bool { return cumulative[i] > u }), len(cumulative)-1))
	}
	return path
}
