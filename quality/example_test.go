package quality_test

import (
	"fmt"

	"retrace/dynamics"
	"retrace/observe"
	"retrace/quality"
	"retrace/trajectory"
)

// Two thermometers, one of which has sent a wrong sign, are checked against an
// ensemble forecast of some 20 degrees.
func Example() {
	space := dynamics.Space{Variable: "temperature", Units: "degC", Axes: []dynamics.Axis{{Name: "place", Labels: []string{"north", "south"}}}}
	both, err := observe.Identity{}.Build(space)
	if err != nil {
		panic(err)
	}
	readings := observe.Sequence{Observations: []observe.Observation{
		{Index: 0, Operator: both, Values: []float64{19.2, -20.4}, Sd: []float64{0.5, 0.5}},
	}}
	forecast := trajectory.New(space, dynamics.Clock{Interval: 1, Units: "h"}, []trajectory.Dimension{{Name: "member", Len: 3}}, 1)
	copy(forecast.Data, []float32{19, 20, 20, 22, 21, 21})

	outcome := quality.NewRules().Apply(readings, quality.Known{Space: space, Prior: quality.Predict(readings, forecast)})
	fmt.Println(outcome.Verdicts, outcome.Assimilate().Observations[0].Values)
	// Output: [[accepted background]] [19.2 NaN]
}
