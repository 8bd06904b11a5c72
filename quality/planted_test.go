package quality_test

import (
	"context"
	"math"
	"testing"

	"retrace/assimilate"
	"retrace/assimilate/kalman"
	"retrace/dynamics"
	"retrace/internal/rng"
	"retrace/lorenz"
	"retrace/observe"
	"retrace/quality"
	"retrace/trajectory"
)

// twin is a Lorenz 96 truth, every second component of which is observed.
type twin struct {
	model  dynamics.Model
	truth  *trajectory.Set
	clean  observe.Sequence
	burnIn int
}

func lorenz96(t *testing.T, length int) twin {
	t.Helper()
	model, err := lorenz.NewLorenz96().Build()
	if err != nil {
		t.Fatal(err)
	}
	w := twin{model: model, burnIn: 150}
	w.truth = trajectory.New(model.Space(), model.Clock(), nil, length)
	x := make([]float64, model.Space().Size())
	r := rng.Stream(3, "truth")
	model.Initial(x, r)
	for k := range 200 + length {
		model.Step(x, r)
		if k >= 200 {
			for j, v := range x {
				w.truth.State(0, k-200)[j] = float32(v)
			}
		}
	}
	var even []int
	for j := 0; j < model.Space().Size(); j += 2 {
		even = append(even, j)
	}
	states := make([]int, length)
	for k := range states {
		states[k] = k
	}
	layout, err := observe.Layout(see(t, model.Space(), even...), states, 1)
	if err != nil {
		t.Fatal(err)
	}
	w.clean, err = layout.Simulate(w.truth.Trajectory(0), observe.Address{Seed: 5, Scenario: "even"})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// filter runs a LETKF; screen may look at the forecast of a state and take values
// out of the sequence before they are assimilated. The result is the mean error of
// the analysis after the burn-in.
func (w twin) filter(t *testing.T, s observe.Sequence, screen func(e assimilate.Estimate)) float64 {
	t.Helper()
	letkf := kalman.NewLETKF()
	f := kalman.NewFilter(letkf)
	f.Inflation = 1.03
	sum, n := 0.0, 0
	p := assimilate.Problem{Model: w.model, Observations: s, Length: w.truth.Length, Members: 16, Seed: 2}
	err := f.Cycle(context.Background(), p, func(e assimilate.Estimate) error {
		if e.Stage == assimilate.Forecast && screen != nil {
			screen(e)
		}
		if e.Stage == assimilate.Analysis && e.Index >= w.burnIn {
			square := 0.0
			for j, x := range w.truth.State(0, e.Index) {
				square += (e.Mean[j] - float64(x)) * (e.Mean[j] - float64(x))
			}
			sum += math.Sqrt(square / float64(len(e.Mean)))
			n++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum / float64(n)
}

// forecast is the ensemble of an estimate as trajectories of one state.
func (w twin) forecast(e assimilate.Estimate) *trajectory.Set {
	size := len(e.Mean)
	set := trajectory.New(w.model.Space(), w.model.Clock(), []trajectory.Dimension{{Name: "member", Len: len(e.Ensemble) / size}}, 1)
	for i, v := range e.Ensemble {
		set.Data[i] = float32(v)
	}
	return set
}

// Five in a hundred values are wrong by 6 to 30 standard deviations. Checked
// against the forecast of a LETKF, at least 95 % of them are found, at most 1 % of
// the good ones are lost, and the error stays within 10 % of that without any.
func TestGrossErrorsAreCaughtAgainstTheForecast(t *testing.T) {
	length := 400
	if *long {
		length = 5000
	}
	w := lorenz96(t, length)
	dirty, bad := plant(w.clean, 0.05)
	rules := quality.NewRules()
	var found tally
	checked, _ := plant(w.clean, 0.05)
	screened := w.filter(t, checked, func(e assimilate.Estimate) {
		o := checked.Observations[e.Index]
		now := observe.Sequence{Observations: []observe.Observation{o}}
		now.Observations[0].Index = 0
		outcome := rules.Apply(now, quality.Known{Space: w.model.Space(), Prior: quality.Predict(now, w.forecast(e))})
		found.add(outcome.Verdicts, bad[e.Index:e.Index+1])
		copy(o.Values, outcome.Assimilate().Observations[0].Values)
	})
	clean, believed := w.filter(t, w.clean, nil), w.filter(t, dirty, nil)
	t.Logf("caught %.4f of %d, lost %.4f of %d; error %.4f clean, %.4f screened, %.4f unscreened",
		found.caughtShare(), found.planted, found.lostShare(), found.good, clean, screened, believed)
	if found.caughtShare() < 0.95 || found.lostShare() > 0.01 {
		t.Errorf("caught %.3f, lost %.3f", found.caughtShare(), found.lostShare())
	}
	if screened > 1.1*clean {
		t.Errorf("error %.3f, %.3f without planted errors", screened, clean)
	}
	if believed < 1.5*clean {
		t.Errorf("without checks the error is %.3f: the test does not test anything", believed)
	}
}

// The climatology alone finds errors that leave it.
func TestGrossErrorsAreCaughtAgainstTheClimatology(t *testing.T) {
	w := lorenz96(t, 400)
	climatology := quality.Climatology(w.clean, w.truth)
	if sd := climatology.Sd[0][0]; sd < 3 || sd > 4.5 {
		t.Fatalf("the climatology of Lorenz 96 has sd 3.6, not %v", sd)
	}
	var dirty observe.Sequence
	var bad [][]bool
	r := rng.Stream(9, "sentinels")
	for _, o := range w.clean.Observations {
		o.Values = append([]float64(nil), o.Values...)
		row := make([]bool, len(o.Values))
		for j := range row {
			if row[j] = r.Float64() < 0.05; row[j] {
				o.Values[j] = []float64{-999, 99.9, 60}[r.IntN(3)]
			}
		}
		dirty.Observations, bad = append(dirty.Observations, o), append(bad, row)
	}
	v := quality.Begin(dirty)
	quality.Gross(v, dirty, climatology, 5)
	var found tally
	found.add(v, bad)
	if found.caughtShare() < 1 || found.lostShare() > 0.001 {
		t.Errorf("caught %.4f, lost %.4f", found.caughtShare(), found.lostShare())
	}
}

// Over a window that begins at the climatology, the rest of the window finds what
// the prior cannot. Bad values spoil what is said of their neighbours, so that the
// first pass loses good ones; the second has them back.
func TestGrossErrorsAreCaughtByTheRestOfTheWindow(t *testing.T) {
	model, clean := spring(t, 400)
	dirty, bad := plant(clean, 0.05)
	v := quality.Begin(dirty)
	var found [3]tally
	for pass := range found {
		seen := v.Accepted(dirty)
		result, err := kalman.NewKF().Assimilate(context.Background(), assimilate.Problem{
			Model: model, Observations: seen, Length: len(seen.Observations), Members: 200, Seed: 4,
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		v = quality.Begin(dirty)
		quality.Background(v, dirty, quality.LeaveOneOut(quality.Predict(seen, result.Ensemble), seen), 4)
		found[pass].add(v, bad)
		t.Logf("pass %d: caught %.3f of %d, lost %.4f of %d", pass,
			found[pass].caughtShare(), found[pass].planted, found[pass].lostShare(), found[pass].good)
	}
	if last := found[2]; last.caughtShare() < 0.95 || last.lostShare() > 0.01 {
		t.Errorf("caught %.3f, lost %.4f", last.caughtShare(), last.lostShare())
	}
	if found[0].lost == 0 {
		t.Error("the first pass lost nothing: the passes are not tested")
	}
}

// spring is a damped spring whose position is observed at every state with a noise
// of 0.3.
func spring(t *testing.T, length int) (dynamics.Model, observe.Sequence) {
	t.Helper()
	model, err := dynamics.NewDampedSpring().Build()
	if err != nil {
		t.Fatal(err)
	}
	truth := trajectory.New(model.Space(), model.Clock(), nil, length)
	x := make([]float64, model.Space().Size())
	r := rng.Stream(3, "spring")
	model.Initial(x, r)
	states := make([]int, length)
	for k := range states {
		states[k] = k
		for j, v := range x {
			truth.State(0, k)[j] = float32(v)
		}
		model.Step(x, r)
	}
	layout, err := observe.Layout(see(t, model.Space(), 0), states, 0.3)
	if err != nil {
		t.Fatal(err)
	}
	s, err := layout.Simulate(truth.Trajectory(0), observe.Address{Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	return model, s
}
