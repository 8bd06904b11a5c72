package trajectory_test

import (
	"math"
	"math/rand/v2"

	"retrace/dynamics"
	"retrace/trajectory"
)

// walk is a damped random walk of two labelled components.
type walk struct {
	// blowUp makes the state infinite after that many steps if the first draw
	// of a trajectory is above 1; 0 is never.
	blowUp int
	value  float64
}

var walkSpace = dynamics.Space{
	Variable: "state", LongName: "damped random walk", Units: "m",
	Axes: []dynamics.Axis{{Name: "variable", LongName: "component", Labels: []string{"position", "élan"}}},
}

func (walk) Space() dynamics.Space { return walkSpace }
func (walk) Clock() dynamics.Clock { return dynamics.Clock{Interval: 0.1, Units: "1"} }
func (walk) SpinUp() int           { return 10 }

func (walk) Initial(x []float64, r *rand.Rand) {
	x[0], x[1] = r.NormFloat64(), 0
}

func (w walk) Step(x []float64, r *rand.Rand) {
	if w.blowUp > 0 && (x[0] > 1 || x[1] > 0) {
		x[1]++
		if int(x[1]) == w.blowUp {
			x[0] = w.value
		}
		return
	}
	x[0] = 0.9*x[0] + 0.1*r.NormFloat64()
}

// field is the space of two layers of 2 by 3 points.
var field = dynamics.Space{
	Variable: "q", LongName: "potential vorticity", Units: "s-1",
	Axes: []dynamics.Axis{
		{Name: "layer", Labels: []string{"upper", "lower"}},
		{Name: "y", LongName: "northward distance", Units: "m", Coordinates: []float64{0, 1e3 / 3}, Period: 2e3 / 3},
		{Name: "x", LongName: "eastward distance", Units: "m", Coordinates: []float64{0, 0.1, 0.2}},
	},
}

// fields is a set of two leading dimensions, 2 cases and 3 members, of 4 times,
// whose values count up from zero, with awkward times.
func fields() *trajectory.Set {
	s := trajectory.New(field, dynamics.Clock{Interval: 1.0 / 3, Units: "days since 2001-01-01"},
		[]trajectory.Dimension{{Name: "case", Len: 2}, {Name: "member", Len: 3}}, 4)
	s.Start = math.Pi
	for i := range s.Data {
		s.Data[i] = float32(i)
	}
	return s
}
