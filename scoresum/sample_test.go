package scoresum

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"

	"retrace/diffusion"
)

func quickSampler() diffusion.PredictorCorrector {
	return diffusion.PredictorCorrector{Levels: diffusion.LogGrid(diffusion.Cosine{Eta: 1e-3}, 24, diffusion.Span{High: 100}), Solver: diffusion.DDIM{Churn: 0.5}, Corrector: diffusion.Langevin{Tau: 0.25}, Corrections: 1}
}

func draw(t *testing.T, p *Prior, members, length int) []float32 {
	t.Helper()
	set, err := p.Sample(context.Background(), Draw{members, length, 3}, quickSampler(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if set.Length != length || set.Count() != members || set.Lead[0].Name != "member" || set.Space.Size() != p.Dim() || set.Clock != p.Clock {
		t.Errorf("%d members of %d states: %+v", members, length, set)
	}
	return set.Data
}

func TestMembersDoNotDependOnTheirNumberOrOnProcessors(t *testing.T) {
	p := randomPrior(t, networks()["temporal"], 2)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	three := draw(t, p, 3, 12)
	runtime.GOMAXPROCS(3)
	seven := draw(t, p, 7, 12)
	if !slices.Equal(three, seven[:len(three)]) {
		t.Error("the first three of seven members differ from three members")
	}
	if slices.Equal(seven[:24], seven[24:48]) {
		t.Error("two members are equal")
	}
	fifth := make([]float32, 24)
	if err := quickSampler().Sample(context.Background(), denoiser(t, p, 12, 1, 4), fifth, 5, NewNoise(3, "sample", 0), nil); err != nil {
		t.Fatal(err)
	}
	p.Standard.Inverse(fifth, fifth)
	if !slices.Equal(fifth, seven[5*24:6*24]) {
		t.Error("a member is not addressed by its number")
	}
}

// Samples are in physical units: the standardisation has means 0, 1 and scales
// 1, 2 of the components.
func TestSamplesOfAGaussianPrior(t *testing.T) {
	s := small("temporal", 6)
	s.Width = 2
	p := newPrior(t, s, 2, decaying(0, 12))
	x := draw(t, p, 200, 20)
	for component := range 2 {
		var sum, square, n float64
		for i := component; i < len(x); i += 2 {
			sum += float64(x[i])
			square += float64(x[i]) * float64(x[i])
			n++
		}
		mean := sum / n
		scale := float64(component + 1)
		near(t, fmt.Sprintf("mean of component %d", component), mean, float64(component), 0.1*scale)
		near(t, fmt.Sprintf("sd of component %d", component), math.Sqrt(square/n-mean*mean), scale, 0.1*scale)
	}
}

func TestProgressCountsEvaluations(t *testing.T) {
	p := gaussianPrior(t, 0.9, 5, "overlap", 2)
	calls, last, total := 0, 0, 0
	_, err := p.Sample(context.Background(), Draw{9, 11, 1}, quickSampler(), func(d, n int) {
		calls++
		if d != last+1 {
			t.Errorf("%d follows %d", d, last)
		}
		last, total = d, n
	})
	if want := 3 * quickSampler().Evaluations(); err != nil || calls != want || last != want || total != want {
		t.Errorf("%d calls, the last %d of %d, want %d; error %v", calls, last, total, want, err)
	}
}

func TestSamplingCanBeCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	_, err := gaussianPrior(t, 0.9, 5, "overlap", 2).Sample(ctx, Draw{9, 11, 1}, quickSampler(), func(done, _ int) {
		if done == 20 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestNoiseIsAddressed(t *testing.T) {
	get := func(seed int64, purpose string, number, index, draw int) []float32 {
		n := NewNoise(seed, purpose, number)
		row := make([]float32, 8)
		n.Normal(row, 77, 77) // a draw before does not matter
		n.Normal(row, index, draw)
		return row
	}
	base := get(1, "sample", 2, 3, 4)
	if !slices.Equal(base, get(1, "sample", 2, 3, 4)) {
		t.Error("the same address gives other noise")
	}
	for _, other := range [][]float32{get(2, "sample", 2, 3, 4), get(1, "score", 2, 3, 4), get(1, "sample", 3, 3, 4), get(1, "sample", 2, 4, 4), get(1, "sample", 2, 3, 5)} {
		if slices.Equal(base, other) {
			t.Error("another address gives the same noise")
		}
	}
	n, row := NewNoise(1, "sample", 0), make([]float32, 64)
	if a := testing.AllocsPerRun(10, func() { n.Normal(row, 1, 2) }); a != 0 {
		t.Errorf("%v allocations", a)
	}
}
