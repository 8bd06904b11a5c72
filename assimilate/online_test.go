package assimilate_test

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/assimilate"
	"retrace/exact"
	"retrace/internal/fault"
)

// given is the posterior of the states of a problem, in standardised units, from the
// observations of states before end.
func given(t *testing.T, p assimilate.Problem, prior *exact.Prior, end int) (mean *mat.VecDense, covariance *mat.Dense) {
	t.Helper()
	whole, err := (&assimilate.Online{Lag: -1, Forecast: p.Length - end}).Parts(p)
	if err != nil {
		t.Fatal(err)
	}
	return exactDense(t, whole[0].Problem, prior)
}

// drawn is mean and standard deviation of what a deterministic sampler draws, without a
// Monte Carlo error.
func drawn(t *testing.T, method *assimilate.Score, p assimilate.Problem) (mean, sd []float64) {
	t.Helper()
	d, err := method.Denoiser(p)
	if err != nil {
		t.Fatal(err)
	}
	n := d.Dim()
	x := make([]float32, (n+1)*n)
	if err := method.Sampler.Sample(t.Context(), d, x, 0, responses{}, nil); err != nil {
		t.Fatal(err)
	}
	mean, sd = make([]float64, n), make([]float64, n)
	for i := range n {
		mean[i] = float64(x[i])
		for k := range n {
			sd[i] += math.Pow(float64(x[(k+1)*n+i]-x[i]), 2)
		}
		sd[i] = math.Sqrt(sd[i])
	}
	return mean, sd
}

// Every mode against the law that defines it: filter, fixed lag, smoother and forecast.
func TestEveryModeIsItsKalmanCounterpart(t *testing.T) {
	p, prior := bench(t, 2, 0.3)
	p.Length = 33
	p.Observations.Observations = p.Observations.Observations[:17]
	score := &assimilate.Score{Prior: prior, Sampler: second(40), Guidance: "auto"}
	for name, mode := range map[string]*assimilate.Online{
		"filter":             {Score: score, Block: 1},
		"filter by blocks":   {Score: score, Block: 5},
		"filter, history":    {Score: score, Block: 1, History: 28},
		"fixed lag":          {Score: score, Block: 1, Lag: 4},
		"smoother":           {Score: score, Lag: -1},
		"forecast":           {Score: score, Lag: -1, Forecast: 9},
		"filter, a forecast": {Score: score, Block: 4, Forecast: 9},
	} {
		parts, err := mode.Parts(p)
		if err != nil {
			t.Fatal(err)
		}
		next, square, states := 0, 0.0, 0.0
		for _, part := range parts {
			if part.First != next {
				t.Fatalf("%s: a block begins at state %d, not %d", name, part.First, next)
			}
			next += part.Count
			end := p.Length - mode.Forecast
			if mode.Lag >= 0 {
				end = min(end, part.First+part.Count+mode.Lag)
			}
			want, covariance := given(t, p, prior, end)
			mean, sd := drawn(t, score, part.Problem)
			for i := range part.Count {
				exactSd := math.Sqrt(covariance.At(part.First+i, part.First+i))
				square += math.Pow((mean[part.Skip+i]-want.AtVec(part.First+i))/exactSd, 2)
				states++
				if ratio := sd[part.Skip+i] / exactSd; math.Abs(ratio-1) > 0.03 {
					t.Errorf("%s, state %d: sd ratio %.3f", name, part.First+i, ratio)
				}
			}
		}
		if next != p.Length {
			t.Errorf("%s: blocks end at state %d", name, next)
		}
		if offset := math.Sqrt(square / states); offset > 0.02 {
			t.Errorf("%s: mean off by %.3f posterior sd", name, offset)
		}
	}
}

// The ensemble holds the states of the blocks in their places.
func TestOnlineEnsemblesAreTheBlocksOnes(t *testing.T) {
	p, prior := bench(t, 2, 0.3)
	p.Length, p.Members = 9, 3
	p.Observations.Observations = p.Observations.Observations[:5]
	score := &assimilate.Score{Prior: prior, Sampler: second(6), Guidance: "auto"}
	mode := &assimilate.Online{Score: score, Block: 4, Lag: 1, History: 3}
	last := 0
	whole, err := mode.Assimilate(t.Context(), p, func(done, total int) { last = total - done })
	if err != nil {
		t.Fatal(err)
	}
	parts, err := mode.Parts(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range parts {
		one, err := score.Assimilate(t.Context(), part.Problem, nil)
		if err != nil {
			t.Fatal(err)
		}
		for m := range p.Members {
			got := whole.Ensemble.Data[m*p.Length+part.First:][:part.Count]
			want := one.Ensemble.Data[m*part.Problem.Length+part.Skip:][:part.Count]
			if !slices.Equal(got, want) {
				t.Errorf("member %d, states from %d: %v, not %v", m, part.First, got, want)
			}
		}
	}
	if whole.Evaluations != len(parts)*score.Evaluations() || last != 0 {
		t.Errorf("%d evaluations, %d left to do", whole.Evaluations, last)
	}
}

func TestModesThatCannotBeAreRefused(t *testing.T) {
	p, _ := bench(t, 2, 0.3)
	for _, mode := range []assimilate.Online{{Lag: -1, Forecast: 65}, {Lag: -1, Forecast: -1}, {Block: 0}, {Block: 1, History: -1}} {
		if _, err := mode.Parts(p); !fault.IsInput(err) {
			t.Errorf("%+v: %v", mode, err)
		}
	}
}
