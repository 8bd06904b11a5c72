package observe_test

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/rng"
	"retrace/internal/strict"
	"retrace/observe"
)

// torus are states of two fields, q and u, on 6 by 8 cells of a periodic plane;
// a stream function follows from q.
var torus = dynamics.Space{
	Variable: "flow", Axes: []dynamics.Axis{
		{Name: "channel", Labels: []string{"q", "u"}},
		{Name: "y", Units: "m", Coordinates: []float64{5, 15, 25, 35, 45, 55}, Period: 60},
		{Name: "x", Units: "m", Coordinates: []float64{50, 150, 250, 350, 450, 550, 650, 750}, Period: 800},
	},
	Derived: []dynamics.Derived{{
		Name: "psi",
		Apply: func(dst, x []float64) { // three times the cell after
			for i := range dst {
				dst[i] = 3 * x[(i+1)%48]
			}
		},
		Transpose: func(dst, v []float64) {
			for i, g := range v {
				dst[(i+1)%48] += 3 * g
			}
		},
	}},
}

// single are states of one field on an axis with ends.
var single = dynamics.Space{Variable: "height", Axes: []dynamics.Axis{{Name: "x", Coordinates: []float64{1, 2, 4, 8}}}}

var here = observe.Address{Seed: 3, Scenario: "s", Case: 2}

func random(n int, purpose string) []float64 {
	r := rng.Stream(1, purpose)
	x := make([]float64, n)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	return x
}

// fieldOperators are builders of all kinds, some with the response that bends
// and with fields that follow from the state.
func fieldOperators() map[string]observe.Builder {
	bent := observe.Fields{Channels: []string{"u", "psi"}, Saturation: strict.Numbers{0.5, 2}}
	return map[string]observe.Builder{
		"blocks":        &observe.Blocks{Factor: 2},
		"bent blocks":   &observe.Blocks{Fields: bent, Factor: 2},
		"pixels":        &observe.Pixels{Every: 3, Offset: 1},
		"bent pixels":   &observe.Pixels{Fields: bent, Every: 2},
		"stations":      &observe.Stations{Points: [][]float64{{5, 50}, {12, 333}, {59.9, 10}}},
		"bent stations": &observe.Stations{Fields: bent, Points: [][]float64{{0, 0}, {30, 799}}},
		"cells":         &observe.Cells{Fields: bent, Count: 5, Together: true},
		"tracks":        &observe.Tracks{Fields: bent, Count: 2, Angle: 30, Width: 150, Drift: 0.3},
	}
}

func buildOn(t *testing.T, b observe.Builder, space dynamics.Space) observe.Operator {
	t.Helper()
	op, err := b.Build(space)
	if err != nil {
		t.Fatal(err)
	}
	return op
}

func TestFieldOperatorsHaveExactVJP(t *testing.T) {
	for name, b := range fieldOperators() {
		op := buildOn(t, b, torus)
		operators := []observe.Operator{op, observe.Restrict(op, []int{3, 0, 2})}
		if moving, ok := op.(observe.Moving); ok {
			operators = append(operators, observe.Restrict(op, moving.Sees(here, 4)))
		}
		for _, op := range operators {
			size, values := op.Size()
			x, v := random(size, "state"), random(values, "cotangent")
			pulled := random(size, "garbage")
			op.VJP(pulled, x, v)
			for i := range x {
				const h = 1e-5
				plus, minus := slices.Clone(x), slices.Clone(x)
				plus[i] += h
				minus[i] -= h
				up, down := make([]float64, values), make([]float64, values)
				op.Apply(up, plus)
				op.Apply(down, minus)
				slope := 0.0
				for j, g := range v {
					slope += g * (up[j] - down[j]) / (2 * h)
				}
				if math.Abs(slope-pulled[i]) > 1e-7 {
					t.Fatalf("%s: the derivative by component %d is %g, the VJP %g", name, i, slope, pulled[i])
				}
			}
		}
	}
}

