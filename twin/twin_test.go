package twin_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"retrace/assimilate"
	"retrace/internal/fault"
	"retrace/twin"
)

func TestExactFilterOfARandomWalkHasTheKnownErrors(t *testing.T) {
	// Riccati: with Q = 1 and R = 2 the variances are 2 and 1, and the root mean
	// square of 4 normal numbers is sqrt(2) Gamma(5/2) / (2 Gamma(2)) on average.
	e := experiment(t, 4, 4002, math.Sqrt2)
	e.BurnIn = 10
	e.CRPS = true
	record := run(t, e, draw(t, e, 1), scalarKalman{})
	root := math.Sqrt2 * math.Gamma(2.5) / 2
	for name, test := range map[string]struct{ got, want, tolerance float64 }{
		"analysis rmse":          {record.Analysis.RMSE.Value, root, 0.03},
		"forecast rmse":          {record.Forecast.RMSE.Value, root * math.Sqrt2, 0.04},
		"analysis mean square":   {record.Analysis.MeanSquare, 1, 0.06},
		"analysis variance":      {record.Analysis.Variance, 1, 1e-12},
		"forecast variance":      {record.Forecast.Variance, 2, 1e-12},
		"crps of a normal":       {*record.Analysis.CRPS, 1 / math.Sqrt(math.Pi), 0.02},
		"ratio without members":  {func() float64 { x, _ := record.Analysis.SpreadSkill(0); return x }(), 1, 0.03},
		"estimates that count":   {float64(record.Analysis.Estimates), 4001 - 20, 0},
		"standard error of rmse": {record.Analysis.RMSE.Error, 0.009, 0.003},
	} {
		if math.Abs(test.got-test.want) > test.tolerance {
			t.Errorf("%s: %v, want %v", name, test.got, test.want)
		}
	}
	if record.Divergence != "" || record.Smoothed != nil || record.Members != 0 {
		t.Errorf("got %+v", record)
	}
}

func TestRootIsInsideTheTimeMean(t *testing.T) {
	e := experiment(t, 2, 5, 1)
	e.BurnIn = 0
	truth := []float64{9, 9, 0, 0, 3, 4, 0, 0, 6, 8} // states 1 to 4 count
	r, err := e.Adopt(3, truth, make([]float64, 8))
	if err != nil {
		t.Fatal(err)
	}
	zero := assimilate.Estimate{Stage: assimilate.Analysis, Mean: []float64{0, 0}, Variance: []float64{1, 3},
		Ensemble: []float64{0, 0, 0, 0, 0, 0}}
	record := run(t, e, r, script{[]assimilate.Estimate{zero}})
	s := record.Analysis
	if want := (0 + 5 + 0 + 10) / math.Sqrt2 / 4; math.Abs(s.RMSE.Value-want) > 1e-12 {
		t.Errorf("rmse %v, want %v", s.RMSE.Value, want)
	}
	if want := (25. + 100) / 2 / 4; s.MeanSquare != want {
		t.Errorf("mean square %v, want %v", s.MeanSquare, want)
	}
	if s.Variance != 2 || math.Abs(s.Spread.Value-math.Sqrt2) > 1e-12 || s.Estimates != 4 || record.Members != 3 {
		t.Errorf("got %+v of %d members", s, record.Members)
	}
	corrected, plain := s.SpreadSkill(3)
	if want := math.Sqrt(2 / 15.625); math.Abs(plain-want) > 1e-12 || math.Abs(corrected-want*math.Sqrt(4./3)) > 1e-12 {
		t.Errorf("ratios %v and %v", corrected, plain)
	}
}

func TestEstimatesAtTheEndOfBurnInDoNotCount(t *testing.T) {
	for name, test := range map[string]struct {
		burnIn float64
		want   int
	}{
		"none":                        {0, 20},
		"at a state":                  {2, 16},
		"between states":              {2.1, 16},
		"just before a state":         {1.999, 17},
		"longer than the run":         {11, 10},
		"to the last state":           {10, 10},
		"all but the last estimate":   {9.5, 1},
		"an odd multiple in decimals": {0.1 * 15, 17},
	} {
		e := experiment(t, 1, 21, 1) // to time 10
		e.BurnIn = test.burnIn
		if got := run(t, e, draw(t, e, 1), scalarKalman{}).Analysis.Estimates; got != test.want {
			t.Errorf("%s: %d estimates count, want %d", name, got, test.want)
		}
	}
}

