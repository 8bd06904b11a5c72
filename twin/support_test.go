package twin_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/observe"
	"retrace/trajectory"
	"retrace/twin"
)

// walk is a random walk of n independent components with unit steps.
type walk struct{ n int }

func (w walk) Space() dynamics.Space {
	axis := dynamics.Axis{Name: "site", Coordinates: make([]float64, w.n)}
	for i := range axis.Coordinates {
		axis.Coordinates[i] = float64(i)
	}
	return dynamics.Space{Variable: "state", Units: "1", Axes: []dynamics.Axis{axis}}
}
func (walk) Clock() dynamics.Clock { return dynamics.Clock{Interval: 0.5, Units: "1"} }
func (walk) SpinUp() int           { return 0 }

func (walk) Initial(x []float64, r *rand.Rand) {
	for i := range x {
		x[i] = r.NormFloat64()
	}
}

func (walk) Step(x []float64, r *rand.Rand) {
	for i := range x {
		x[i] += r.NormFloat64()
	}
}

// scalarKalman is the exact filter of a walk whose components are all observed.
type scalarKalman struct{ broken func(index int) error }

func (k scalarKalman) Cycle(_ context.Context, p assimilate.Problem, watch func(assimilate.Estimate) error) error {
	n := p.Model.Space().Size()
	e := assimilate.Estimate{Mean: make([]float64, n), Variance: make([]float64, n)}
	for j := range n {
		e.Variance[j] = 1
	}
	next := p.Observations.Observations
	for e.Index = range p.Length {
		e.Stage = assimilate.Forecast
		for j := range n {
			if e.Index > 0 {
				e.Variance[j]++
			}
		}
		if k.broken != nil {
			if err := k.broken(e.Index); err != nil {
				return err
			}
		}
		if err := watch(e); err != nil {
			return err
		}
		if len(next) > 0 && next[0].Index == e.Index {
			for j, y := range next[0].Values {
				if !math.IsNaN(y) {
					gain := e.Variance[j] / (e.Variance[j] + next[0].Sd[j]*next[0].Sd[j])
					e.Mean[j] += gain * (y - e.Mean[j])
					e.Variance[j] *= 1 - gain
				}
			}
			next = next[1:]
		}
		e.Stage = assimilate.Analysis
		if err := watch(e); err != nil {
			return err
		}
	}
	return nil
}

func (scalarKalman) Assimilate(context.Context, assimilate.Problem, func(done, total int)) (*assimilate.Result, error) {
	panic("a sequential method is asked for a whole ensemble")
}

// script is a method that says what it is told to, at every state.
type script struct{ estimates []assimilate.Estimate }

func (s script) Cycle(_ context.Context, p assimilate.Problem, watch func(assimilate.Estimate) error) error {
	for i := range p.Length {
		for _, e := range s.estimates {
			e.Index = i
			if err := watch(e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (script) Assimilate(context.Context, assimilate.Problem, func(done, total int)) (*assimilate.Result, error) {
	panic("not asked for")
}

// experiment observes every second state of a walk of n components.
func experiment(t testing.TB, n, length int, sd float64) *twin.Experiment {
	t.Helper()
	model := walk{n}
	operator, err := observe.Identity{}.Build(model.Space())
	if err != nil {
		t.Fatal(err)
	}
	var indices []int
	for i := 1; i < length; i++ {
		indices = append(indices, i)
	}
	layout, err := observe.Layout(operator, indices, sd)
	if err != nil {
		t.Fatal(err)
	}
	return &twin.Experiment{Model: model, Scenario: "all", Layout: layout, Length: length}
}

func draw(t testing.TB, e *twin.Experiment, seed int64) *twin.Realisation {
	t.Helper()
	r, err := e.Draw(t.Context(), seed)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func run(t testing.TB, e *twin.Experiment, r *twin.Realisation, m assimilate.Method) *twin.Record {
	t.Helper()
	record, err := e.Run(t.Context(), r, twin.Contender{Method: m, Members: 4}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return record
}

// wholeEnsemble is a method that is not sequential: members at 1, 2, ... N.
type wholeEnsemble struct{}

func (wholeEnsemble) Assimilate(_ context.Context, p assimilate.Problem, progress func(done, total int)) (*assimilate.Result, error) {
	set := trajectory.New(p.Model.Space(), p.Model.Clock(), []trajectory.Dimension{{Name: "member", Len: p.Members}}, p.Length)
	for m := range p.Members {
		for i := range set.Trajectory(m) {
			set.Trajectory(m)[i] = float32(m + 1)
		}
		progress(m+1, p.Members)
	}
	return &assimilate.Result{Ensemble: set}, nil
}