func TestAnyOperatorCanBeRestricted(t *testing.T) {
	whole := buildOn(t, &observe.Linear{Matrix: [][]float64{{1, 0, 0, 2}, {0, 3, 0, 0}, {0, 0, 4, 5}}, Labels: []string{"a", "b", "c"}}, single)
	op := observe.Restrict(whole, []int{2, 0})
	y := make([]float64, 2)
	op.Apply(y, []float64{1, 10, 100, 1000})
	if labels := observe.Labels(op); !slices.Equal(y, []float64{5400, 2001}) || !slices.Equal(labels, []string{"c", "a"}) {
		t.Errorf("%v of %v", y, labels)
	}
	pulled := make([]float64, 4)
	op.VJP(pulled, y, []float64{1, 7})
	if !slices.Equal(pulled, []float64{7, 0, 4, 19}) {
		t.Errorf("the VJP is %v", pulled)
	}
	defer func() {
		if recover() == nil {
			t.Error("a value that there is not was accepted")
		}
	}()
	observe.Restrict(whole, []int{3})
}

func TestFieldOperatorsSeeWhatTheySay(t *testing.T) {
	x := random(96, "state")
	cell := func(c, y, xx int) float64 { return x[c*48+y*8+xx] }
	for name, test := range map[string]struct {
		builder observe.Builder
		want    map[string]float64
	}{
		"blocks": {&observe.Blocks{Factor: 2}, map[string]float64{
			"q/10/100": (cell(0, 0, 0) + cell(0, 0, 1) + cell(0, 1, 0) + cell(0, 1, 1)) / 4,
			"u/50/700": (cell(1, 4, 6) + cell(1, 4, 7) + cell(1, 5, 6) + cell(1, 5, 7)) / 4,
		}},
		"pixels": {&observe.Pixels{Every: 3, Offset: 1}, map[string]float64{"q/15/150": cell(0, 1, 1), "u/45/750": cell(1, 4, 7)}},
		"derived, one channel": {&observe.Pixels{Fields: observe.Fields{Channels: []string{"psi"}}, Every: 5}, map[string]float64{
			"psi/5/50": 3 * cell(0, 0, 1), "psi/55/550": 3 * cell(0, 5, 6),
		}},
		"bent": {&observe.Pixels{Fields: observe.Fields{Channels: []string{"u", "q"}, Saturation: strict.Numbers{2, 0.5}}, Every: 5}, map[string]float64{
			"u/5/50": cell(1, 0, 0) / (1 + math.Abs(cell(1, 0, 0))/2), "q/5/50": cell(0, 0, 0) / (1 + math.Abs(cell(0, 0, 0))/0.5),
		}},
		"stations": {&observe.Stations{Points: [][]float64{{25, 350}, {25, 375}, {60, 400}, {2, 790}, {0, 0}}}, map[string]float64{
			"q/25/350": cell(0, 2, 3), "u/25/375": 0.75*cell(1, 2, 3) + 0.25*cell(1, 2, 4),
			"q/60/400": (cell(0, 5, 3) + cell(0, 5, 4) + cell(0, 0, 3) + cell(0, 0, 4)) / 4,
			"q/2/790":  0.3*(0.6*cell(0, 5, 7)+0.4*cell(0, 5, 0)) + 0.7*(0.6*cell(0, 0, 7)+0.4*cell(0, 0, 0)),
			"u/0/0":    (cell(1, 0, 0) + cell(1, 0, 7) + cell(1, 5, 0) + cell(1, 5, 7)) / 4,
		}},
	} {
		op := buildOn(t, test.builder, torus)
		_, values := op.Size()
		y := make([]float64, values)
		op.Apply(y, x)
		labels := observe.Labels(op)
		for label, want := range test.want {
			j := slices.Index(labels, label)
			if j < 0 {
				t.Errorf("%s: no value %q in %v", name, label, labels)
			} else if math.Abs(y[j]-want) > 1e-14 {
				t.Errorf("%s: %s is %g, want %g", name, label, y[j], want)
			}
		}
	}
}

