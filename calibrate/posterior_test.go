package calibrate_test

import (
	"context"
	"math"
	"testing"

	"retrace/assimilate"
	"retrace/calibrate"
	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/observe"
)

// spring is a damped spring of 8 states whose position is seen at some.
func spring(t *testing.T, members int, states ...int) assimilate.Problem {
	t.Helper()
	law := dynamics.NewDampedSpring()
	law.Dt = 0.4
	model, err := law.Build()
	if err != nil {
		t.Fatal(err)
	}
	operator, err := observe.Components{Indices: []int{0}}.Build(model.Space())
	if err != nil {
		t.Fatal(err)
	}
	layout, err := observe.Layout(operator, states, 0.3)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range layout.Observations {
		o.Values[0] = 1 - float64(i)
	}
	return assimilate.Problem{Model: model, Observations: layout, Length: 8, Members: members, Seed: 5}
}

func TestExactHasTheMomentsOfTheConditionalLaw(t *testing.T) {
	// With one observation: mean c y/(v + R), variance v - c^2/(v + R).
	p := spring(t, 20000, 3)
	result, err := calibrate.Exact{}.Assimilate(context.Background(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, covariance := p.Model.(*dynamics.Linear).Moments(8)
	const seen = 3 * 2
	v := covariance.At(seen, seen) + 0.09
	for i := range 16 {
		wantMean := covariance.At(i, seen) / v
		wantVariance := covariance.At(i, i) - covariance.At(i, seen)*covariance.At(i, seen)/v
		var mean, square float64
		for m := range p.Members {
			x := float64(result.Ensemble.Trajectory(m)[i])
			mean += x / float64(p.Members)
			square += x * x / float64(p.Members)
		}
		variance := square - mean*mean
		if math.Abs(mean-wantMean) > 5*math.Sqrt(wantVariance/20000) || math.Abs(variance/wantVariance-1) > 0.06 {
			t.Errorf("value %d: mean %v and variance %v, want %v and %v", i, mean, variance, wantMean, wantVariance)
		}
	}
}

func TestExactMembersDoNotDependOnTheirNumber(t *testing.T) {
	few, err := calibrate.Exact{}.Assimilate(context.Background(), spring(t, 3, 0, 4), nil)
	if err != nil {
		t.Fatal(err)
	}
	many, err := calibrate.Exact{}.Assimilate(context.Background(), spring(t, 9, 0, 4), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range few.Ensemble.Data {
		if many.Ensemble.Data[i] != x {
			t.Fatalf("value %d differs", i)
		}
	}
}

func TestExactWithoutObservationsIsThePrior(t *testing.T) {
	p := spring(t, 4000)
	result, err := calibrate.Exact{}.Assimilate(context.Background(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	var square float64
	for m := range p.Members {
		x := float64(result.Ensemble.Trajectory(m)[6])
		square += x * x / float64(p.Members)
	}
	if math.Abs(square-1) > 0.12 {
		t.Errorf("variance %v, the prior's is 1", square)
	}
}

func TestExactRefusesWhatHasNoExactPosterior(t *testing.T) {
	p := spring(t, 2, 1)
	p.Observations.Observations[0].Operator = observe.Func{
		State: 2, Values: 1,
		Function: func(y, x []float64) { y[0] = x[0] * x[0] },
		Pullback: func(dst, x, v []float64) { dst[0], dst[1] = 2*x[0]*v[0], 0 },
	}
	if _, err := (calibrate.Exact{}).Assimilate(context.Background(), p, nil); !fault.IsInput(err) {
		t.Errorf("a square: %v", err)
	}
	pendulum, err := dynamics.NewDoublePendulum().Build()
	if err != nil {
		t.Fatal(err)
	}
	p = spring(t, 2, 1)
	p.Model = pendulum
	if _, err := (calibrate.Exact{}).Assimilate(context.Background(), p, nil); !fault.IsInput(err) {
		t.Errorf("a pendulum: %v", err)
	}
}
