package observe_test

import (
	"math"
	"testing"

	"retrace/dynamics"
	"retrace/observe"
)

func TestValuesKnowTheirPlaces(t *testing.T) {
	nan := math.NaN()
	for name, test := range map[string]struct {
		builder observe.Builder
		value   int
		want    []float64
	}{
		"identity":          {&observe.Identity{}, 48 + 8 + 2, []float64{1, 15, 250}},
		"component":         {&observe.Components{Indices: []int{7, 9}}, 1, []float64{0, 15, 150}},
		"saturated":         {&observe.Saturate{Scale: 1, Indices: []int{95}}, 0, []float64{1, 55, 750}},
		"coarse":            {&observe.Coarsen{Axes: []string{"y", "x"}, Factor: 2}, 5, []float64{0, 30, 300}},
		"coarse along x":    {&observe.Coarsen{Axes: []string{"x"}, Factor: 4}, 1, []float64{0, 5, 600}},
		"mean over x":       {&observe.Mean{Axes: []string{"x"}}, 7, []float64{1, 15, nan}},
		"mean over channel": {&observe.Mean{Axes: []string{"channel"}}, 3, []float64{nan, 5, 350}},
		"mean of all":       {&observe.Mean{}, 0, []float64{nan, nan, nan}},
		"block":             {&observe.Blocks{Factor: 2}, 12 + 5, []float64{1, 30, 300}},
		"station":           {&observe.Stations{Points: [][]float64{{7, 123}}}, 1, []float64{1, 7, 123}},
		"derived":           {&observe.Pixels{Fields: observe.Fields{Channels: []string{"psi"}}, Every: 5}, 1, []float64{nan, 5, 550}},
	} {
		op := buildOn(t, test.builder, torus)
		located, ok := op.(observe.Located)
		if !ok {
			t.Errorf("%s is not Located", name)
			continue
		}
		_, values := op.Size()
		places := located.Locations(torus)
		if len(places) != values {
			t.Fatalf("%s: %d places of %d values", name, len(places), values)
		}
		for a, want := range test.want {
			if got := places[test.value][a]; math.Abs(got-want) > 1e-12 || math.IsNaN(got) != math.IsNaN(want) {
				t.Errorf("%s: value %d lies at %v, want %v", name, test.value, places[test.value], test.want)
			}
		}
	}
}

func TestDistancesGoTheShortWayRound(t *testing.T) {
	ring, line := dynamics.Axis{Period: 60}, dynamics.Axis{}
	for _, test := range []struct {
		axis       dynamics.Axis
		a, b, want float64
	}{{ring, 5, 55, 10}, {ring, 55, 5, 10}, {ring, 0, 30, 30}, {ring, 7, 7, 0}, {ring, 1, 122, 1}, {line, 5, 55, 50}, {line, 0, math.NaN(), math.NaN()}} {
		if got := observe.Distance(test.axis, test.a, test.b); got != test.want && !math.IsNaN(test.want) {
			t.Errorf("from %v to %v it is %v, want %v", test.a, test.b, got, test.want)
		}
	}
}