func TestOneFieldOnAnAxisWithEnds(t *testing.T) {
	op := buildOn(t, &observe.Stations{Points: [][]float64{{1}, {3}, {8}, {7}}}, single)
	y := make([]float64, 4)
	op.Apply(y, []float64{10, 20, 40, 80}) // linear in x
	if !slices.Equal(y, []float64{10, 30, 80, 70}) {
		t.Errorf("%v", y)
	}
	if labels := observe.Labels(op); labels[1] != "3" {
		t.Errorf("%v", labels)
	}
}

func TestMovingOperatorsAreAddressed(t *testing.T) {
	for name, b := range map[string]observe.Builder{
		"cells":    &observe.Cells{Count: 5, Together: true},
		"separate": &observe.Cells{Count: 5},
		"all":      &observe.Cells{Count: 48, Together: true},
		"track":    &observe.Tracks{Count: 1, Angle: 30, Drift: 0.382},
		"swath":    &observe.Tracks{Count: 2, Width: 150, Angle: 30, Drift: 0.382},
	} {
		op := buildOn(t, b, torus).(observe.Moving)
		seen := op.Sees(here, 3)
		if !slices.Equal(op.Sees(here, 3), seen) || !slices.IsSorted(seen) || len(seen) == 0 || len(slices.Compact(slices.Clone(seen))) != len(seen) {
			t.Errorf("%s: %v, then %v", name, seen, op.Sees(here, 3))
		}
		if name == "all" {
			continue
		}
		other := here
		other.Case++
		if slices.Equal(op.Sees(here, 4), seen) || slices.Equal(op.Sees(other, 3), seen) {
			t.Errorf("%s: another state or case is seen at the same places", name)
		}
		together := true
		for j := range len(seen) / 2 {
			together = together && seen[j]+48 == seen[len(seen)/2+j]
		}
		if together != (name != "separate") {
			t.Errorf("%s: fields seen at the same cells: %v", name, together)
		}
		if strings.Contains(name, "track") && len(seen) != 2*6 {
			t.Errorf("a track sees %d values of 6 rows and 2 fields", len(seen))
		}
	}
	blank := buildOn(t, &observe.Cells{Count: 5, Blank: 0.5}, torus).(observe.Moving)
	none := 0
	for state := range 100 {
		if len(blank.Sees(here, state)) == 0 {
			none++
		}
	}
	if none < 30 || none > 70 {
		t.Errorf("%d of 100 states are blank", none)
	}
}

func TestCellsAreDrawnEvenly(t *testing.T) {
	op := buildOn(t, &observe.Cells{Fields: observe.Fields{Channels: []string{"q"}}, Count: 12}, torus).(observe.Moving)
	times := make([]int, 48)
	const states = 2000
	for state := range states {
		for _, cell := range op.Sees(here, state) {
			times[cell]++
		}
	}
	for cell, n := range times { // 500 +- 19
		if math.Abs(float64(n)-states/4) > 100 {
			t.Errorf("cell %d is seen %d times of %d", cell, n, states/4)
		}
	}
}

func TestTracksCoverTheDomainInTime(t *testing.T) {
	for _, tracks := range []observe.Tracks{{Count: 1, Angle: 20, Drift: 0.382}, {Count: 1, Width: 300, Drift: 0.382}} {
		op := buildOn(t, &tracks, torus).(observe.Moving)
		under := map[int]bool{}
		for state := range 40 {
			for _, value := range op.Sees(here, state) {
				under[value] = true
			}
		}
		if len(under) != 96 {
			t.Errorf("%+v: %d of 96 values are seen in 40 states", tracks, len(under))
		}
	}
}

