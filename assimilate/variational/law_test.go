package variational_test

import (
	"context"
	"math"
	"slices"
	"testing"

	"retrace/assimilate"
	"retrace/assimilate/variational"
	"retrace/dynamics"
	"retrace/internal/rng"
	"retrace/observe"
)

func TestCostAtTheMinimumIsTheNumberOfObservations(t *testing.T) {
	// Truths drawn from the very law that the methods assume: E[2 J] is the number of
	// observed values.
	model := build(t, &dynamics.AR1{N: 4, Rho: 0.8, Variance: 2})
	sd := slices.Repeat([]float64{math.Sqrt2}, 4)
	for name, c := range map[string]struct {
		method assimilate.Method
		length int
	}{
		"3dvar": {variational.NewThreeDVar(), 1},
		"4dvar": {&variational.FourDVar{Background: variational.Background{Covariance: "identity", Scale: 1}, Constraint: "weak", Iterations: 5}, 6},
	} {
		const cases = 400
		var ratio float64
		for k := range cases {
			r := rng.Stream(int64(k), "truth")
			p := assimilate.Problem{Model: model, Length: c.length, Members: 1, Case: k, Initial: &assimilate.Normal{Mean: make([]float64, 4), Sd: sd}}
			x := make([]float64, 4)
			model.Initial(x, r)
			for i := range c.length {
				if i > 0 {
					model.Step(x, r)
				}
				y := make([]float64, 4)
				for j := range y {
					y[j] = x[j] + 0.7*r.NormFloat64()
				}
				p.Observations.Observations = append(p.Observations.Observations, observe.Observation{
					Index: i, Operator: identity(t, model.Space()), Values: y, Sd: slices.Repeat([]float64{0.7}, 4)})
			}
			result, err := c.method.Assimilate(context.Background(), p, nil)
			if err != nil {
				t.Fatal(err)
			}
			ratio += result.Diagnostics[variational.CostRatio] / cases
		}
		if tolerance := 4 * math.Sqrt(2/float64(4*c.length*cases)); math.Abs(ratio-1) > tolerance {
			t.Errorf("%s: 2 J over the number of observations is %.3f, want 1 within %.3f", name, ratio, tolerance)
		}
	}
}

func TestHybridApproachesTheKalmanFilter(t *testing.T) {
	model := build(t, &dynamics.AR1{N: 2, Rho: 0.9, Variance: 2})
	p := assimilate.Problem{Model: model, Length: 6, Members: 6000, Seed: 3}
	r := rng.Stream(2, "values")
	for i := range p.Length {
		p.Observations.Observations = append(p.Observations.Observations, observe.Observation{
			Index: i, Operator: identity(t, model.Space()), Values: []float64{r.NormFloat64(), r.NormFloat64()}, Sd: []float64{0.8, 0.8}})
	}
	v := variational.NewEnsembleVar()
	v.Share, v.Covariance = 1, "identity"
	mean, variance := 0.0, 2.0
	for _, e := range cycled(t, v, p) {
		if e.Stage == assimilate.Forecast && e.Index > 0 {
			mean, variance = 0.9*mean, 0.81*variance+2*0.19
		}
		if e.Stage == assimilate.Analysis {
			gain := variance / (variance + 0.64)
			mean += gain * (p.Observations.Observations[e.Index].Values[0] - mean)
			variance *= 1 - gain
		}
		if d := math.Abs(e.Mean[0]-mean) / math.Sqrt(variance); d > 0.06 {
			t.Errorf("%v of state %d: mean off by %.3f sd", e.Stage, e.Index, d)
		}
		if d := math.Abs(e.Variance[0]/variance - 1); d > 0.1 {
			t.Errorf("%v of state %d: variance %.3f, want %.3f", e.Stage, e.Index, e.Variance[0], variance)
		}
	}
}

func TestHybridInBothSpacesIsTheSame(t *testing.T) {
	// Many copies of vague observations, more than there are unknowns, weigh as much
	// as one precise observation; perturbations differ, so means are compared, which
	// centred perturbations do not move.
	p := chaotic(t, 5)
	v := variational.NewEnsembleVar()
	v.Share = 0.6
	p.Length = 2
	p.Observations.Observations = p.Observations.Observations[:1]
	many := changed(p, func(o observe.Observation) []observe.Observation {
		for i := range o.Sd {
			o.Sd[i] = 4
		}
		return slices.Repeat([]observe.Observation{o}, 16)
	})
	if d := furthest(analyses(cycled(t, v, p)), analyses(cycled(t, v, many))); d > 1e-9 {
		t.Errorf("means differ by %g", d)
	}
}

func TestAnalysisOfANonlinearOperatorIsAMinimum(t *testing.T) {
	p := chaotic(t, 1)
	op, err := observe.Saturate{Scale: 3}.Build(p.Model.Space())
	if err != nil {
		t.Fatal(err)
	}
	p.Length = 1
	values, sd := []float64{2, -1, 4}, []float64{0.5, 0.5, 0.3}
	p.Initial = &assimilate.Normal{Mean: []float64{1, 1, 9}, Sd: []float64{2, 1, 3}}
	p.Observations.Observations = []observe.Observation{{Index: 0, Operator: op, Values: values, Sd: sd}}
	x := cycled(t, variational.NewThreeDVar(), p)[1].Mean
	cost := func(x []float64) (sum float64) {
		y := make([]float64, 3)
		op.Apply(y, x)
		for i := range x {
			b, d := (x[i]-p.Initial.Mean[i])/p.Initial.Sd[i], (values[i]-y[i])/sd[i]
			sum += b*b + d*d
		}
		return sum
	}
	for i := range x {
		for _, h := range []float64{1e-4, -1e-4} {
			moved := slices.Clone(x)
			moved[i] += h
			if cost(moved) < cost(x)-1e-9 {
				t.Errorf("moving component %d by %g lowers the cost by %g", i, h, cost(x)-cost(moved))
			}
		}
	}
}

func TestFreeRunIsTheModel(t *testing.T) {
	p := chaotic(t, 400)
	all := cycled(t, variational.FreeRun{}, p)
	first := all[0]
	for i, mean := range p.Initial.Mean {
		if math.Abs(first.Mean[i]-mean) > 0.25 || math.Abs(first.Variance[i]-1) > 0.35 {
			t.Errorf("component %d starts with mean %.2f and variance %.2f, want %v and 1", i, first.Mean[i], first.Variance[i], mean)
		}
	}
	for i := 0; i < len(all); i += 2 {
		if !slices.Equal(all[i].Ensemble, all[i+1].Ensemble) {
			t.Fatalf("state %d: the analysis is not the forecast", all[i].Index)
		}
	}
}

func TestPersistenceKeepsTheLastAnalysis(t *testing.T) {
	p := chaotic(t, 1)
	all := cycled(t, variational.Persistence{}, p)
	interpolated := cycled(t, variational.Interpolation{}, p)
	for i := 0; i < len(all); i += 2 {
		forecast, analysis := all[i], all[i+1]
		if i > 0 && !slices.Equal(forecast.Mean, all[i-1].Mean) {
			t.Errorf("state %d: the forecast is not the analysis before", forecast.Index)
		}
		if forecast.Index == 5 {
			if !slices.Equal(analysis.Mean, forecast.Mean) {
				t.Error("the analysis of a state not observed is not its forecast")
			}
		} else if d := furthest(analysis.Mean, interpolated[i+1].Mean); d > 1e-12 {
			t.Errorf("state %d: the analysis differs from optimal interpolation by %g", analysis.Index, d)
		}
	}
}
