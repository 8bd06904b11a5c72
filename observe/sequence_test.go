package observe_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"retrace/internal/fault"
	"retrace/observe"
)

var nan = math.NaN()

func layout(t testing.TB, op observe.Operator, indices []int, sd ...float64) observe.Sequence {
	t.Helper()
	s, err := observe.Layout(op, indices, sd...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLayoutIsValidAndEmpty(t *testing.T) {
	op := build(t, observe.Components{Labels: []string{"x", "z"}}, lorenz)
	for _, sd := range [][]float64{{0.5}, {0.5, 2}} {
		s := layout(t, op, []int{0, 8, 16}, sd...)
		if err := s.Validate(17, lorenz); err != nil {
			t.Error(err)
		}
		if s.Count() != 0 || len(s.Observations) != 3 {
			t.Errorf("%d observations with %d values present: want 3 and 0", len(s.Observations), s.Count())
		}
		if want := []float64{0.5, sd[len(sd)-1]}; !slices.Equal(s.Observations[2].Sd, want) {
			t.Errorf("sd is %v: want %v", s.Observations[2].Sd, want)
		}
	}
}

func TestLayoutRefusesBadStandardDeviations(t *testing.T) {
	op := build(t, observe.Identity{}, lorenz)
	for _, sd := range [][]float64{{}, {1, 2}, {1, 2, 3, 4}, {0}, {-1}, {nan}, {math.Inf(1)}, {1, 1, 0}} {
		_, err := observe.Layout(op, []int{0}, sd...)
		if err == nil || !fault.IsInput(err) || !strings.HasPrefix(err.Error(), "sd: ") {
			t.Errorf("sd %v: %v: want an input error about sd", sd, err)
		}
	}
}

func TestCountSkipsMissingValues(t *testing.T) {
	s := layout(t, build(t, observe.Identity{}, lorenz), []int{0, 1}, 1)
	copy(s.Observations[0].Values, []float64{1, nan, 0})
	copy(s.Observations[1].Values, []float64{nan, nan, -4})
	if s.Count() != 3 {
		t.Errorf("%d values are present: want 3", s.Count())
	}
	if (observe.Sequence{}).Count() != 0 {
		t.Error("an empty sequence has values")
	}
}

func TestValidateFindsWhatMethodsRelyOn(t *testing.T) {
	op := build(t, observe.Components{Labels: []string{"x", "y"}}, lorenz)
	good := func() []observe.Observation {
		return []observe.Observation{
			{Index: 0, Operator: op, Values: []float64{1, nan}, Sd: []float64{0.1, nan}},
			{Index: 4, Operator: op, Values: []float64{nan, nan}, Sd: []float64{nan, 0}},
			{Index: 4, Operator: op, Values: []float64{2, 3}, Sd: []float64{1, 1}},
		}
	}
	for _, test := range []struct {
		name  string
		spoil func(o []observe.Observation)
		want  string // empty if valid
	}{
		{"a valid sequence", func([]observe.Observation) {}, ""},
		{"state beyond the trajectory", func(o []observe.Observation) { o[2].Index = 5 }, "observation 2: no state 5"},
		{"negative state", func(o []observe.Observation) { o[0].Index = -1 }, "observation 0: no state -1"},
		{"states out of order", func(o []observe.Observation) { o[0].Index = 4; o[1].Index = 3 }, "observation 1: state 3 stands after state 4"},
		{"no operator", func(o []observe.Observation) { o[1].Operator = nil }, "observation 1: it has no operator"},
		{"operator of another space", func(o []observe.Observation) { o[1].Operator = build(t, observe.Mean{}, field) }, "for states of 48 values: these have 3"},
		{"too few values", func(o []observe.Observation) { o[2].Values = o[2].Values[:1] }, "gives 2 values: it has 1 values"},
		{"too few sd", func(o []observe.Observation) { o[2].Sd = nil }, "and 0 standard deviations"},
		{"infinite value", func(o []observe.Observation) { o[2].Values[1] = math.Inf(-1) }, `value "y" is -Inf`},
		{"sd of zero", func(o []observe.Observation) { o[2].Sd[0] = 0 }, `standard deviation of "x" is 0`},
		{"sd that is NaN", func(o []observe.Observation) { o[0].Sd[0] = nan }, `standard deviation of "x" is NaN`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := observe.Sequence{Observations: good()}
			test.spoil(s.Observations)
			err := s.Validate(5, lorenz)
			if test.want == "" && err != nil {
				t.Fatal(err)
			}
			if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("the error is %v: want %q", err, test.want)
			}
		})
	}
	two := observe.Sequence{Observations: good()}
	two.Observations[0].Operator, two.Observations[2].Sd[0] = nil, 0
	if lines := strings.Split(two.Validate(5, lorenz).Error(), "\n"); len(lines) != 2 {
		t.Errorf("two faults are reported as %q", lines)
	}
	if err := (observe.Sequence{}).Validate(5, lorenz); err != nil {
		t.Errorf("an empty sequence: %v", err)
	}
}
