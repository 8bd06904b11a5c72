package nn_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"retrace/internal/nn"
)

// descend makes steps with reproducible gradients.
func descend(a *nn.AdamW, seed uint64, steps int) {
	for i := range steps {
		r := rand.New(rand.NewPCG(seed, uint64(a.Steps)))
		a.Step(normal(r, len(a.First)), 0.01/float64(1+i))
	}
}

func TestAdamWFollowsItsEquations(t *testing.T) {
	const n, rate = 37, 0.01
	r := rand.New(rand.NewPCG(1, 1))
	weights := normal(r, n)
	w, average := float64s(weights), float64s(weights)
	m, v := make([]float64, n), make([]float64, n)
	a := nn.NewAdamW(weights)
	a.WeightDecay, a.Retention, a.ClipNorm = 0.1, 0.9, 3
	for step := 1; step <= 5; step++ {
		g := normal(r, n)
		var norm float64
		for _, x := range g {
			norm += float64(x) * float64(x)
		}
		norm = math.Sqrt(norm)
		if got := a.Step(g, rate); math.Abs(got-norm) > 1e-5*norm {
			t.Errorf("norm %g, want %g", got, norm)
		}
		for i := range w {
			x := float64(g[i]) * min(1, 3/norm)
			m[i] = 0.9*m[i] + 0.1*x
			v[i] = 0.999*v[i] + 0.001*x*x
			w[i] -= rate * 0.1 * w[i]
			w[i] -= rate * m[i] / (1 - math.Pow(0.9, float64(step))) / (math.Sqrt(v[i]/(1-math.Pow(0.999, float64(step)))) + 1e-8)
			average[i] = 0.9*average[i] + 0.1*w[i]
		}
	}
	if d := distance(weights, w); !(d < 1e-6) {
		t.Errorf("weights: distance %g", d)
	}
	if d := distance(a.Average, average); !(d < 1e-6) {
		t.Errorf("average: distance %g", d)
	}
}

func TestRestoredStateGoesOnWithTheSameBytes(t *testing.T) {
	start := normal(rand.New(rand.NewPCG(2, 2)), 50)
	whole, cut := slices.Clone(start), slices.Clone(start)
	a := nn.NewAdamW(whole)
	descend(a, 5, 3)
	first := nn.NewAdamW(cut)
	descend(first, 5, 3)
	resumed := nn.NewAdamW(cut)
	copy(resumed.First, first.First)
	copy(resumed.Second, first.Second)
	copy(resumed.Average, first.Average)
	resumed.Steps = first.Steps
	descend(a, 5, 4)
	descend(resumed, 5, 4)
	if !slices.Equal(whole, cut) || !slices.Equal(a.Average, resumed.Average) {
		t.Error("a resumed run differs")
	}
}

func TestAGradientThatIsNotFiniteChangesNothing(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(-1)} {
		weights := normal(rand.New(rand.NewPCG(3, 3)), 40)
		before := slices.Clone(weights)
		a := nn.NewAdamW(weights)
		g := make([]float32, 40)
		g[21] = float32(bad)
		norm := a.Step(g, 0.1)
		if !math.IsNaN(norm) && !math.IsInf(norm, 0) {
			t.Errorf("norm %g", norm)
		}
		if !slices.Equal(weights, before) || a.Steps != 0 || a.First[21] != 0 {
			t.Error("the state changed")
		}
	}
}
