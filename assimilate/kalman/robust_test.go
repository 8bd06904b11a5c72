package kalman_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"retrace/assimilate"
	"retrace/assimilate/kalman"
	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/lorenz"
	"retrace/observe"
)

// everything is one of each method, for Lorenz 96.
func everything() map[string]assimilate.Sequential {
	all := map[string]assimilate.Sequential{
		"ekf": kalman.NewEKF(), "ienks": kalman.NewIEnKS(),
		"enks":  &kalman.EnKS{Filter: *filter(&kalman.ETKF{}), Lag: 2},
		"enrts": &kalman.EnRTS{Filter: *filter(&kalman.ETKF{}), Decay: 0.99},
		"letkf": tuned(localised(4), 1.05, true), "eakf": filter(kalman.NewEAKF()),
	}
	for name, u := range updates() {
		all[name] = tuned(u, 1.05, true)
	}
	return all
}

func lorenzProblem(t testing.TB, members int) assimilate.Problem {
	indices := []int{0, 3, 6, 9, 20, 30}
	return observing(t, lorenz96(t, 0.05, 1), 9, 2, members, 1, indices...)
}

func assimilated(t testing.TB, m assimilate.Method, p assimilate.Problem) *assimilate.Result {
	t.Helper()
	result, err := m.Assimilate(context.Background(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func bytesOf(data []float32) []byte {
	var b bytes.Buffer
	_ = binary.Write(&b, binary.LittleEndian, data)
	return b.Bytes()
}

func TestTrajectoriesAreTheEstimates(t *testing.T) {
	p := lorenzProblem(t, 6)
	for name, m := range everything() {
		stage := assimilate.Analysis
		switch name {
		case "enks", "enrts", "ienks":
			stage = assimilate.Smoothed
		case "ekf":
			continue // its members are draws
		}
		set := assimilated(t, m, p).Ensemble
		if set.Count() != 6 || set.Length != p.Length || set.Lead[0].Name != "member" {
			t.Fatalf("%s: %v of %d states", name, set.Lead, set.Length)
		}
		for k, e := range cycled(t, m, p)[stage] {
			for member := range 6 {
				for i, x := range set.State(member, k) {
					if x != float32(e.Ensemble[member*40+i]) {
						t.Fatalf("%s: member %d of state %d is not that of the %s", name, member, k, stage)
					}
				}
			}
		}
	}
}

func TestEveryStageIsSentForEveryState(t *testing.T) {
	p := lorenzProblem(t, 6)
	p.Observations.Observations = p.Observations.Observations[1:3]
	first := lorenzProblem(t, 6)
	first.Observations.Observations[0].Index = 0 // the initial state is seen
	for name, m := range everything() {
		for _, p := range []assimilate.Problem{p, first, {Model: p.Model, Length: 3, Members: 6}} {
			all := cycled(t, m, p)
			smoothed := 0
			if name == "enks" || name == "enrts" || name == "ienks" || name == "ekf" {
				smoothed = p.Length
			}
			if len(all[0]) != p.Length || len(all[1]) != p.Length || len(all[2]) != smoothed {
				t.Errorf("%s: %d forecasts, %d analyses, %d smoothed of %d states", name, len(all[0]), len(all[1]), len(all[2]), p.Length)
			}
		}
	}
}

func TestWithoutObservationsMembersAreRunsOfTheModel(t *testing.T) {
	p := assimilate.Problem{Model: lorenz96(t, 0.05, 1), Length: 4, Members: 5, Seed: 8}
	flow := p.Model.(dynamics.AdditiveNoise).Flow
	for name, m := range everything() {
		if name == "ekf" || name == "enrts" { // draws; regression rounds
			continue
		}
		set := assimilated(t, m, p).Ensemble
		for member := range 5 {
			x := make([]float64, 40)
			for i, v := range set.State(member, 0) {
				x[i] = float64(v)
			}
			flow(x)
			for i, v := range set.State(member, 1) {
				if math.Abs(x[i]-float64(v)) > 1e-5 {
					t.Fatalf("%s: member %d is no run of the model", name, member)
				}
			}
		}
	}
}

func TestMissingAndPartialRowsAreUsedAsTheyAre(t *testing.T) {
	p := lorenzProblem(t, 6)
	nan := math.NaN()
	copy(p.Observations.Observations[0].Values, []float64{nan, nan, nan, nan, nan, nan})
	copy(p.Observations.Observations[2].Values[3:], []float64{nan, nan, nan})
	for name, m := range everything() {
		if err := assimilated(t, m, p).Ensemble.CheckFinite(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestManyMoreValuesThanComponents(t *testing.T) {
	w := lorenz63(t, 0.05)
	p := observing(t, w, 30, 1, 5, 1, 0, 1, 2)
	for k := range p.Observations.Observations {
		o := p.Observations.Observations[k]
		for range 4 {
			p.Observations.Observations = append(p.Observations.Observations, o)
		}
	}
	sortByState(p.Observations.Observations)
	methods := everything()
	delete(methods, "letkf") // no coordinates
	delete(methods, "eakf")
	for name, m := range methods {
		if err := assimilated(t, m, p).Ensemble.CheckFinite(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func sortByState(list []observe.Observation) {
	for i := range list {
		for j := i; j > 0 && list[j].Index < list[j-1].Index; j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
}

func TestBytesDoNotDependOnWorkers(t *testing.T) {
	large := lorenz.NewLorenz96()
	large.N, large.NoiseVariance = 560, 0.01
	p := observing(t, model(t, large), 4, 2, 30, 1, 0, 50, 51, 52, 300, 301, 559)
	p.Initial = &assimilate.Normal{Mean: constant(560, 3), Sd: constant(560, 2)}
	local := localised(4)
	local.Batch = 8
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for name, m := range map[string]assimilate.Method{
		"letkf": tuned(local, 1.05, true), "etkf": tuned(&kalman.ETKF{}, 1.05, true), "enkf": filter(&kalman.EnKF{}),
	} {
		runtime.GOMAXPROCS(1)
		one := assimilated(t, m, p)
		for _, workers := range []int{2, 5} {
			runtime.GOMAXPROCS(workers)
			if !bytes.Equal(bytesOf(one.Ensemble.Data), bytesOf(assimilated(t, m, p).Ensemble.Data)) {
				t.Errorf("%s: %d workers give other bytes", name, workers)
			}
		}
	}
}

func constant(n int, v float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = v
	}
	return x
}

func TestSeedAndCaseMakeOtherDraws(t *testing.T) {
	p := lorenzProblem(t, 5)
	for name, m := range everything() {
		base := bytesOf(assimilated(t, m, p).Ensemble.Data)
		if !bytes.Equal(base, bytesOf(assimilated(t, m, p).Ensemble.Data)) {
			t.Errorf("%s: a second run gives other bytes", name)
		}
		seed, other := p, p
		seed.Seed++
		other.Case++
		for _, q := range []assimilate.Problem{seed, other} {
			if bytes.Equal(base, bytesOf(assimilated(t, m, q).Ensemble.Data)) {
				t.Errorf("%s: another seed or case draws the same", name)
			}
		}
	}
}

// runaway grows beyond all bounds from its third step.
type runaway struct{ ring }

func (m runaway) Flow(x []float64) {
	for i := range x {
		x[i] *= 1e120
	}
}
func (m runaway) Step(x []float64, _ *rand.Rand) { m.Flow(x) }
func (m runaway) TangentLinear(_, dx []float64)  { m.Flow(dx) }
func (m runaway) Adjoint(_, dx []float64)        { m.Flow(dx) }

func TestBlowUpIsADivergence(t *testing.T) {
	p := assimilate.Problem{Model: runaway{newRing(40, 0)}, Length: 6, Members: 4}
	for name, m := range everything() {
		err := m.Cycle(context.Background(), p, func(assimilate.Estimate) error { return nil })
		var d *kalman.Divergence
		if !errors.Is(err, assimilate.ErrDiverged) || !errors.As(err, &d) {
			t.Errorf("%s: %v is no divergence", name, err)
			continue
		}
		// Values reach 1e360 in the third step, covariances in the second.
		if want := map[bool]int{true: 2, false: 3}[name == "ekf"]; d.State != want || fault.IsInput(err) {
			t.Errorf("%s: it diverges at state %d, want %d (%v)", name, d.State, want, err)
		}
	}
}

func TestWhatCannotBeDoneIsExplained(t *testing.T) {
	good := lorenzProblem(t, 5)
	edit := func(change func(p *assimilate.Problem)) assimilate.Problem {
		p := lorenzProblem(t, 5)
		change(&p)
		return p
	}
	first := func(p *assimilate.Problem) *observe.Observation { return &p.Observations.Observations[0] }
	blind := observe.Func{State: 40, Values: 1,
		Function: func(y, x []float64) { y[0] = x[0] * x[0] },
		Pullback: func(dst, x, v []float64) { clear(dst); dst[0] = 2 * x[0] * v[0] }}
	for _, c := range []struct {
		name   string
		method assimilate.Sequential
		p      assimilate.Problem
		want   string
	}{
		{"one member", filter(&kalman.ETKF{}), edit(func(p *assimilate.Problem) { p.Members = 1 }), "needs at least 2"},
		{"one member, iterative", kalman.NewIEnKS(), edit(func(p *assimilate.Problem) { p.Members = 1 }), "needs at least 2"},
		{"no state", filter(&kalman.ETKF{}), edit(func(p *assimilate.Problem) { p.Length = 0 }), "at least one"},
		{"singular noise", filter(&kalman.ETKF{}), edit(func(p *assimilate.Problem) { first(p).Sd[1] = 0 }), "greater than 0"},
		{"singular noise, exact", kalman.NewEKF(), edit(func(p *assimilate.Problem) { first(p).Sd[1] = 0 }), "greater than 0"},
		{"initial law", filter(&kalman.ETKF{}), edit(func(p *assimilate.Problem) { p.Initial = &assimilate.Normal{} }), "the state has 40 components"},
		{"inflation", tuned(&kalman.ETKF{}, 0, false), good, "inflation = 0"},
		{"timing", &kalman.Filter{Update: &kalman.ETKF{}, Spread: kalman.Spread{Inflation: 1, Timing: "befor"}}, good, `did you mean "before"`},
		{"two inflations", &kalman.Filter{Update: &kalman.ETKF{}, Spread: kalman.Spread{Inflation: 1.1, Timing: "after", Adaptive: 0.04}}, good, "choose one"},
		{"order", filter(&kalman.EnSRF{Order: "rondom"}), good, `did you mean "random"`},
		{"certainty", filter(&kalman.EnKFN{}), good, "xn = 0"},
		{"taper", filter(&kalman.LETKF{Localisation: kalman.Localisation{Taper: "gaus", Radius: 1}, Batch: 1}), good, `did you mean "gauss"`},
		{"axis", filter(&kalman.LETKF{Localisation: kalman.Localisation{Taper: "step", Radius: 1, Axes: []string{"sit"}}, Batch: 1}), good, `did you mean "site"`},
		{"batch", filter(&kalman.LETKF{Localisation: kalman.NewLocalisation()}), good, "batch = 0"},
		{"nothing near or far", filter(kalman.NewLETKF()), observing(t, lorenz63(t, 0.1), 3, 1, 5, 1, 0), "no axis with coordinates"},
		{"where is it", filter(kalman.NewLETKF()), edit(func(p *assimilate.Problem) {
			*first(p) = observe.Observation{Index: 1, Operator: &blind, Values: []float64{1}, Sd: []float64{1}}
		}), "does not say where"},
		{"local smoother", &kalman.EnKS{Filter: *filter(kalman.NewLETKF()), Lag: 1}, good, "choose enkf, etkf"},
		{"lag", &kalman.EnKS{Filter: *filter(&kalman.ETKF{}), Lag: -1}, good, "lag = -1"},
		{"decay", &kalman.EnRTS{Filter: *filter(&kalman.ETKF{}), Decay: 2}, good, "decay = 2"},
		{"form", iterative(func(m *kalman.IEnKS) { m.Update = "ensrf" }), good, "update"},
		{"iterations", iterative(func(m *kalman.IEnKS) { m.Iterations = 0 }), good, "iterations = 0"},
		{"not linear", kalman.NewKF(), good, "choose ekf"},
		{"not linearisable", kalman.NewEKF(), observing(t, newRing(5, 0), 3, 1, 5, 1, 0), "choose an ensemble filter"},
	} {
		err := c.method.Cycle(context.Background(), c.p, func(assimilate.Estimate) error { return nil })
		if err == nil || !strings.Contains(err.Error(), c.want) || !fault.IsInput(err) {
			t.Errorf("%s: got %v, want an input error with %q", c.name, err, c.want)
		}
		if m, ok := c.method.(assimilate.Method); ok {
			if _, err := m.Assimilate(context.Background(), c.p, nil); err == nil || !fault.IsInput(err) {
				t.Errorf("%s: Assimilate gives %v, want an input error", c.name, err)
			}
		}
	}
}

func TestExactFilterRefusesNonlinearOperators(t *testing.T) {
	_, p := spiralProblem(t, 2)
	p.Observations.Observations[0].Operator = &observe.Func{State: 3, Values: 2,
		Function: func(y, x []float64) { y[0], y[1] = x[0]*x[0], x[1] },
		Pullback: func(dst, x, v []float64) { dst[0], dst[1], dst[2] = 2*x[0]*v[0], v[1], 0 }}
	err := kalman.NewKF().Cycle(context.Background(), p, func(assimilate.Estimate) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "not linear") || !fault.IsInput(err) {
		t.Errorf("got %v", err)
	}
	if err := kalman.NewEKF().Cycle(context.Background(), p, func(assimilate.Estimate) error { return nil }); err != nil {
		t.Errorf("ekf: %v", err)
	}
}

func TestOperatorThatIsNotDefinedIsReported(t *testing.T) {
	p := lorenzProblem(t, 5)
	p.Observations.Observations[0] = observe.Observation{Index: 2, Values: []float64{1}, Sd: []float64{1},
		Operator: observe.Func{State: 40, Values: 1, Function: func(y, x []float64) { y[0] = math.Log(-math.Abs(x[0])) }}}
	err := filter(&kalman.ETKF{}).Cycle(context.Background(), p, func(assimilate.Estimate) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "state 2") || !strings.Contains(err.Error(), "not defined") {
		t.Errorf("got %v", err)
	}
}

func TestWatchAndContextEndTheWork(t *testing.T) {
	p := lorenzProblem(t, 5)
	stop := errors.New("enough")
	for name, m := range everything() {
		err := m.Cycle(context.Background(), p, func(e assimilate.Estimate) error {
			if e.Index == 3 {
				return stop
			}
			return nil
		})
		if !errors.Is(err, stop) {
			t.Errorf("%s: %v instead of the watcher's error", name, err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		err = m.Cycle(ctx, p, func(e assimilate.Estimate) error {
			if e.Index == 2 {
				cancel()
			}
			return nil
		})
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v instead of a cancellation", name, err)
		}
	}
}

func TestWorkIsReported(t *testing.T) {
	p := lorenzProblem(t, 5)
	for name, m := range everything() {
		last, whole := 0, 0
		result, err := m.Assimilate(context.Background(), p, func(done, total int) { last, whole = done, total })
		if err != nil {
			t.Fatal(err)
		}
		if last != whole || whole == 0 {
			t.Errorf("%s: progress ends at %d of %d", name, last, whole)
		}
		if ratio := result.Diagnostics[kalman.InnovationRatio]; !(ratio > 0) {
			t.Errorf("%s: innovation ratio %v", name, ratio)
		}
		want := p.Model.SpinUp() + p.Length - 1
		switch name {
		case "ekf":
			want = 41 * (p.Length - 1) / 5
		case "ienks": // each of four windows ten times, of which one is a first run; two states more
			want = p.Model.SpinUp() + 10*(p.Length-1) + p.Length - 1
		}
		if math.Abs(float64(result.Evaluations-want)) > 1 {
			t.Errorf("%s: %d evaluations, want %d", name, result.Evaluations, want)
		}
	}
}

func TestLostFilterIsTold(t *testing.T) {
	w := sakov08(t, 200, 1)
	good, _ := w.problem(t, 1, 28)
	fine := assimilated(t, tuned(&kalman.ETKF{}, 1.02, true), good)
	bad, _ := w.problem(t, 1, 5) // far too few members
	lost := assimilated(t, tuned(&kalman.ETKF{}, 1, false), bad)
	if r := fine.Diagnostics[kalman.InnovationRatio]; r < 0.8 || r > 1.2 {
		t.Errorf("a good filter has the innovation ratio %v", r)
	}
	if r := lost.Diagnostics[kalman.InnovationRatio]; r < 3 {
		t.Errorf("a filter that diverged has the innovation ratio %v", r)
	}
}