// TestMovingObservationsSurviveFiles observes, writes and reads.
func TestMovingObservationsSurviveFiles(t *testing.T) {
	const states = 6
	target := observe.Target{Space: torus, Timeline: observe.Timeline{Clock: dynamics.Clock{Interval: 1, Units: "days"}, Length: states}}
	trajectory := make([]float32, states*96)
	for i, v := range random(len(trajectory), "trajectory") {
		trajectory[i] = float32(v)
	}
	fields := observe.Fields{Channels: []string{"u", "psi"}, Saturation: strict.Numbers{1}}
	for name, b := range map[string]observe.Builder{
		"cells":  &observe.Cells{Fields: fields, Count: 5, Blank: 0.4},
		"tracks": &observe.Tracks{Fields: fields, Count: 1, Angle: 20, Drift: 0.4},
		"blocks": &observe.Blocks{Fields: fields, Factor: 2},
	} {
		target.Operator = buildOn(t, b, torus)
		layout, err := observe.Layout(target.Operator, []int{0, 1, 2, 3, 4, 5}, 0.1, 0.3)
		if err != nil {
			t.Fatal(err)
		}
		seen, err := layout.Simulate(trajectory, here)
		if err != nil {
			t.Fatal(err)
		}
		if name == "cells" && len(seen.Observations) == states {
			t.Error("no state is blank")
		}
		if err := seen.Validate(states, torus); err != nil {
			t.Error(err)
		}
		for _, ending := range []string{".zarr", ".csv"} {
			path := filepath.Join(t.TempDir(), "observations"+ending)
			if err := observe.WriteFile(path, []observe.Sequence{seen}, target); err != nil {
				t.Fatal(err)
			}
			cases, err := observe.ReadFile(path, target)
			if err != nil {
				t.Fatal(err)
			}
			same(t, name+ending, cases[0], seen, trajectory)
		}
	}
}

// same compares two sequences by data and by what their operators see.
func same(t *testing.T, name string, got, want observe.Sequence, trajectory []float32) {
	t.Helper()
	if len(got.Observations) != len(want.Observations) {
		t.Fatalf("%s: %d observations come back as %d", name, len(want.Observations), len(got.Observations))
	}
	for k, o := range want.Observations {
		g := got.Observations[k]
		if g.Index != o.Index || !slices.Equal(g.Values, o.Values) || !slices.Equal(g.Sd, o.Sd) ||
			!slices.Equal(observe.Labels(g.Operator), observe.Labels(o.Operator)) {
			t.Errorf("%s: observation %d of state %d comes back of state %d with %v", name, k, o.Index, g.Index, observe.Labels(g.Operator))
		}
		a, b := g.Operator.(observe.Located).Locations(torus), o.Operator.(observe.Located).Locations(torus)
		for j := range b {
			for axis := range b[j] {
				if a[j][axis] != b[j][axis] && !math.IsNaN(b[j][axis]) {
					t.Errorf("%s: a value moves from %v to %v", name, b[j], a[j])
				}
			}
		}
		for j, label := range observe.Labels(o.Operator) {
			if want := map[bool]float64{true: 0.1, false: 0.3}[strings.HasPrefix(label, "u/")]; o.Sd[j] != want {
				t.Errorf("%s: the sd of %s is %v, want %v", name, label, o.Sd[j], want)
			}
		}
	}
	if a, b := observe.NewLikelihood(got).Log(trajectory), observe.NewLikelihood(want).Log(trajectory); a != b {
		t.Errorf("%s: the likelihood is %v, was %v", name, a, b)
	}
}

