package particle_test

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
	"retrace/assimilate/particle"
	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/rng"
	"retrace/lorenz"
	"retrace/observe"
)

// kept is an Estimate with slices of its own.
type kept struct {
	assimilate.Estimate
}

// cycled runs a method and keeps all that it says.
func cycled(t testing.TB, m assimilate.Sequential, p assimilate.Problem) []kept {
	t.Helper()
	var all []kept
	if err := m.Cycle(context.Background(), p, func(e assimilate.Estimate) error {
		e.Mean, e.Variance = slices.Clone(e.Mean), slices.Clone(e.Variance)
		e.Ensemble, e.Weights = slices.Clone(e.Ensemble), slices.Clone(e.Weights)
		all = append(all, kept{e})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// methods are the sequential methods of this package, by name.
func methods() map[string]assimilate.Sequential {
	multinomial := particle.NewBootstrap()
	multinomial.Rule = "multinomial"
	residual := particle.NewOptimal()
	residual.Rule = "residual"
	return map[string]assimilate.Sequential{
		"pf": particle.NewBootstrap(), "pf, multinomial": multinomial,
		"optpf": particle.NewOptimal(), "optpf, residual": residual,
		"ensf":          &particle.EnsembleScore{Steps: 20, Inflation: 1.05},
		"ensf, kernels": &particle.EnsembleScore{Steps: 20, Kernel: 0.5, Inflation: 1},
	}
}

// chaotic is Lorenz 63 without noise, observed wholly every 0.1, one value missing
// and one state not observed.
func chaotic(t testing.TB, members int) assimilate.Problem {
	t.Helper()
	b := lorenz.NewLorenz63()
	b.Dt, b.Steps, b.NoiseVariance = 0.1, 10, 0
	model := build(t, b)
	all, err := observe.Identity{}.Build(model.Space())
	if err != nil {
		t.Fatal(err)
	}
	law := &assimilate.Normal{Mean: []float64{1.5, -1.5, 25}, Sd: []float64{1, 1, 1}}
	p := assimilate.Problem{Model: model, Length: 12, Members: members, Seed: 4, Initial: law}
	r := rng.Stream(1, "chaotic")
	x := slices.Clone(law.Mean)
	for i := 1; i < p.Length; i++ {
		model.Step(x, r)
		if i == 5 {
			continue
		}
		y := make([]float64, 3)
		for j := range y {
			y[j] = x[j] + r.NormFloat64()
		}
		if i == 3 {
			y[1] = math.NaN()
		}
		p.Observations.Observations = append(p.Observations.Observations,
			observe.Observation{Index: i, Operator: all, Values: y, Sd: []float64{1, 1, 1}})
	}
	return p
}

func TestEstimatesComeInOrderAndAreTheirEnsembles(t *testing.T) {
	p := chaotic(t, 50)
	for name, m := range methods() {
		all := cycled(t, m, p)
		if len(all) != 2*p.Length {
			t.Fatalf("%s: %d estimates, want two for each state", name, len(all))
		}
		for i, e := range all {
			if e.Index != i/2 || e.Stage != assimilate.Stage(i%2) {
				t.Fatalf("%s: estimate %d is the %v of state %d", name, i, e.Stage, e.Index)
			}
			weights := e.Weights
			if weights == nil {
				weights = slices.Repeat([]float64{1. / 50}, 50)
			}
			var total, mean float64
			for k, w := range weights {
				total += w
				mean += w * e.Ensemble[k*3+1]
			}
			if math.Abs(total-1) > 1e-12 || math.Abs(mean-e.Mean[1]) > 1e-12*(1+math.Abs(mean)) {
				t.Errorf("%s, %v of state %d: weights sum to %v and the mean is %v, told %v", name, e.Stage, e.Index, total, mean, e.Mean[1])
			}
			if e.Index == 5 && e.Stage == assimilate.Analysis && !slices.Equal(e.Ensemble, all[i-1].Ensemble) {
				t.Errorf("%s: the analysis of a state not observed is not its forecast", name)
			}
		}
	}
}

func TestOptimalProposalWithoutAKernelIsTheBootstrapFilter(t *testing.T) {
	p := chaotic(t, 60)
	bootstrap, optimal := particle.NewBootstrap(), particle.NewOptimal()
	optimal.Kernel, optimal.Resampling = 0, bootstrap.Resampling
	a, b := cycled(t, bootstrap, p), cycled(t, optimal, p)
	for i := range a {
		for j := range a[i].Ensemble {
			if d := math.Abs(a[i].Ensemble[j] - b[i].Ensemble[j]); d > 1e-10 {
				t.Fatalf("%v of state %d: a particle differs by %g", a[i].Stage, a[i].Index, d)
			}
		}
		for k := range a[i].Weights {
			if d := math.Abs(a[i].Weights[k] - b[i].Weights[k]); d > 1e-10 {
				t.Fatalf("%v of state %d: a weight differs by %g", a[i].Stage, a[i].Index, d)
			}
		}
	}
	one, err := bootstrap.Assimilate(context.Background(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	two, err := optimal.Assimilate(context.Background(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := math.Abs(one.Diagnostics[particle.LogEvidence] - two.Diagnostics[particle.LogEvidence]); d > 1e-9 {
		t.Errorf("the log evidence differs by %g", d)
	}
}

func TestAnObservationOfHugeVarianceLeavesWeightsAlone(t *testing.T) {
	p := chaotic(t, 40)
	for i := range p.Observations.Observations {
		p.Observations.Observations[i].Sd = []float64{1e9, 1e9, 1e9}
	}
	for _, e := range cycled(t, particle.NewBootstrap(), p) {
		for _, w := range e.Weights {
			if math.Abs(w-1./40) > 1e-12 {
				t.Fatalf("state %d: a weight is %v", e.Index, w)
			}
		}
	}
}

func TestWithoutObservationsAllFiltersAreAFreeRun(t *testing.T) {
	for _, missing := range []bool{false, true} {
		p := chaotic(t, 20)
		if missing { // all values NaN is the same
			for i := range p.Observations.Observations {
				p.Observations.Observations[i].Values = slices.Repeat([]float64{math.NaN()}, 3)
			}
		} else {
			p.Observations = observe.Sequence{}
		}
		want := cycled(t, particle.NewBootstrap(), p)
		for name, m := range methods() {
			for i, e := range cycled(t, m, p) {
				if !slices.Equal(e.Ensemble, want[i].Ensemble) || e.Weights != nil {
					t.Fatalf("%s: estimate %d is not that of the free run", name, i)
				}
			}
		}
	}
}

func TestFiltersHaveTheLawOfTheKalmanFilter(t *testing.T) {
	model := build(t, &dynamics.AR1{N: 1, Rho: 0.9, Variance: 2})
	p := assimilate.Problem{Model: model, Length: 6, Members: 4000, Seed: 3}
	r := rng.Stream(2, "values")
	for i := range p.Length {
		p.Observations.Observations = append(p.Observations.Observations, component(t, model.Space(), i, 0, r.NormFloat64(), 0.8))
	}
	mean, variance := 0.0, 2.0
	var means, variances []float64
	for i := range p.Length {
		if i > 0 {
			mean, variance = 0.9*mean, 0.81*variance+2*0.19
		}
		gain := variance / (variance + 0.64)
		mean += gain * (p.Observations.Observations[i].Values[0] - mean)
		variance *= 1 - gain
		means, variances = append(means, mean), append(variances, variance)
	}
	for name, c := range map[string]struct {
		method    assimilate.Sequential
		tolerance float64 // in standard deviations of the exact law, and of its variance
	}{
		"pf":    {&particle.Bootstrap{Resampling: particle.Resampling{Threshold: 0.5, Rule: "systematic"}}, 0.08},
		"optpf": {&particle.Optimal{Kernel: 1, Resampling: particle.Resampling{Threshold: 0.5, Rule: "systematic"}}, 0.12},
	} {
		for _, e := range cycled(t, c.method, p) {
			if e.Stage != assimilate.Analysis {
				continue
			}
			sd := math.Sqrt(variances[e.Index])
			if d := math.Abs(e.Mean[0]-means[e.Index]) / sd; d > c.tolerance {
				t.Errorf("%s, state %d: mean off by %.3f sd", name, e.Index, d)
			}
			if d := math.Abs(e.Variance[0]/variances[e.Index] - 1); d > 2*c.tolerance {
				t.Errorf("%s, state %d: variance %.3f, want %.3f", name, e.Index, e.Variance[0], variances[e.Index])
			}
		}
	}
}

func TestEnsembleScoreFilterApproachesTheGaussianPosterior(t *testing.T) {
	// One update: the damped likelihood is not Bayes' rule, but near it.
	model := build(t, &dynamics.RandomWalk{N: 2, Variance: 1, InitialVariance: 4})
	p := assimilate.Problem{Model: model, Length: 1, Members: 300, Seed: 3}
	p.Observations.Observations = append(p.Observations.Observations, component(t, model.Space(), 0, 0, 3, 2))
	for _, kernel := range []float64{0, 0.5} {
		analysis := cycled(t, &particle.EnsembleScore{Steps: 100, Kernel: kernel, Inflation: 1}, p)[1]
		// The exact posterior of the first component is N(1.5, 2); the second stays N(0, 4).
		if math.Abs(analysis.Mean[0]-1.5) > 0.4 || math.Abs(analysis.Variance[0]-2) > 0.7 {
			t.Errorf("kernel %v: observed component has mean %.2f and variance %.2f, exact are 1.5 and 2", kernel, analysis.Mean[0], analysis.Variance[0])
		}
		if math.Abs(analysis.Mean[1]) > 0.4 || math.Abs(analysis.Variance[1]-4) > 1 {
			t.Errorf("kernel %v: the other component has mean %.2f and variance %.2f, exact are 0 and 4", kernel, analysis.Mean[1], analysis.Variance[1])
		}
	}
}

func TestMembersOfAFilterDoNotDependOnTheNumberOfWorkers(t *testing.T) {
	p := chaotic(t, 40)
	for name, m := range methods() {
		var first []float32
		for _, workers := range []int{1, 4} {
			old := runtime.GOMAXPROCS(workers)
			result, err := m.Assimilate(context.Background(), p, nil)
			runtime.GOMAXPROCS(old)
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = result.Ensemble.Data
			} else if !slices.Equal(first, result.Ensemble.Data) {
				t.Errorf("%s: members depend on the number of workers", name)
			}
		}
	}
}

func TestOneParticleIsARun(t *testing.T) {
	p := chaotic(t, 1)
	for _, m := range []assimilate.Sequential{particle.NewBootstrap(), particle.NewOptimal()} {
		for _, e := range cycled(t, m, p) {
			if e.Variance[0] != 0 || math.IsNaN(e.Mean[0]) {
				t.Fatalf("%T: mean %v and variance %v", m, e.Mean, e.Variance)
			}
		}
	}
	err := particle.NewEnsembleScore().Cycle(context.Background(), p, func(assimilate.Estimate) error { return nil })
	if !fault.IsInput(err) || !strings.Contains(err.Error(), "at least 2") {
		t.Errorf("ensf with one member: %v", err)
	}
}

// explosive leaves the finite numbers at its third transition.
type explosive struct{ dynamics.Model }

func (m explosive) Step(x []float64, r *rand.Rand) {
	for i := range x {
		x[i] = x[i]*x[i]*1e100 + 1e50
	}
}

func TestDivergenceIsAnErrorOfItsOwn(t *testing.T) {
	p := chaotic(t, 20)
	p.Model = explosive{p.Model}
	for name, m := range methods() {
		err := m.Cycle(context.Background(), p, func(assimilate.Estimate) error { return nil })
		if !errors.Is(err, particle.ErrDiverged) || fault.IsInput(err) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

func TestFarObservationsCollapseTheWeightsWithoutAnError(t *testing.T) {
	p := chaotic(t, 20)
	for i := range p.Observations.Observations {
		p.Observations.Observations[i].Values = []float64{1e6, -1e6, 1e6}
		p.Observations.Observations[i].Sd = []float64{1e-3, 1e-3, 1e-3}
	}
	b := particle.NewBootstrap()
	result, err := b.Assimilate(context.Background(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	if least := result.Diagnostics[particle.MinimumESS]; least > 1.01 {
		t.Errorf("the least effective sample size is %v, want 1", least)
	}
	if err := result.Ensemble.CheckFinite(); err != nil {
		t.Error(err)
	}
}

func TestBadParametersNameTheirKeys(t *testing.T) {
	p := chaotic(t, 4)
	bootstrap := func(change func(*particle.Bootstrap)) assimilate.Sequential {
		b := particle.NewBootstrap()
		change(b)
		return b
	}
	for _, c := range []struct {
		method assimilate.Sequential
		want   string
	}{
		{bootstrap(func(b *particle.Bootstrap) { b.Threshold = 1.5 }), "threshold = 1.5"},
		{bootstrap(func(b *particle.Bootstrap) { b.Regularisation = math.NaN() }), "regularisation = NaN"},
		{bootstrap(func(b *particle.Bootstrap) { b.Particles = -1 }), "particles = -1"},
		{bootstrap(func(b *particle.Bootstrap) { b.Rule = "residul" }), `resampling = "residul": is unknown; did you mean "residual"`},
		{&particle.Optimal{Kernel: -1, Resampling: particle.NewOptimal().Resampling}, "kernel = -1"},
		{&particle.EnsembleScore{Steps: 0, Inflation: 1}, "steps = 0"},
		{&particle.EnsembleScore{Steps: 1, Inflation: 0}, "inflation = 0"},
		{&particle.EnsembleScore{Steps: 1, Kernel: 2, Inflation: 1}, "kernel = 2"},
	} {
		err := c.method.Cycle(context.Background(), p, func(assimilate.Estimate) error { return nil })
		if err == nil || !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error is %v, want an input error with %q", err, c.want)
		}
	}
	p.Initial = &assimilate.Normal{Mean: []float64{1}, Sd: []float64{1}}
	if err := particle.NewBootstrap().Cycle(context.Background(), p, nil); !fault.IsInput(err) {
		t.Errorf("an initial law of the wrong size: %v", err)
	}
}

func TestTheWatcherEndsTheWork(t *testing.T) {
	stop := errors.New("stop")
	p := chaotic(t, 10)
	count := 0
	err := particle.NewBootstrap().Cycle(context.Background(), p, func(assimilate.Estimate) error {
		if count++; count == 5 {
			return stop
		}
		return nil
	})
	if err != stop || count != 5 {
		t.Errorf("after %d estimates: %v", count, err)
	}
}

func TestCyclesDoNotAllocate(t *testing.T) {
	for name, m := range methods() {
		count := func(length int) float64 {
			p := chaotic(t, 40)
			base := p.Observations.Observations[0]
			p.Length, p.Observations.Observations = length, nil
			for i := range length {
				o := base
				o.Index = i
				p.Observations.Observations = append(p.Observations.Observations, o)
			}
			ignore := func(assimilate.Estimate) error { return nil }
			return testing.AllocsPerRun(3, func() {
				if err := m.Cycle(context.Background(), p, ignore); err != nil {
					t.Fatal(err)
				}
			})
		}
		// What a longer run allocates more is what its validation does.
		if perCycle := (count(220) - count(20)) / 200; perCycle > 0.05 {
			t.Errorf("%s: %.2f allocations a cycle", name, perCycle)
		}
	}
}

func TestReferenceStartsInTheInitialLaw(t *testing.T) {
	model := build(t, &dynamics.AR1{N: 1, Rho: 0.5, Variance: 1})
	p := assimilate.Problem{Model: model, Length: 1, Members: 500, Seed: 1,
		Initial: &assimilate.Normal{Mean: []float64{7}, Sd: []float64{0.5}}}
	result, err := (&particle.Method{Particles: 4000, SpinUp: -1}).Assimilate(context.Background(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	var mean, squares float64
	for _, x := range result.Ensemble.Data {
		mean += float64(x) / 500
		squares += float64(x) * float64(x) / 500
	}
	if sd := math.Sqrt(squares - mean*mean); math.Abs(mean-7) > 0.1 || math.Abs(sd-0.5) > 0.08 {
		t.Errorf("members have mean %.3f and standard deviation %.3f, want 7 and 0.5", mean, sd)
	}
}
