package quality

import (
	"math"
	"strings"

	"retrace/dynamics"
	"retrace/observe"
)

// places finds where the values of operators lie. What operators share is worked
// out once.
type places struct {
	space  dynamics.Space
	labels int // axes of labels
}

func newPlaces(space dynamics.Space) *places {
	p := &places{space: space}
	for _, a := range space.Axes {
		if len(a.Labels) > 0 {
			p.labels++
		}
	}
	return p
}

// of lists the coordinates of the values of an operator on every axis, and nil
// if they have none.
func (p *places) of(op observe.Operator) [][]float64 {
	located, ok := op.(observe.Located)
	if !ok {
		return nil
	}
	return located.Locations(p.space)
}

// definite reports whether a value has a coordinate on every axis of coordinates.
func (p *places) definite(place []float64) bool {
	for a, axis := range p.space.Axes {
		if len(axis.Labels) == 0 && math.IsNaN(place[a]) {
			return false
		}
	}
	return p.labels < len(p.space.Axes)
}

// channel tells values of different kind at one place apart: the position on the
// axes of labels, or, for a field that is not part of the state, the name before
// the first "/".
func (p *places) channel(label string) string {
	if p.labels == 0 {
		return ""
	}
	channel, _, _ := strings.Cut(label, "/")
	return channel
}

// near reports whether two places are less than a distance apart, in the metric of
// all axes of coordinates together.
func (p *places) near(a, b []float64, distance float64) bool {
	sum := 0.0
	for i, axis := range p.space.Axes {
		if len(axis.Labels) == 0 {
			sum += square(observe.Distance(axis, a[i], b[i]))
		}
	}
	return sum < square(distance)
}
