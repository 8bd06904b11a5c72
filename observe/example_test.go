package observe_test

import (
	"fmt"
	"log"
	"math"
	"strings"

	"retrace/dynamics"
	"retrace/observe"
)

// plane is a state of two components, in metres.
var plane = dynamics.Space{
	Variable: "position", Units: "m",
	Axes: []dynamics.Axis{{Name: "direction", Labels: []string{"east", "north"}}},
}

// hourly places 25 states an hour apart.
var hourly = observe.Timeline{Clock: dynamics.Clock{Interval: 1, Units: "h"}, Length: 25}

// Observations of a user, in a table of their own, become a sequence that
// every method can assimilate.
func Example() {
	table := `# a buoy: noon position by satellite, evening by radio (north only)
time,quantity,value,sd
12,east,103.5,2.5
12,north,-40,2.5
18,north,-38.5,10
24,east,,
`
	cases, err := observe.ReadCSV(strings.NewReader(table), "buoy.csv", observe.Target{Space: plane, Timeline: hourly})
	if err != nil {
		log.Fatal(err)
	}
	for _, o := range cases[0].Observations {
		fmt.Println(hourly.Time(o.Index), observe.Labels(o.Operator), o.Values, o.Sd)
	}
	at := make([]float32, 25*2)
	fmt.Printf("log p(y|x) at the origin: %.1f\n", observe.NewLikelihood(cases[0]).Log(at))
	// Output:
	// 12 [east north] [103.5 -40] [2.5 2.5]
	// 18 [north] [-38.5] [10]
	// 24 [east] [NaN] [NaN]
	// log p(y|x) at the origin: -999.3
}

// An operator of one's own: the distance from the origin.
func ExampleFunc() {
	distance := observe.Func{
		State: 2, Values: 1, Names: []string{"distance"},
		Function: func(y, x []float64) { y[0] = math.Hypot(x[0], x[1]) },
		Pullback: func(dst, x, v []float64) {
			r := math.Hypot(x[0], x[1])
			dst[0], dst[1] = v[0]*x[0]/r, v[0]*x[1]/r
		},
	}
	y, gradient := make([]float64, 1), make([]float64, 2)
	distance.Apply(y, []float64{3, 4})
	distance.VJP(gradient, []float64{3, 4}, []float64{1})
	fmt.Println(y, gradient)
	// Output: [5] [0.6 0.8]
}

// Distance is the builder of the operator that configs name "range".
type Distance struct {
	From []float64 `toml:"from" doc:"position of the radar; default the origin"`
}

// Build returns the operator.
func (d *Distance) Build(space dynamics.Space) (observe.Operator, error) {
	if len(d.From) != space.Size() {
		return nil, fmt.Errorf("from: %d coordinates: give %d", len(d.From), space.Size())
	}
	offset := func(x []float64) (east, north, r float64) {
		east, north = x[0]-d.From[0], x[1]-d.From[1]
		return east, north, math.Hypot(east, north)
	}
	return observe.Func{
		State: 2, Values: 1, Names: []string{"range"},
		Function: func(y, x []float64) { _, _, y[0] = offset(x) },
		Pullback: func(dst, x, v []float64) {
			east, north, r := offset(x)
			dst[0], dst[1] = v[0]*east/r, v[0]*north/r
		},
	}, nil
}

func init() {
	observe.Register(observe.Entry{
		Name: "range", Summary: "distance from a radar",
		Defaults: func() observe.Builder { return &Distance{From: []float64{0, 0}} },
	})
}

// A builder makes an operator known to configs, with its parameters. Call
// Register from an init function or from main:
//
//	observe.Register(observe.Entry{
//		Name: "range", Summary: "distance from a radar",
//		Defaults: func() observe.Builder { return &Distance{From: []float64{0, 0}} },
//	})
func ExampleRegister() {
	entry, _ := observe.Lookup("range")
	op, err := entry.Defaults().Build(plane)
	if err != nil {
		log.Fatal(err)
	}
	y := make([]float64, 1)
	op.Apply(y, []float64{-6, 8})
	fmt.Println(observe.Labels(op), y)
	// Output: [range] [10]
}

// A twin experiment: every sixth state of a known trajectory is seen with
// noise, and a fifth of the values is withheld for the verdict.
func ExampleSequence_Simulate() {
	op, err := observe.Components{Labels: []string{"east"}}.Build(plane)
	if err != nil {
		log.Fatal(err)
	}
	states, err := hourly.Every(6, 0)
	if err != nil {
		log.Fatal(err)
	}
	layout, err := observe.Layout(op, states, 0.5)
	if err != nil {
		log.Fatal(err)
	}
	truth := make([]float32, 25*2)
	address := observe.Address{Seed: 1, Scenario: "buoy"}
	seen, err := layout.Simulate(truth, address)
	if err != nil {
		log.Fatal(err)
	}
	kept, withheld := seen.Withhold(0.2, address)
	fmt.Println(states, kept.Count(), withheld.Count())
	// Output: [0 6 12 18 24] 4 1
}
