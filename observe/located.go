package observe

import (
	"math"

	"retrace/dynamics"
)

// Located is an Operator whose values were seen somewhere: what localisation
// needs to know which components of the state a value may influence.
type Located interface {
	Operator
	// Locations returns one row for each observed value, and in it one
	// coordinate for each axis of the space that the operator was built for: in
	// the units of the axis, within its period if it has one; on an axis of
	// labels the position of the label, from 0. It is NaN on an axis where the
	// value has no single place, such as one that it averages over. The mean of
	// a block lies at the mean coordinate of its members.
	Locations(space dynamics.Space) [][]float64
}

// Location is the place of component i of a state, in the form of a row of
// [Located]: its coordinate on each axis, or the position of its label.
func Location(space dynamics.Space, i int) []float64 {
	place := make([]float64, len(space.Axes))
	for a := len(space.Axes) - 1; a >= 0; a-- {
		length := space.Axes[a].Len()
		place[a] = coordinate(space.Axes[a], i%length)
		i /= length
	}
	return place
}

// Distance is how far apart two coordinates of an axis are, the short way
// round if it is periodic; on an axis of labels it is that of their positions.
// It is NaN if either is.
func Distance(axis dynamics.Axis, a, b float64) float64 {
	d := math.Abs(a - b)
	if axis.Period > 0 {
		d = math.Mod(d, axis.Period)
		d = math.Min(d, axis.Period-d)
	}
	return d
}

// coordinate is that of a point of an axis, or the position of its label.
func coordinate(axis dynamics.Axis, i int) float64 {
	if len(axis.Labels) > 0 {
		return float64(i)
	}
	return axis.Coordinates[i]
}

// Locations are those of the components seen.
func (s *selection) Locations(space dynamics.Space) [][]float64 {
	places := make([][]float64, len(s.indices))
	for j, i := range s.indices {
		places[j] = Location(space, i)
	}
	return places
}

// Locations are the mean coordinates of the members of each block, and NaN on
// the axes that a block covers wholly, and on axes of labels that it covers in
// part.
func (a *average) Locations(space dynamics.Space) [][]float64 {
	places := make([][]float64, len(a.inverse))
	covered := make([]map[float64]bool, len(places)*len(space.Axes))
	for j := range places {
		places[j] = make([]float64, len(space.Axes))
	}
	for i, j := range a.block {
		if j < 0 {
			continue
		}
		for axis, c := range Location(space, i) {
			places[j][axis] += c
			seen := &covered[j*len(space.Axes)+axis]
			if *seen == nil {
				*seen = map[float64]bool{}
			}
			(*seen)[c] = true
		}
	}
	for j, place := range places {
		for axis := range place {
			place[axis] /= math.Round(1 / a.inverse[j])
			points := len(covered[j*len(space.Axes)+axis])
			whole := points == space.Axes[axis].Len()
			if points > 1 && (whole || len(space.Axes[axis].Labels) > 0) {
				place[axis] = math.NaN()
			}
		}
	}
	return places
}
