package verify

import (
	"fmt"
	"math"

	"retrace/internal/rng"
	"retrace/observe"
	"retrace/trajectory"
)

// Sample is a set of trajectories to be scored, all values finite. Make one
// with NewSample.
type Sample struct {
	Members int // trajectories
	Length  int // states of a trajectory
	Size    int // values of a state

	data []float32 // members x states x values
}

// NewSample reads a set with at most one leading dimension (the members) as a
// sample; a set without one, such as a truth, is a sample of one trajectory.
// The sample shares the data of the set. The error tells where a value is NaN
// or infinite, or why the set is no sample.
func NewSample(set *trajectory.Set) (*Sample, error) {
	s := &Sample{Members: 1, Length: set.Length, Size: set.Space.Size(), data: set.Data}
	if len(set.Lead) > 1 {
		return nil, fmt.Errorf("verify: a sample has one leading dimension (the members), not %d: select a case first", len(set.Lead))
	}
	if len(set.Lead) == 1 {
		s.Members = set.Lead[0].Len
	}
	if s.Members < 1 || s.Length < 1 || s.Size < 1 || len(s.data) != s.Members*s.width() {
		return nil, fmt.Errorf("verify: a set of %d trajectories of %d states of %d values cannot hold %d values",
			s.Members, s.Length, s.Size, len(s.data))
	}
	for i, x := range s.data {
		if v := float64(x); math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("verify: member %d, state %d, component %s: the value is %v",
				i/s.width(), i%s.width()/s.Size, observe.ComponentLabels(set.Space)[i%s.Size], x)
		}
	}
	return s, nil
}

// Member returns trajectory m, states by increasing time, as a view.
func (s *Sample) Member(m int) []float32 {
	return s.data[m*s.width() : (m+1)*s.width()]
}

// width is the number of values of a trajectory.
func (s *Sample) width() int { return s.Length * s.Size }

// Subsample returns n members drawn without replacement, the same ones for the
// same seed; the sample itself if it has no more than n. It makes large
// ensembles affordable for Wasserstein, whose work grows as n^3.
func (s *Sample) Subsample(n int, seed int64) *Sample {
	if n < 1 {
		panic("verify: a subsample needs at least one member")
	}
	if n >= s.Members {
		return s
	}
	sub := &Sample{Members: n, Length: s.Length, Size: s.Size, data: make([]float32, 0, n*s.width())}
	for _, m := range rng.Stream(seed, "verify/subsample").Perm(s.Members)[:n] {
		sub.data = append(sub.data, s.Member(m)...)
	}
	return sub
}

// mustMatch panics unless a and b hold trajectories of the same shape.
func mustMatch(a, b *Sample) {
	if a.Length != b.Length || a.Size != b.Size {
		panic("verify: the samples hold trajectories of different shapes")
	}
}

// truthValues returns the trajectory of a truth, a sample of one.
func truthValues(ensemble, truth *Sample) []float32 {
	mustMatch(ensemble, truth)
	if truth.Members != 1 {
		panic("verify: the truth is a sample of one trajectory")
	}
	return truth.data
}