func TestDivergence(t *testing.T) {
	constant := func(mean, variance float64) assimilate.Estimate {
		return assimilate.Estimate{Stage: assimilate.Analysis, Mean: []float64{mean}, Variance: []float64{variance}}
	}
	collapsed := constant(0.5, 0)
	collapsed.Ensemble = []float64{0.5, 0.5}
	e := experiment(t, 1, 9, 1)
	truth := []float64{0, 1, -1, 1, -1, 1, -1, 1, -1} // varies by 1
	r, err := e.Adopt(3, truth, make([]float64, 8))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		method assimilate.Method
		want   string // part of the reason; empty: has not diverged
	}{
		"climatology":               {script{[]assimilate.Estimate{constant(0, 1)}}, ""},
		"constant without a spread": {script{[]assimilate.Estimate{constant(0, 0)}}, ""},
		"overconfident":             {script{[]assimilate.Estimate{constant(0.5, 0.01)}}, "at 4 of 8 estimates"},
		"overconfident by less":     {script{[]assimilate.Estimate{constant(0.5, 0.64)}}, ""},
		"overconfident yet close":   {script{[]assimilate.Estimate{constant(0, 0.01)}}, ""},
		"collapsed":                 {script{[]assimilate.Estimate{collapsed}}, "at 4 of 8 estimates"},
		"far away":                  {script{[]assimilate.Estimate{constant(3, 25)}}, "random state"},
		"not a number":              {script{[]assimilate.Estimate{constant(math.NaN(), 1)}}, "component 0 of the analysis of state 0 is NaN"},
		"infinite":                  {script{[]assimilate.Estimate{constant(math.Inf(1), 1)}}, "not finite"},
		"overflow":                  {script{[]assimilate.Estimate{constant(1e200, 1)}}, "overflows"},
		"unknown variance":          {script{[]assimilate.Estimate{constant(0, math.NaN())}}, ""},
		"failed":                    {scalarKalman{func(i int) error { return errors.New("singular matrix") }}, "singular matrix"},
	} {
		t.Run(name, func(t *testing.T) {
			record := run(t, e, r, test.method)
			if test.want == "" && record.Divergence != "" || !strings.Contains(record.Divergence, test.want) {
				t.Errorf("divergence %q, want %q", record.Divergence, test.want)
			}
		})
	}
}

