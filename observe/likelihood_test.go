package observe_test

import (
	"math"
	"slices"
	"testing"

	"retrace/internal/rng"
	"retrace/observe"
)

// mixed is a sequence through three operators, one state observed twice, with
// values missing; and a trajectory of 6 states.
func mixed(t testing.TB) (observe.Sequence, []float32) {
	identity := build(t, observe.Identity{}, lorenz)
	saturate := build(t, observe.Saturate{Labels: []string{"z"}, Scale: 0.8}, lorenz)
	s := observe.Sequence{Observations: []observe.Observation{
		{Index: 0, Operator: identity, Values: []float64{0.3, nan, -1}, Sd: []float64{0.5, nan, 2}},
		{Index: 2, Operator: saturate, Values: []float64{0.4}, Sd: []float64{0.1}},
		{Index: 2, Operator: product, Values: []float64{0.2, 0.9, nan}, Sd: []float64{1, 0.3, 1}},
		{Index: 5, Operator: product, Values: []float64{nan, nan, nan}, Sd: []float64{1, 1, 1}},
		{Index: 5, Operator: identity, Values: []float64{1, 2, 3}, Sd: []float64{0.7, 0.8, 0.9}},
	}}
	r := rng.Stream(3, "trajectory")
	x := make([]float32, 18)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return s, x
}

func TestLikelihoodIsTheGaussianOne(t *testing.T) {
	op := build(t, observe.Components{Labels: []string{"z"}}, lorenz)
	s := observe.Sequence{Observations: []observe.Observation{{Index: 1, Operator: op, Values: []float64{5}, Sd: []float64{2}}}}
	// log N(5; 4, 2^2)
	want := -0.5*0.25 - math.Log(2) - 0.5*math.Log(2*math.Pi)
	if got := observe.NewLikelihood(s).Log([]float32{0, 0, 0, 0, 0, 4}); math.Abs(got-want) > 1e-14 {
		t.Errorf("log p = %v: want %v", got, want)
	}
}

func TestLikelihoodIsADensity(t *testing.T) {
	s := observe.Sequence{Observations: []observe.Observation{
		{Index: 0, Operator: build(t, observe.Mean{}, lorenz), Values: []float64{0}, Sd: []float64{0.4}},
	}}
	likelihood := observe.NewLikelihood(s)
	mass, step := 0.0, 0.01
	for y := -4.0; y <= 4; y += step {
		s.Observations[0].Values[0] = y
		mass += step * math.Exp(likelihood.Log([]float32{0.5, 0.5, 0.5}))
	}
	if math.Abs(mass-1) > 1e-9 {
		t.Errorf("p(y|x) integrates to %v", mass)
	}
}

func TestLikelihoodOfIndependentObservationsAdds(t *testing.T) {
	s, x := mixed(t)
	sum := 0.0
	for _, o := range s.Observations {
		sum += observe.NewLikelihood(observe.Sequence{Observations: []observe.Observation{o}}).Log(x)
	}
	if whole := observe.NewLikelihood(s).Log(x); math.Abs(whole-sum) > 1e-12*math.Abs(sum) {
		t.Errorf("log p = %v: the observations one by one give %v", whole, sum)
	}
}

func TestLikelihoodIgnoresMissingValues(t *testing.T) {
	s, x := mixed(t)
	before := observe.NewLikelihood(s).Log(x)
	s.Observations[0].Sd[1] = 1e-9
	s.Observations = slices.Delete(s.Observations, 3, 4) // all missing
	if after := observe.NewLikelihood(s).Log(x); after != before {
		t.Errorf("log p = %v with and %v without values that are missing", before, after)
	}
	if got := observe.NewLikelihood(observe.Sequence{}).Log(x); got != 0 {
		t.Errorf("log p of nothing is %v", got)
	}
}

func TestLikelihoodIsNaNWhereAStateIs(t *testing.T) {
	s, x := mixed(t)
	x[15] = float32(nan)
	if got := observe.NewLikelihood(s).Log(x); !math.IsNaN(got) {
		t.Errorf("log p = %v for a NaN state", got)
	}
}

func TestGradientIsTheDerivative(t *testing.T) {
	s, x := mixed(t)
	likelihood := observe.NewLikelihood(s)
	gradient := slices.Repeat([]float32{float32(nan)}, len(x))
	if got, want := likelihood.Gradient(gradient, x), likelihood.Log(x); got != want {
		t.Errorf("Gradient returns log p = %v: Log returns %v", got, want)
	}
	for i := range x {
		const h = 1.0 / 256 // exact in float32 up to the rounding of x
		plus, minus := slices.Clone(x), slices.Clone(x)
		plus[i] += h
		minus[i] -= h
		width := float64(plus[i]) - float64(minus[i])
		slope := (likelihood.Log(plus) - likelihood.Log(minus)) / width
		if math.Abs(slope-float64(gradient[i])) > 2e-4*max(1, math.Abs(slope)) {
			t.Errorf("derivative %d is %v: finite differences give %v", i, gradient[i], slope)
		}
	}
	for i := 3; i < 6; i++ {
		if gradient[i] != 0 {
			t.Errorf("derivative %d of a state not observed is %v", i, gradient[i])
		}
	}
}

func TestScoreIsTheDerivativeOfLogDensity(t *testing.T) {
	s, _ := mixed(t)
	o := s.Observations[0]
	predicted, score := []float64{0.1, 0.2, 0.3}, make([]float64, 3)
	o.Score(score, predicted)
	for j := range predicted {
		const h = 1e-4 // LogDensity is quadratic: central differences are exact
		plus, minus := slices.Clone(predicted), slices.Clone(predicted)
		plus[j] += h
		minus[j] -= h
		if slope := (o.LogDensity(plus) - o.LogDensity(minus)) / (2 * h); math.Abs(slope-score[j]) > 1e-9 {
			t.Errorf("score %d is %v: want %v", j, score[j], slope)
		}
	}
}

func TestLikelihoodDoesNotAllocate(t *testing.T) {
	s, x := mixed(t)
	likelihood, gradient := observe.NewLikelihood(s), make([]float32, len(x))
	if n := testing.AllocsPerRun(20, func() { likelihood.Gradient(gradient, x); likelihood.Log(x) }); n != 0 {
		t.Errorf("%v allocations a call", n)
	}
}

func TestShortTrajectoriesPanic(t *testing.T) {
	s, x := mixed(t)
	defer func() {
		if recover() == nil {
			t.Error("a trajectory that ends before the last observation was accepted")
		}
	}()
	observe.NewLikelihood(s).Log(x[:15])
}

func BenchmarkGradient(b *testing.B) {
	s, x := mixed(b)
	likelihood, gradient := observe.NewLikelihood(s), make([]float32, len(x))
	b.ReportAllocs()
	for b.Loop() {
		likelihood.Gradient(gradient, x)
	}
}
