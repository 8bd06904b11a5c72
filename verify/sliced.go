// The sliced Wasserstein distance (Rabin et al. 2012; Bonneel et al. 2015): the
// mean of the 1-Wasserstein distance of two samples projected on random directions
// t, uniform on the unit sphere of trajectories,
//
//	SW = mean over t of integral |F_a(u; t) - F_b(u; t)| du .
//
// In one dimension transport is sorting, so that it costs n log n a direction, at
// any dimension.

package verify

import (
	"cmp"
	"math"
	"slices"

	"retrace/internal/rng"
)

// SlicedWasserstein averages over directions drawn by seed, the same ones for the
// same seed; 100 are usual. Samples may have different sizes and weights. In units
// of the state. Report it beside its Floor.
func SlicedWasserstein(a, b *Sample, directions int, seed int64) float64 {
	mustMatch(a, b)
	direction := make([]float64, a.width())
	source := rng.NewSource(seed, "verify/sliced")
	var sum float64
	for k := range directions {
		r := source.At(uint64(k))
		var norm float64
		for i := range direction {
			direction[i] = r.NormFloat64()
			norm += direction[i] * direction[i]
		}
		for i := range direction {
			direction[i] /= math.Sqrt(norm)
		}
		sum += lineTransport(a.project(direction), b.project(direction))
	}
	return sum / float64(directions)
}

// step is a jump of a distribution function.
type step struct{ at, mass float64 }

// project lists the members along a direction.
func (s *Sample) project(direction []float64) []step {
	steps := make([]step, s.Members)
	for m := range steps {
		var sum float64
		for i, x := range s.Member(m) {
			sum += direction[i] * float64(x)
		}
		steps[m] = step{sum, s.weight(m)}
	}
	return steps
}

// lineTransport is the integral of the distance of two distribution functions.
func lineTransport(a, b []step) float64 {
	steps := slices.Clone(a)
	for _, s := range b {
		steps = append(steps, step{s.at, -s.mass})
	}
	slices.SortFunc(steps, func(x, y step) int { return cmp.Compare(x.at, y.at) })
	var sum, gap float64
	for i, s := range steps[:len(steps)-1] {
		gap += s.mass
		sum += math.Abs(gap) * (steps[i+1].at - s.at)
	}
	return sum
}
