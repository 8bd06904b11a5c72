package quality_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"retrace/internal/fault"
	"retrace/observe"
	"retrace/quality"
)

// Files hold these numbers and names.
func TestVerdictsKeepTheirNumbersAndNames(t *testing.T) {
	want := []string{"accepted", "missing", "invalid", "flagged", "range", "duplicate", "gross", "background", "thinned", "merged"}
	for i, v := range quality.All() {
		back, err := quality.ParseVerdict(v.String())
		if int(v) != i || v.String() != want[i] || back != v || err != nil {
			t.Errorf("verdict %d is %q, read back as %d: %v", i, v, back, err)
		}
	}
	if _, err := quality.ParseVerdict("grosss"); !fault.IsInput(err) || !strings.Contains(err.Error(), `"gross"`) {
		t.Errorf("a wrong name gives %v", err)
	}
	if got := quality.Verdict(200).String(); got != "unknown" {
		t.Errorf("verdict 200 is %q", got)
	}
	text, err := json.Marshal(quality.Counts{quality.GrossError: 2, quality.Accepted: 5})
	if err != nil || string(text) != `{"accepted":5,"gross":2}` {
		t.Errorf("counts are %s, %v", text, err)
	}
	var counts quality.Counts
	if err := json.Unmarshal(text, &counts); err != nil || counts[quality.GrossError] != 2 {
		t.Errorf("counts read back as %v, %v", counts, err)
	}
}

func TestBeginTellsWhatCannotBeUsed(t *testing.T) {
	s := sequence(see(t, ring(4), 0, 1, 2, 3), 1, []float64{1, math.NaN(), math.Inf(1), 2})
	s.Observations[0].Sd[3] = 0
	want := []quality.Verdict{quality.Accepted, quality.Missing, quality.Invalid, quality.Invalid}
	if v := quality.Begin(s); !slices.Equal(v[0], want) {
		t.Errorf("verdicts %v, want %v", v[0], want)
	}
}

func TestAcceptedLeavesTheSequenceAlone(t *testing.T) {
	s := sequence(see(t, ring(4), 0, 1), 1, []float64{1, 20}, []float64{3, 4})
	v := quality.Begin(s)
	quality.Range(v, s, []quality.Limits{{Least: 0, Greatest: 10}})
	kept := v.Accepted(s)
	if s.Observations[0].Values[1] != 20 {
		t.Error("the sequence was changed")
	}
	if !math.IsNaN(kept.Observations[0].Values[1]) || kept.Count() != 3 {
		t.Errorf("kept %v", kept.Observations)
	}
}

func TestRangeHoldsForItsQuantities(t *testing.T) {
	s := sequence(see(t, ring(4), 0, 1), 1, []float64{-1, -1}, []float64{5, 10})
	for name, c := range map[string]struct {
		limits []quality.Limits
		want   int
	}{
		"all":              {[]quality.Limits{{Least: 0, Greatest: 10}}, 2},
		"one quantity":     {[]quality.Limits{{Quantity: "1", Least: 0, Greatest: 10}}, 1},
		"another quantity": {[]quality.Limits{{Quantity: "3", Least: 0, Greatest: 10}}, 0},
		"two limits":       {[]quality.Limits{{Quantity: "1", Least: 0, Greatest: 8}, {Quantity: "0", Least: 0, Greatest: 8}}, 3},
		"none":             {nil, 0},
	} {
		v := quality.Begin(s)
		quality.Range(v, s, c.limits)
		if got := v.Counts()[quality.OutOfRange]; got != c.want {
			t.Errorf("%s: %d rejected, want %d", name, got, c.want)
		}
	}
}

func TestDuplicatesAreTheSameNumberOfTheSameQuantity(t *testing.T) {
	op := see(t, ring(4), 0, 1)
	s := sequence(op, 1, []float64{5, 6}, []float64{5, 7}, []float64{5, 6})
	s.Observations[1].Index = 0 // a second message of state 0: one value again, one new
	v := quality.Begin(s)
	quality.Duplicates(v, s)
	want := quality.Verdicts{{0, 0}, {quality.Duplicate, 0}, {0, 0}}
	for k := range want {
		if !slices.Equal(v[k], want[k]) {
			t.Errorf("observation %d: %v, want %v", k, v[k], want[k])
		}
	}
}

// The threshold counts the noise of the observation and the spread of the prior.
func TestBackgroundCountsSpreadAndNoise(t *testing.T) {
	op := see(t, ring(4), 0)
	prior := quality.Moments{Mean: [][]float64{{10}}, Sd: [][]float64{{4}}}
	for value, want := range map[float64]quality.Verdict{
		10 + 14.9: quality.Accepted, 10 + 15.1: quality.Unlikely, 10 - 15.1: quality.Unlikely,
	} {
		s := sequence(op, 3, []float64{value}) // root of 4^2 + 3^2 is 5
		v := quality.Begin(s)
		quality.Background(v, s, prior, 3)
		if v[0][0] != want {
			t.Errorf("%v: %v, want %v", value, v[0][0], want)
		}
	}
}

