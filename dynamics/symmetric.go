package dynamics

import "math/rand/v2"

// Symmetric is a Model whose trajectories have images that are trajectories too, as
// likely as they are: shifts along a periodic axis, reflections.
type Symmetric interface {
	Model
	// Symmetry draws such a map of states, in physical units; dst and x must not
	// overlap. All states of a trajectory go through the same one.
	Symmetry(r *rand.Rand) (image func(dst, x []float32))
}