func TestFaultsOfTheInputAndCancellationAreNotDivergence(t *testing.T) {
	e := experiment(t, 1, 9, 1)
	r := draw(t, e, 1)
	for name, want := range map[string]error{"input": fault.Inputf("members: too few"), "cancelled": context.Canceled} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := e.Run(ctx, r, twin.Contender{Method: scalarKalman{func(i int) error {
			if name == "cancelled" {
				cancel()
			}
			return want
		}}}, nil)
		cancel()
		if !errors.Is(err, want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestRealisationsDependOnTheSeedAlone(t *testing.T) {
	e := experiment(t, 2, 50, 1)
	a, b, c := draw(t, e, 1), draw(t, e, 1), draw(t, e, 2)
	if !slices.Equal(a.Truth, b.Truth) || slices.Equal(a.Truth, c.Truth) {
		t.Error("truths of equal seeds differ, or of different seeds agree")
	}
	other := *e
	other.Scenario = "other"
	d := draw(t, &other, 1)
	if !slices.Equal(a.Truth, d.Truth) {
		t.Error("the truth depends on what is observed of it")
	}
	if slices.Equal(a.Observations.Observations[0].Values, d.Observations.Observations[0].Values) {
		t.Error("two scenarios share their noise")
	}
}

func TestLawOfTruthAndEnsemble(t *testing.T) {
	e := experiment(t, 2, 3, 1)
	e.Initial = &twin.Law{Mean: []float64{5, -5}, Sd: []float64{0, 0.5}}
	var squares float64
	const seeds = 400
	for seed := range int64(seeds) {
		r := draw(t, e, seed)
		if r.Truth[0] != 5 || r.Initial.Mean[1] != -5 || r.Initial.Sd[1] != 0.5 {
			t.Fatalf("truth %v, law %+v", r.Truth[:2], r.Initial)
		}
		squares += (r.Truth[1] + 5) * (r.Truth[1] + 5) / seeds
	}
	if math.Abs(squares-0.25) > 4*0.25*math.Sqrt(2./seeds) {
		t.Errorf("variance of the first state %v, want 0.25", squares)
	}
	e.Initial.Mean = nil
	a, b := draw(t, e, 1), draw(t, e, 2)
	if a.Initial.Mean[0] == b.Initial.Mean[0] || a.Truth[0] != a.Initial.Mean[0] {
		t.Errorf("means %v and %v", a.Initial.Mean, b.Initial.Mean)
	}
}

func TestMissingValuesAreMissing(t *testing.T) {
	e := experiment(t, 3, 101, 1)
	e.Missing = 0.25
	if got := draw(t, e, 1).Observations.Count(); got != 225 {
		t.Errorf("%d values, want 225 of 300", got)
	}
}

func TestAdoptedNumbersMustFit(t *testing.T) {
	e := experiment(t, 2, 3, 1)
	truth, values := make([]float64, 6), make([]float64, 4)
	for name, test := range map[string]struct{ truth, values []float64 }{
		"short truth":      {truth[:4], values},
		"short values":     {truth, values[:3]},
		"more values":      {truth, make([]float64, 5)},
		"truth not finite": {[]float64{0, 0, 0, math.NaN(), 0, 0}, values},
		"infinite value":   {truth, []float64{0, 0, 0, math.Inf(1)}},
	} {
		if _, err := e.Adopt(1, test.truth, test.values); !fault.IsInput(err) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	values[2] = math.NaN()
	r, err := e.Adopt(1, truth, values)
	if err != nil || r.Observations.Count() != 3 || len(e.Layout.Observations[0].Values) != 2 {
		t.Errorf("got %+v, error %v", r, err)
	}
}

func TestMethodsThatAreNotSequentialAreScoredAsSmoothers(t *testing.T) {
	e := experiment(t, 1, 3, 1)
	r, err := e.Adopt(1, []float64{0, 2.5, 3.5}, make([]float64, 2))
	if err != nil {
		t.Fatal(err)
	}
	record := run(t, e, r, wholeEnsemble{}) // 1, 2, 3, 4
	if record.Analysis != nil || record.Members != 4 {
		t.Fatalf("got %+v", record)
	}
	if s := record.Smoothed; s.RMSE.Value != 0.5 || math.Abs(s.Variance-5./3) > 1e-12 {
		t.Errorf("got %+v", s)
	}
}

func TestSummaryLeavesDivergedRunsOut(t *testing.T) {
	statistics := func(rmse float64) *twin.Statistics {
		return &twin.Statistics{Estimates: 9, RMSE: twin.Mean{Value: rmse, Error: 0.3}, MeanSquare: rmse * rmse, Variance: 1}
	}
	s := twin.Summarise([]*twin.Record{
		{Members: 3, Analysis: statistics(1)}, {Members: 3, Analysis: statistics(3)},
		{Members: 3, Analysis: statistics(70), Divergence: "lost"}, {Divergence: "broke"},
	})
	a := s.Analysis
	if s.Seeds != 4 || s.Diverged != 2 || s.Members != 3 || s.Forecast != nil {
		t.Errorf("got %+v", s)
	}
	if a.RMSE != (twin.Mean{Value: 2, Error: 1}) || math.Abs(a.TimeError-0.3/math.Sqrt2) > 1e-12 {
		t.Errorf("got %+v", a)
	}
	if want := math.Sqrt(1. / 5); math.Abs(*a.SpreadSkillPlain-want) > 1e-12 || math.Abs(*a.SpreadSkill-want*math.Sqrt(4./3)) > 1e-12 {
		t.Errorf("ratios %v, %v", *a.SpreadSkillPlain, *a.SpreadSkill)
	}
	one := twin.Summarise([]*twin.Record{{Analysis: statistics(1)}})
	if one.Analysis.RMSE.Error != 0.3 {
		t.Errorf("one run: got %+v", one.Analysis)
	}
	if lost := twin.Summarise([]*twin.Record{{Divergence: "lost"}}); lost.Analysis != nil || lost.Diverged != 1 {
		t.Errorf("no good run: got %+v", lost)
	}
}
