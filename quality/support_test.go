package quality_test

import (
	"flag"
	"math"
	"testing"

	"retrace/dynamics"
	"retrace/internal/rng"
	"retrace/observe"
	"retrace/quality"
	"retrace/trajectory"
)

var long = flag.Bool("long", false, "run slow statistical tests")

// ring is a field of n points on a periodic axis of length n.
func ring(n int) dynamics.Space {
	axis := dynamics.Axis{Name: "x", Units: "km", Coordinates: make([]float64, n), Period: float64(n)}
	for i := range axis.Coordinates {
		axis.Coordinates[i] = float64(i)
	}
	return dynamics.Space{Variable: "state", Units: "K", Axes: []dynamics.Axis{axis}}
}

// see observes components of a space.
func see(t testing.TB, space dynamics.Space, indices ...int) observe.Operator {
	t.Helper()
	op, err := observe.Components{Indices: indices}.Build(space)
	if err != nil {
		t.Fatal(err)
	}
	return op
}

// sequence is one observation with equal standard deviations for each list of
// values, of states 0, 1, ...
func sequence(op observe.Operator, sd float64, values ...[]float64) observe.Sequence {
	var s observe.Sequence
	for k, v := range values {
		o := observe.Observation{Index: k, Operator: op, Values: v, Sd: make([]float64, len(v))}
		for j := range o.Sd {
			o.Sd[j] = sd
		}
		s.Observations = append(s.Observations, o)
	}
	return s
}

// draws is an ensemble of independent normal states of one space.
func draws(space dynamics.Space, members, length int, mean, sd float64) *trajectory.Set {
	set := trajectory.New(space, dynamics.Clock{Interval: 1, Units: "h"}, []trajectory.Dimension{{Name: "member", Len: members}}, length)
	r := rng.Stream(1, "quality test")
	for i := range set.Data {
		set.Data[i] = float32(mean + sd*r.NormFloat64())
	}
	return set
}

// plant replaces a share of the values by others that are off by 6 to 30
// standard deviations, and tells which.
func plant(s observe.Sequence, share float64) (observe.Sequence, [][]bool) {
	r := rng.Stream(7, "planted errors")
	out := observe.Sequence{Observations: make([]observe.Observation, len(s.Observations))}
	bad := make([][]bool, len(s.Observations))
	for k, o := range s.Observations {
		values := append([]float64(nil), o.Values...)
		bad[k] = make([]bool, len(values))
		for j := range values {
			if r.Float64() < share {
				bad[k][j] = true
				values[j] += math.Copysign(o.Sd[j]*(6+24*r.Float64()), r.Float64()-0.5)
			}
		}
		o.Values = values
		out.Observations[k] = o
	}
	return out, bad
}

// tally compares verdicts with what was planted.
type tally struct{ planted, caught, good, lost int }

func (n *tally) add(v quality.Verdicts, bad [][]bool) {
	for k, row := range bad {
		for j, wrong := range row {
			rejected := v[k][j].Rejected()
			switch {
			case wrong:
				n.planted++
				if rejected {
					n.caught++
				}
			default:
				n.good++
				if rejected {
					n.lost++
				}
			}
		}
	}
}

func (n tally) caughtShare() float64 { return float64(n.caught) / float64(n.planted) }
func (n tally) lostShare() float64   { return float64(n.lost) / float64(n.good) }