// What nothing is known of is not judged.
func TestUnknownMomentsRejectNothing(t *testing.T) {
	s := sequence(see(t, ring(4), 0), 1, []float64{1e9})
	v := quality.Begin(s)
	quality.Background(v, s, quality.Moments{Mean: [][]float64{{math.NaN()}}, Sd: [][]float64{{math.NaN()}}}, 3)
	if v[0][0] != quality.Accepted {
		t.Errorf("verdict %v", v[0][0])
	}
}

func TestPredictIsTheEnsembleSeenThroughTheOperator(t *testing.T) {
	space := ring(3)
	set := draws(space, 2000, 2, 5, 2)
	s := sequence(observe.Func{
		State: 3, Values: 1,
		Function: func(y, x []float64) { y[0] = 2 * x[1] },
	}, 1, []float64{0}, []float64{0})
	m := quality.Predict(s, set)
	for k := range m.Mean {
		mean, squares := 0.0, 0.0
		for i := range set.Count() {
			mean += 2 * float64(set.State(i, k)[1]) / 2000
		}
		for i := range set.Count() {
			squares += math.Pow(2*float64(set.State(i, k)[1])-mean, 2)
		}
		if math.Abs(m.Mean[k][0]-mean) > 1e-12 || math.Abs(m.Sd[k][0]-math.Sqrt(squares/1999)) > 1e-12 {
			t.Errorf("state %d: %v, %v", k, m.Mean[k], m.Sd[k])
		}
	}
	climatology := quality.Climatology(s, set)
	if math.Abs(climatology.Mean[0][0]-10) > 0.4 || math.Abs(climatology.Sd[1][0]-4) > 0.4 {
		t.Errorf("climatology %v", climatology)
	}
}

// A normal prior that sees a value and forgets it is the prior.
func TestLeaveOneOutForgetsTheValue(t *testing.T) {
	const prior, spread, value, noise = 3.0, 2.0, 5.5, 0.7
	gain := spread * spread / (spread*spread + noise*noise)
	posterior := quality.Moments{Mean: [][]float64{{prior + gain*(value-prior), 1}}, Sd: [][]float64{{math.Sqrt(gain) * noise, 4}}}
	s := sequence(see(t, ring(4), 0, 1), noise, []float64{value, math.NaN()})
	m := quality.LeaveOneOut(posterior, s)
	if math.Abs(m.Mean[0][0]-prior) > 1e-12 || math.Abs(m.Sd[0][0]-spread) > 1e-12 {
		t.Errorf("%v, %v", m.Mean, m.Sd)
	}
	if m.Mean[0][1] != 1 || m.Sd[0][1] != 4 {
		t.Errorf("a missing value has %v, %v", m.Mean[0][1], m.Sd[0][1])
	}
	posterior.Sd[0][0] = noise
	if m := quality.LeaveOneOut(posterior, s); !math.IsNaN(m.Mean[0][0]) {
		t.Errorf("without the value nothing is known, not %v", m.Mean[0][0])
	}
}

// A prior that most of a window contradicts is doubted instead of the window.
func TestAWrongPriorIsDoubted(t *testing.T) {
	op := see(t, ring(20), count(20)...)
	values := make([]float64, 20)
	values[3] = 50
	s := sequence(op, 1, values)
	rules := quality.NewRules()
	known := quality.Known{Space: ring(20), Prior: quality.Predict(s, draws(ring(20), 50, 1, 30, 1))}
	outcome := rules.Apply(s, known)
	if !outcome.Doubted || outcome.Verdicts.Counts()[quality.Accepted] != 20 {
		t.Errorf("doubted %v, %v", outcome.Doubted, outcome.Verdicts.Counts())
	}
	known.Prior = quality.Predict(s, draws(ring(20), 50, 1, 0, 1))
	outcome = rules.Apply(s, known)
	if outcome.Doubted || outcome.Verdicts[0][3] != quality.Unlikely || outcome.Assimilate().Count() != 19 {
		t.Errorf("doubted %v, %v", outcome.Doubted, outcome.Verdicts.Counts())
	}
	if rate := outcome.Verdicts.Counts().Rate(); rate != 1.0/20 {
		t.Errorf("rate %v", rate)
	}
}

func TestRulesRefuseWhatMakesNoSense(t *testing.T) {
	for key, change := range map[string]func(r *quality.Rules){
		"gross":      func(r *quality.Rules) { r.Gross = -1 },
		"background": func(r *quality.Rules) { r.Background = math.NaN() },
		"limits":     func(r *quality.Rules) { r.Limits = []quality.Limits{{Least: 1, Greatest: 0}} },
		"superob":    func(r *quality.Rules) { r.ThinSpace, r.Superob = 1, 1 },
	} {
		r := quality.NewRules()
		if err := r.Check(); err != nil {
			t.Errorf("the defaults: %v", err)
		}
		change(r)
		if err := r.Check(); !fault.IsInput(err) || !strings.HasPrefix(err.Error(), key) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestVerdictsOfAnotherSequencePanic(t *testing.T) {
	s := sequence(see(t, ring(4), 0, 1), 1, []float64{1, 2})
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	quality.Duplicates(quality.Verdicts{{0}}, s)
}

func count(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}
