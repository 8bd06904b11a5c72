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
	// Weights of the members, not negative and summing to 1; nil if they are
	// equal. Set by Weigh.
	Weights []float64

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

// Weigh returns the sample with members that count by weight, such as those of a
// particle filter. The weights, one for each member, are scaled to sum to 1; the
// trajectories are shared. The error tells which weight is negative or not finite,
// or that all are zero. Every score but Wasserstein honours weights.
func (s *Sample) Weigh(weights []float64) (*Sample, error) {
	if len(weights) != s.Members {
		return nil, fmt.Errorf("verify: %d weights for %d members", len(weights), s.Members)
	}
	var sum float64
	for m, w := range weights {
		if !(w >= 0) || math.IsInf(w, 1) {
			return nil, fmt.Errorf("verify: the weight of member %d is %v", m, w)
		}
		sum += w
	}
	if !(sum > 0) || math.IsInf(sum, 1) {
		return nil, fmt.Errorf("verify: the weights sum to %v", sum)
	}
	weighted := *s
	weighted.Weights = make([]float64, len(weights))
	for m, w := range weights {
		weighted.Weights[m] = w / sum
	}
	return &weighted, nil
}

// EffectiveSize is the number of members that count, 1/sum w^2 (Kish 1965).
func (s *Sample) EffectiveSize() float64 { return effectiveSize(s.Weights, s.Members) }

// Draws evaluates a scalar function of trajectories, flat states x values in
// physical units, at the truth and at the members.
func (s *Sample) Draws(truth *Sample, function func(trajectory []float32) float64) Draws {
	d := Draws{Truth: function(truthValues(s, truth)), Members: make([]float64, s.Members), Weights: s.Weights}
	for m := range d.Members {
		d.Members[m] = function(s.Member(m))
	}
	return d
}

// Member returns trajectory m, states by increasing time, as a view.
func (s *Sample) Member(m int) []float32 {
	return s.data[m*s.width() : (m+1)*s.width()]
}

// width is the number of values of a trajectory.
func (s *Sample) width() int { return s.Length * s.Size }

// Subsample returns n members drawn without replacement, the same ones for the
// same seed; the sample itself if it has no more than n. Of weighted members it
// returns n equal ones, drawn with replacement in proportion to their weights. It makes large
// ensembles affordable for Wasserstein, whose work grows as n^3.
func (s *Sample) Subsample(n int, seed int64) *Sample {
	if n < 1 {
		panic("verify: a subsample needs at least one member")
	}
	if s.Weights != nil {
		return s.resample(n, seed)
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

// resample draws n members by weight, systematically: one for each of n evenly
// spaced levels of the summed weights.
func (s *Sample) resample(n int, seed int64) *Sample {
	sub := &Sample{Members: n, Length: s.Length, Size: s.Size, data: make([]float32, 0, n*s.width())}
	level := rng.Stream(seed, "verify/resample").Float64() / float64(n)
	m, sum := 0, s.Weights[0]
	for range n {
		for sum < level && m+1 < s.Members {
			m++
			sum += s.Weights[m]
		}
		sub.data = append(sub.data, s.Member(m)...)
		level += 1 / float64(n)
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
