package kalman_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/internal/rng"
	"retrace/lorenz"
	"retrace/observe"
)

// twin is a twin experiment in the conventions of the reference cases: the
// truth starts from the initial law of the methods, state 0 is not observed,
// and scores are means over the analyses after the burn-in.
type twin struct {
	model   dynamics.Model
	initial assimilate.Normal
	cycles  int
	every   int     // states between two analyses
	burnIn  float64 // time
	indices []int   // components observed; nil for all
	sd      float64
	natural bool // the initial law is that of the model, not initial
}

func model(t testing.TB, b dynamics.Builder) dynamics.Model {
	t.Helper()
	m, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// lorenz63 is the deterministic system, sampled every interval by steps of
// 0.01.
func lorenz63(t testing.TB, interval float64) dynamics.Model {
	p := lorenz.NewLorenz63()
	p.Dt, p.Steps, p.NoiseVariance = interval, int(math.Round(interval/0.01)), 0
	return model(t, p)
}

// lorenz96 is the system of 40 sites, sampled every interval by so many steps.
func lorenz96(t testing.TB, interval float64, steps int) dynamics.Model {
	p := lorenz.NewLorenz96()
	p.Dt, p.Steps = interval, steps
	return model(t, p)
}

// sakov12 is case A of the reference cases: Lorenz 63, everything observed with
// variance 2 every 0.25.
func sakov12(t testing.TB, cycles int) twin {
	return twin{
		model: lorenz63(t, 0.25), cycles: cycles, every: 1, burnIn: 16, sd: math.Sqrt2,
		initial: assimilate.Normal{Mean: []float64{1.509, -1.531, 25.46}, Sd: []float64{math.Sqrt2, math.Sqrt2, math.Sqrt2}},
	}
}

// sakov08 is case F: Lorenz 96, everything observed with unit variance, every
// so many steps of 0.05.
func sakov08(t testing.TB, cycles, steps int) twin {
	w := twin{model: lorenz96(t, 0.05*float64(steps), steps), cycles: cycles, every: 1, burnIn: 20, sd: 1}
	w.initial = assimilate.Normal{Mean: make([]float64, 40), Sd: make([]float64, 40)}
	w.initial.Mean[0] = 1
	for i := range w.initial.Sd {
		w.initial.Sd[i] = math.Sqrt(0.001)
	}
	return w
}

// problem simulates truth and observations.
func (w twin) problem(t testing.TB, seed int64, members int) (p assimilate.Problem, truth [][]float64) {
	t.Helper()
	space := w.model.Space()
	length := w.cycles*w.every + 1
	r := rng.Stream(seed, "test/truth")
	x := make([]float64, space.Size())
	if w.natural {
		w.model.Initial(x, r)
	} else {
		for i := range x {
			x[i] = w.initial.Mean[i] + w.initial.Sd[i]*r.NormFloat64()
		}
	}
	truth = append(truth, append([]float64(nil), x...))
	for range length - 1 {
		w.model.Step(x, r)
		truth = append(truth, append([]float64(nil), x...))
	}
	indices := w.indices
	if indices == nil {
		for i := range x {
			indices = append(indices, i)
		}
	}
	operator, err := observe.Components{Indices: indices}.Build(space)
	if err != nil {
		t.Fatal(err)
	}
	sd := make([]float64, len(indices))
	for j := range sd {
		sd[j] = w.sd
	}
	p = assimilate.Problem{Model: w.model, Length: length, Members: members, Seed: seed}
	if !w.natural {
		p.Initial = &w.initial
	}
	for k := w.every; k < length; k += w.every {
		y := make([]float64, len(indices))
		operator.Apply(y, truth[k])
		for j := range y {
			y[j] += w.sd * r.NormFloat64()
		}
		p.Observations.Observations = append(p.Observations.Observations, observe.Observation{Index: k, Operator: operator, Values: y, Sd: sd})
	}
	return p, truth
}

// skill is what a method achieved: for each stage the mean over analyses of the
// root mean square error, and of the spread.
type skill struct{ rmse, spread [3]float64 }

func (w twin) run(t testing.TB, m assimilate.Sequential, seed int64, members int) (s skill, err error) {
	t.Helper()
	p, truth := w.problem(t, seed, members)
	var n [3]float64
	interval := w.model.Clock().Interval
	burnIn := min(w.burnIn, float64(w.cycles*w.every)*interval/2)
	err = m.Cycle(context.Background(), p, func(e assimilate.Estimate) error {
		if e.Index%w.every != 0 || float64(e.Index)*interval <= burnIn+1e-9 {
			return nil
		}
		var square, spread float64
		for i, x := range truth[e.Index] {
			square += (e.Mean[i] - x) * (e.Mean[i] - x)
			spread += e.Variance[i]
		}
		n[e.Stage]++
		s.rmse[e.Stage] += math.Sqrt(square / float64(len(e.Mean)))
		s.spread[e.Stage] += math.Sqrt(spread / float64(len(e.Mean)))
		return nil
	})
	if err != nil && !errors.Is(err, assimilate.ErrDiverged) {
		t.Fatal(err)
	}
	for stage := range n {
		s.rmse[stage] /= n[stage]
		s.spread[stage] /= n[stage]
	}
	return s, err
}

// lorenz96Forced is the system of 40 sites with another forcing.
func lorenz96Forced(t testing.TB, forcing float64) dynamics.Model {
	p := lorenz.NewLorenz96()
	p.F = forcing
	return model(t, p)
}
