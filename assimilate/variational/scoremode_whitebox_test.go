package variational

import (
	"context"
	"math"
	"testing"

	"retrace/assimilate"
	"retrace/diffusion"
	"retrace/dynamics"
	"retrace/observe"
	"retrace/trajectory"
)

func TestScoreModeOfIndependentGaussiansIsExact(t *testing.T) {
	model := build(t, &dynamics.AR1{N: 3, Rho: 0.5, Variance: 1})
	all, err := observe.Identity{}.Build(model.Space())
	if err != nil {
		t.Fatal(err)
	}
	p := assimilate.Problem{Model: model, Length: 2, Members: 1}
	p.Observations.Observations = []observe.Observation{
		{Index: 1, Operator: all, Values: []float64{7, -2, math.NaN()}, Sd: []float64{0.5, 3, 1}},
	}
	prior := &diffusion.Gaussian{Mean: []float64{0, 0.1, 0.2, -0.5, 0, 1}, Variance: []float64{1, 1, 1, 1, 0.01, 0.3}}
	s := &search{
		problem: &p, standard: trajectory.Standardiser{Mean: []float64{5, 0, 0}, Scale: []float64{2, 1, 1}, Run: 1},
		denoiser: prior, analysis: newAnalysis(p.Observations, 3, 3), acceleration: newAnderson(6, 5),
		x: make([]float64, 6), image: make([]float64, 6), noisy: make([]float32, 6), mean: make([]float32, 6),
		physical: make([]float64, 3),
	}
	var noise float64
	for _, level := range diffusion.LogGrid(diffusion.Cosine{Eta: 1e-3}, 10, diffusion.Span{High: 10, Low: 0.05}) {
		if _, err := s.settle(context.Background(), level, 30); err != nil {
			t.Fatal(err)
		}
		noise = level.Ratio()
	}
	posterior := func(i int, y, sd float64) float64 {
		v := prior.Variance[i] + noise*noise
		return (prior.Mean[i]/v + y/(sd*sd)) / (1/v + 1/(sd*sd))
	}
	want := []float64{0, 0.1, 0.2, posterior(3, 1, 0.25), posterior(4, -2, 3), 1}
	for i, x := range s.x {
		if math.Abs(x-want[i]) > 1e-4 {
			t.Errorf("value %d is %v, want %v", i, x, want[i])
		}
	}
}
