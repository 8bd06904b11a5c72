package kalman

// What the observations of one state say about an ensemble, in units of their
// noise: with members x_i, operator h, values y and standard deviations s,
//
//	Y_ij = (h_j(x_i) - hbar_j)/s_j      anomalies, N by p
//	d_j  = (y_j - hbar_j)/s_j           innovations
//
// where hbar is the mean of h over the members. In these units the covariance
// of the noise is the identity, and every formula of this package is free of R.
// Values that are missing are left out, as if their rows of h did not exist.

import (
	"fmt"
	"math"
	"slices"

	"retrace/observe"
)

type innovation struct {
	members, size int
	seen          []observe.Observation

	count     int       // p, values present
	anomalies []float64 // Y
	residual  []float64 // d
	place     []int     // of each value present, among all values of seen
	values    []float64 // y
	scale     []float64 // 1/s
	all       []float64 // every value of one member
}

// newInnovation makes room for up to most values of ensembles of so many
// members.
func newInnovation(members, size, most int) *innovation {
	return &innovation{
		members: members, size: size,
		anomalies: make([]float64, members*most), residual: make([]float64, most),
		place: make([]int, most), values: make([]float64, most), scale: make([]float64, most), all: make([]float64, most),
	}
}

// mostValues is the largest number of values, present or not, that a sequence
// has of one state.
func mostValues(s observe.Sequence) int {
	most, here, at := 0, 0, -1
	for _, o := range s.Observations {
		if o.Index != at {
			here, at = 0, o.Index
		}
		here += len(o.Values)
		most = max(most, here)
	}
	return most
}

// read compares an ensemble with the observations of its state.
func (s *innovation) read(seen []observe.Observation, ensemble []float64) error {
	s.seen = seen
	s.list()
	for member := range s.members {
		s.predict(s.anomalies[member*s.count:(member+1)*s.count], ensemble[member*s.size:(member+1)*s.size])
	}
	if y := s.anomalies[:s.members*s.count]; !finite(y) {
		j := slices.IndexFunc(y, func(v float64) bool { return v-v != 0 })
		return fmt.Errorf("an observed value of state %d is %v: the operator is not defined there: %w", seen[0].Index, y[j], &Divergence{seen[0].Index, j / s.count})
	}
	s.normalise()
	return nil
}

// list notes which values are present.
func (s *innovation) list() {
	s.count = 0
	offset := 0
	for _, o := range s.seen {
		for j, y := range o.Values {
			if !math.IsNaN(y) {
				s.place[s.count], s.scale[s.count], s.values[s.count] = offset+j, 1/o.Sd[j], y
				s.count++
			}
		}
		offset += len(o.Values)
	}
}

// predict writes the values of state x that are present to y.
func (s *innovation) predict(y, x []float64) {
	offset := 0
	for _, o := range s.seen {
		o.Operator.Apply(s.all[offset:offset+len(o.Values)], x)
		offset += len(o.Values)
	}
	for j := range y {
		y[j] = s.all[s.place[j]]
	}
}

// normalise turns predictions into Y and values into d.
func (s *innovation) normalise() {
	p := s.count
	y, mean := s.anomalies[:s.members*p], s.all[:p]
	centre(mean, y, p)
	for j, scale := range s.scale[:p] {
		s.residual[j] = (s.values[j] - mean[j]) * scale
	}
	for row := 0; row < len(y); row += p {
		for j, scale := range s.scale[:p] {
			y[row+j] *= scale
		}
	}
}

// squares returns the sum of d^2 and the sum of the variances of h in units of
// those of the noise: the first is p plus the second on average, if spread and
// noise are what they claim to be.
func (s *innovation) squares() (innovations, spread float64) {
	p := s.count
	y := s.anomalies[:s.members*p]
	return dot(s.residual[:p], s.residual[:p]), dot(y, y) / float64(s.members-1)
}