func TestNoiseDoesNotDependOnWhatElseIsSeen(t *testing.T) {
	trajectory := make([]float32, 96)
	all := buildOn(t, &observe.Pixels{Every: 1}, torus)
	some := buildOn(t, &observe.Cells{Count: 7}, torus)
	values := map[string]float64{}
	for _, op := range []observe.Operator{all, some} {
		layout, err := observe.Layout(op, []int{0}, 1)
		if err != nil {
			t.Fatal(err)
		}
		seen, err := layout.Simulate(trajectory, here)
		if err != nil {
			t.Fatal(err)
		}
		for j, label := range observe.Labels(seen.Observations[0].Operator) {
			y := seen.Observations[0].Values[j]
			if before, known := values[label]; known && before != y {
				t.Errorf("%s is %v among all and %v among some", label, before, y)
			}
			values[label] = y
		}
	}
	if len(values) != 96 {
		t.Errorf("%d quantities", len(values))
	}
}

func TestBadFieldOperatorsAreInputErrors(t *testing.T) {
	words := dynamics.Space{Variable: "state", Axes: []dynamics.Axis{{Name: "variable", Labels: []string{"x", "y"}}}}
	for want, test := range map[string]struct {
		builder observe.Builder
		space   dynamics.Space
	}{
		`unknown name "Q": did you mean "q"`:                {&observe.Blocks{Fields: observe.Fields{Channels: []string{"Q"}}, Factor: 1}, torus},
		`unknown name "temperature"`:                        {&observe.Cells{Fields: observe.Fields{Channels: []string{"temperature"}}, Count: 1}, torus},
		`"q" is listed twice`:                               {&observe.Cells{Fields: observe.Fields{Channels: []string{"q", "q"}}, Count: 1}, torus},
		"saturation: 3 levels for 2 fields":                 {&observe.Pixels{Fields: observe.Fields{Saturation: strict.Numbers{1, 2, 3}}, Every: 1}, torus},
		"saturation: -1 is not":                             {&observe.Pixels{Fields: observe.Fields{Saturation: strict.Numbers{-1}}, Every: 1}, torus},
		"blocks of 4 do not tile axis \"y\"":                {&observe.Blocks{Factor: 4}, torus},
		"every: 0 is less than 1":                           {&observe.Pixels{}, torus},
		"offset: 2 is not from 0 to 1":                      {&observe.Pixels{Every: 2, Offset: 2}, torus},
		"offset: no cell 6 on axis \"y\"":                   {&observe.Pixels{Every: 9, Offset: 6}, torus},
		"points: x = 801 is outside the domain, 0 to 800 m": {&observe.Stations{Points: [][]float64{{5, 801}}}, torus},
		"points: y = -1 is outside":                         {&observe.Stations{Points: [][]float64{{-1, 5}}}, torus},
		"points: x = 9 is outside the domain, 1 to 8":       {&observe.Stations{Points: [][]float64{{9}}}, single},
		"points: x = NaN is outside":                        {&observe.Stations{Points: [][]float64{{math.NaN()}}}, single},
		"points: [5] has 1 coordinates":                     {&observe.Stations{Points: [][]float64{{5}}}, torus},
		"points: the list is empty":                         {&observe.Stations{}, torus},
		"points: [5 5] is listed twice":                     {&observe.Stations{Points: [][]float64{{5, 5}, {5, 5}}}, torus},
		"count: 49 is not from 1 to 48":                     {&observe.Cells{Count: 49}, torus},
		"blank: 2 is not a share":                           {&observe.Cells{Count: 1, Blank: 2}, torus},
		"count = 0: must be between":                        {&observe.Tracks{}, torus},
		"width = 900: must be between":                      {&observe.Tracks{Count: 1, Width: 900}, torus},
		"tracks cross fields of two axes":                   {&observe.Tracks{Count: 1}, single},
		"the states have no field":                          {&observe.Cells{Count: 1}, words},
	} {
		_, err := test.builder.Build(test.space)
		if !fault.IsInput(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want %q", err, want)
		}
	}
	op := buildOn(t, &observe.Pixels{Every: 2}, torus)
	if _, err := observe.Layout(op, []int{0}, 1, 2, 3); !fault.IsInput(err) || !strings.Contains(err.Error(), "one for each field") {
		t.Errorf("%v", err)
	}
}
