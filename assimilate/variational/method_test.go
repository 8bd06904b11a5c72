package variational_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"retrace/assimilate"
	"retrace/assimilate/variational"
	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/rng"
	"retrace/lorenz"
	"retrace/observe"
	"retrace/trajectory"
)

func build(t testing.TB, b dynamics.Builder) dynamics.Model {
	t.Helper()
	m, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func identity(t testing.TB, space dynamics.Space) observe.Operator {
	t.Helper()
	op, err := observe.Identity{}.Build(space)
	if err != nil {
		t.Fatal(err)
	}
	return op
}

// methods are the sequential methods of this package, by name.
func methods() map[string]assimilate.Sequential {
	window := variational.NewFourDVar()
	window.Window, window.Shift = 4, 2
	strong := variational.NewFourDVar()
	strong.Constraint, strong.Covariance = "strong", "identity"
	hybrid := variational.NewEnsembleVar()
	hybrid.Window = 3
	return map[string]assimilate.Sequential{
		"free-run": variational.FreeRun{}, "oi": variational.Interpolation{}, "persistence": variational.Persistence{},
		"3dvar": variational.NewThreeDVar(), "4dvar": variational.NewFourDVar(), "4dvar, windows": window,
		"4dvar, strong": strong, "4denvar": variational.NewEnsembleVar(), "4denvar, windows": hybrid,
	}
}

// chaotic is noisy Lorenz 63, observed wholly every 0.1 but for one state, one value
// missing.
func chaotic(t testing.TB, members int) assimilate.Problem {
	t.Helper()
	b := lorenz.NewLorenz63()
	b.Dt, b.Steps, b.NoiseVariance = 0.1, 10, 0.01
	model := build(t, b)
	training, err := trajectory.Simulate(context.Background(), model,
		trajectory.Plan{Count: 4, Length: 300, SpinUp: 100, Seed: 1, Purpose: "training"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	law := &assimilate.Normal{Mean: []float64{1.5, -1.5, 25}, Sd: []float64{1, 1, 1}}
	p := assimilate.Problem{Model: model, Length: 12, Members: members, Seed: 4, Initial: law, Training: training}
	r := rng.Stream(1, "chaotic")
	x := slices.Clone(law.Mean)
	for i := 1; i < p.Length; i++ {
		model.Step(x, r)
		if i == 5 {
			continue
		}
		y := []float64{x[0] + r.NormFloat64(), x[1] + r.NormFloat64(), x[2] + r.NormFloat64()}
		if i == 3 {
			y[1] = math.NaN()
		}
		p.Observations.Observations = append(p.Observations.Observations,
			observe.Observation{Index: i, Operator: identity(t, model.Space()), Values: y, Sd: []float64{1, 1, 1}})
	}
	return p
}

// cycled runs a method and keeps all that it says.
func cycled(t testing.TB, m assimilate.Sequential, p assimilate.Problem) []assimilate.Estimate {
	t.Helper()
	var all []assimilate.Estimate
	if err := m.Cycle(context.Background(), p, func(e assimilate.Estimate) error {
		e.Mean, e.Variance, e.Ensemble = slices.Clone(e.Mean), slices.Clone(e.Variance), slices.Clone(e.Ensemble)
		all = append(all, e)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// analyses are the means of the analyses, one after the other.
func analyses(all []assimilate.Estimate) (means []float64) {
	for _, e := range all {
		if e.Stage == assimilate.Analysis {
			means = append(means, e.Mean...)
		}
	}
	return means
}

func furthest(a, b []float64) (worst float64) {
	for i := range a {
		worst = math.Max(worst, math.Abs(a[i]-b[i]))
	}
	return worst
}

func TestEstimatesComeInOrder(t *testing.T) {
	p := chaotic(t, 8)
	for name, m := range methods() {
		var forecasts, smoothed int
		for _, e := range cycled(t, m, p) {
			switch e.Stage {
			case assimilate.Forecast:
				if e.Index != forecasts {
					t.Fatalf("%s: forecast of state %d, want %d", name, e.Index, forecasts)
				}
				forecasts++
			case assimilate.Analysis:
				if e.Index != forecasts-1 {
					t.Fatalf("%s: analysis of state %d after the forecast of %d", name, e.Index, forecasts-1)
				}
			case assimilate.Smoothed:
				if e.Index != smoothed || smoothed >= forecasts {
					t.Fatalf("%s: state %d is smoothed, want %d", name, e.Index, smoothed)
				}
				smoothed++
			}
			for i, v := range e.Variance {
				if !(v >= 0) || math.IsNaN(e.Mean[i]) {
					t.Fatalf("%s, %v of state %d: mean %v and variance %v", name, e.Stage, e.Index, e.Mean, e.Variance)
				}
			}
		}
		if forecasts != p.Length || smoothed != 0 && smoothed != p.Length {
			t.Errorf("%s: %d forecasts and %d smoothed of %d states", name, forecasts, smoothed, p.Length)
		}
	}
}

// changed is a problem with other observations.
func changed(p assimilate.Problem, change func(observe.Observation) []observe.Observation) assimilate.Problem {
	var all []observe.Observation
	for _, o := range p.Observations.Observations {
		o.Values, o.Sd = slices.Clone(o.Values), slices.Clone(o.Sd)
		all = append(all, change(o)...)
	}
	p.Observations.Observations = all
	return p
}

// deterministic are the methods whose draws do not depend on the observations'
// number: they must be unmoved by how the same information is written down.
func deterministic() map[string]assimilate.Sequential {
	all := methods()
	delete(all, "4denvar")
	delete(all, "4denvar, windows")
	return all
}

func TestAMissingValueIsARemovedRow(t *testing.T) {
	p := chaotic(t, 4)
	removed := changed(p, func(o observe.Observation) []observe.Observation {
		if o.Index != 3 {
			return []observe.Observation{o}
		}
		op, err := observe.Components{Indices: []int{0, 2}}.Build(p.Model.Space())
		if err != nil {
			t.Fatal(err)
		}
		return []observe.Observation{{Index: 3, Operator: op, Values: []float64{o.Values[0], o.Values[2]}, Sd: []float64{1, 1}}}
	})
	for name, m := range methods() {
		if d := furthest(analyses(cycled(t, m, p)), analyses(cycled(t, m, removed))); d > 1e-10 {
			t.Errorf("%s: analyses differ by %g", name, d)
		}
	}
}

func TestTwiceTheSameObservationIsHalfItsVariance(t *testing.T) {
	p := chaotic(t, 4)
	twice := changed(p, func(o observe.Observation) []observe.Observation { return []observe.Observation{o, o} })
	half := changed(p, func(o observe.Observation) []observe.Observation {
		for i := range o.Sd {
			o.Sd[i] /= math.Sqrt2
		}
		return []observe.Observation{o}
	})
	for name, m := range deterministic() {
		if d := furthest(analyses(cycled(t, m, twice)), analyses(cycled(t, m, half))); d > 1e-10 {
			t.Errorf("%s: analyses differ by %g", name, d)
		}
	}
}

func TestNothingSeenIsNothingLearnt(t *testing.T) {
	p := chaotic(t, 6)
	none := p
	none.Observations = observe.Sequence{}
	blind := changed(p, func(o observe.Observation) []observe.Observation {
		o.Values = []float64{math.NaN(), math.NaN(), math.NaN()}
		return []observe.Observation{o}
	})
	vague := changed(p, func(o observe.Observation) []observe.Observation {
		o.Sd = []float64{1e9, 1e9, 1e9}
		return []observe.Observation{o}
	})
	for name, m := range methods() {
		want := analyses(cycled(t, m, none))
		if d := furthest(want, analyses(cycled(t, m, blind))); d != 0 {
			t.Errorf("%s: missing values change analyses by %g", name, d)
		}
		if name == "persistence" { // it returns to the climatology when something is seen
			continue
		}
		if d := furthest(want, analyses(cycled(t, m, vague))); d > 1e-3 {
			t.Errorf("%s: observations of huge variance change analyses by %g", name, d)
		}
	}
}

func TestPreciseObservationsAreTakenAtTheirWord(t *testing.T) {
	p := changed(chaotic(t, 20), func(o observe.Observation) []observe.Observation {
		o.Sd = []float64{1e-6, 1e-6, 1e-6}
		return []observe.Observation{o}
	})
	for name, m := range methods() {
		if name == "free-run" || name == "4dvar, strong" { // which cannot fit all of them
			continue
		}
		all := cycled(t, m, p)
		for _, o := range p.Observations.Observations {
			for _, e := range all {
				if e.Index != o.Index || e.Stage != assimilate.Analysis {
					continue
				}
				for i, y := range o.Values {
					if !math.IsNaN(y) && math.Abs(e.Mean[i]-y) > 1e-3 {
						t.Errorf("%s, state %d: analysis %v of an observation %v", name, e.Index, e.Mean[i], y)
					}
				}
			}
		}
	}
}

func TestMembersDoNotDependOnTheNumberOfWorkers(t *testing.T) {
	p := chaotic(t, 6)
	for name, m := range methods() {
		var first []float32
		for _, workers := range []int{1, 3} {
			old := runtime.GOMAXPROCS(workers)
			result, err := m.Assimilate(context.Background(), p, nil)
			runtime.GOMAXPROCS(old)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if first == nil {
				first = result.Ensemble.Data
			} else if !slices.Equal(first, result.Ensemble.Data) {
				t.Errorf("%s: members depend on the number of workers", name)
			}
		}
	}
}

func TestAMemberDoesNotDependOnTheirNumber(t *testing.T) {
	few, many := chaotic(t, 3), chaotic(t, 7)
	for name, m := range methods() {
		if strings.HasPrefix(name, "4denvar") { // whose members interact
			continue
		}
		a, err := m.Assimilate(context.Background(), few, nil)
		if err != nil {
			t.Fatal(err)
		}
		b, err := m.Assimilate(context.Background(), many, nil)
		if err != nil {
			t.Fatal(err)
		}
		for k := range 3 {
			if !slices.Equal(a.Ensemble.Trajectory(k), b.Ensemble.Trajectory(k)) {
				t.Errorf("%s: member %d depends on how many there are", name, k)
			}
		}
	}
}

func TestMembersScatterAsTheAnalysisSays(t *testing.T) {
	p := chaotic(t, 2000)
	for _, name := range []string{"oi", "3dvar"} {
		m := methods()[name]
		all := cycled(t, m, p)
		result, err := m.Assimilate(context.Background(), p, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all {
			if e.Stage != assimilate.Analysis {
				continue
			}
			for i := range e.Mean {
				var mean, squares float64
				for k := range p.Members {
					d := float64(result.Ensemble.State(k, e.Index)[i]) - e.Mean[i]
					mean += d / float64(p.Members)
					squares += d * d / float64(p.Members)
				}
				if sd := math.Sqrt(e.Variance[i]); math.Abs(mean) > 0.15*sd || math.Abs(squares/e.Variance[i]-1) > 0.2 {
					t.Errorf("%s, state %d: members are off by %.3f sd, with variance %.3f, want %.3f", name, e.Index, mean/sd, squares, e.Variance[i])
				}
			}
		}
	}
}

// explosive leaves the finite numbers at once.
type explosive struct {
	dynamics.AdditiveNoise
	dynamics.Linearisable
}

func (m explosive) Space() dynamics.Space             { return m.AdditiveNoise.Space() }
func (m explosive) Clock() dynamics.Clock             { return m.AdditiveNoise.Clock() }
func (m explosive) SpinUp() int                       { return 0 }
func (m explosive) Initial(x []float64, r *rand.Rand) { m.AdditiveNoise.Initial(x, r) }
func (m explosive) Step(x []float64, r *rand.Rand)    { m.Flow(x) }
func (m explosive) Flow(x []float64) {
	for i := range x {
		x[i] = math.Exp(1000 + math.Abs(x[i]))
	}
}

func TestDivergenceIsAnErrorOfItsOwn(t *testing.T) {
	p := chaotic(t, 4)
	p.Model = explosive{p.Model.(dynamics.AdditiveNoise), p.Model.(dynamics.Linearisable)}
	for name, m := range methods() {
		if name == "oi" || name == "persistence" { // which do not run the model
			continue
		}
		err := m.Cycle(context.Background(), p, func(assimilate.Estimate) error { return nil })
		if !errors.Is(err, variational.ErrDiverged) || fault.IsInput(err) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

// bare is a model that can do nothing but step.
type bare struct{ dynamics.Model }

// wide observes all of a state that is too large for that.
func wide(t *testing.T) assimilate.Problem {
	model := build(t, &lorenz.Lorenz96{N: 20_000, F: 8, Dt: 0.05, Steps: 1})
	values := make([]float64, 20_000)
	return assimilate.Problem{Model: model, Length: 1, Members: 1, Observations: observe.Sequence{
		Observations: []observe.Observation{{Operator: identity(t, model.Space()), Values: values, Sd: slices.Repeat([]float64{1}, 20_000)}},
	}}
}

func TestWhatCannotBeDoneIsExplained(t *testing.T) {
	p := chaotic(t, 4)
	with := func(change func(*assimilate.Problem)) assimilate.Problem {
		q := p
		change(&q)
		return q
	}
	four := func(change func(*variational.FourDVar)) assimilate.Sequential {
		v := variational.NewFourDVar()
		change(v)
		return v
	}
	hybrid := func(change func(*variational.EnsembleVar)) assimilate.Sequential {
		v := variational.NewEnsembleVar()
		change(v)
		return v
	}
	quiet := build(t, &lorenz.Lorenz96{N: 4, F: 8, Dt: 0.05, Steps: 1})
	for _, c := range []struct {
		method  assimilate.Sequential
		problem assimilate.Problem
		want    string
	}{
		{variational.Interpolation{}, with(func(p *assimilate.Problem) { p.Training = nil }), "there are none"},
		{variational.NewThreeDVar(), with(func(p *assimilate.Problem) { p.Training = nil }), "background = \"identity\""},
		{variational.NewThreeDVar(), with(func(p *assimilate.Problem) { p.Model = bare{p.Model} }), "has none"},
		{variational.NewThreeDVar(), with(func(p *assimilate.Problem) { p.Members = 0 }), "at least one of each"},
		{variational.NewThreeDVar(), with(func(p *assimilate.Problem) { p.Length = 3 }), "no state"},
		{variational.NewThreeDVar(), wide(t), "choose a method that works locally"},
		{variational.FreeRun{}, with(func(p *assimilate.Problem) { p.Initial = &assimilate.Normal{} }), "0 means"},
		{&variational.ThreeDVar{Background: variational.Background{Covariance: "climate", Scale: 1}}, p, `background = "climate"`},
		{&variational.ThreeDVar{Background: variational.Background{Covariance: "identity"}}, p, "background_scale = 0"},
		{four(func(v *variational.FourDVar) {}), with(func(p *assimilate.Problem) { p.Model = bare{p.Model} }), "choose 4denvar"},
		{four(func(v *variational.FourDVar) { v.Window, v.Shift = 4, 3 }), p, "shift = 3: does not divide window = 4"},
		{four(func(v *variational.FourDVar) { v.Constraint = "week" }), p, `did you mean "weak"`},
		{four(func(v *variational.FourDVar) { v.Iterations = -1 }), p, "iterations = -1"},
		{four(func(v *variational.FourDVar) { v.Constraint = "weak" }), assimilate.Problem{Model: quiet, Length: 1, Members: 1}, "give it noise, or choose strong"},
		{hybrid(func(v *variational.EnsembleVar) {}), with(func(p *assimilate.Problem) { p.Members = 1 }), "at least 2"},
		{hybrid(func(v *variational.EnsembleVar) { v.Share = 1.2 }), p, "ensemble_share = 1.2"},
		{hybrid(func(v *variational.EnsembleVar) { v.Window = 0 }), p, "window = 0"},
		{hybrid(func(v *variational.EnsembleVar) { v.Inflation = 0 }), p, "inflation = 0"},
	} {
		err := c.method.Cycle(context.Background(), c.problem, func(assimilate.Estimate) error { return nil })
		if err == nil || !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error is %v, want an input error with %q", err, c.want)
		}
	}
}

func TestTheWatcherAndTheContextEndTheWork(t *testing.T) {
	p := chaotic(t, 4)
	stop := errors.New("stop")
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for name, m := range methods() {
		count := 0
		err := m.Cycle(context.Background(), p, func(assimilate.Estimate) error {
			if count++; count == 5 {
				return stop
			}
			return nil
		})
		if err != stop || count != 5 {
			t.Errorf("%s: after %d estimates: %v", name, count, err)
		}
		if _, err := m.Assimilate(ended, p, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: a cancelled context gives %v", name, err)
		}
	}
}

func TestFiltersDoNotAllocateInACycle(t *testing.T) {
	base := chaotic(t, 6)
	for _, name := range []string{"free-run", "oi", "persistence", "3dvar", "4denvar", "4denvar, windows"} {
		m := methods()[name]
		count := func(length int) float64 {
			p := base
			p.Length, p.Observations.Observations = length, nil
			for i := range length {
				o := base.Observations.Observations[0]
				o.Index = i
				p.Observations.Observations = append(p.Observations.Observations, o)
			}
			return testing.AllocsPerRun(3, func() {
				if err := m.Cycle(context.Background(), p, func(assimilate.Estimate) error { return nil }); err != nil {
					t.Fatal(err)
				}
			})
		}
		if perCycle := (count(240) - count(30)) / 210; perCycle > 0.05 {
			t.Errorf("%s: %.2f allocations a cycle", name, perCycle)
		}
	}
}
