package variational_test

import (
	"context"
	"math"
	"testing"

	"retrace/assimilate"
	"retrace/assimilate/variational"
	"retrace/diffusion"
	"retrace/dynamics"
	"retrace/internal/rng"
	"retrace/lorenz"
	"retrace/observe"
	"retrace/scoresum"
	"retrace/trajectory"
)

// trainedPrior is a small network trained for a moment on noisy Lorenz 63.
func trainedPrior(t *testing.T, model dynamics.Model) *scoresum.Prior {
	t.Helper()
	draw := func(count int, purpose string) *trajectory.Set {
		set, err := trajectory.Simulate(context.Background(), model,
			trajectory.Plan{Count: count, Length: 64, SpinUp: 256, Seed: 1, Purpose: purpose}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	settings := scoresum.DefaultSettings()
	settings.Window, settings.Width, settings.Blocks = 8, 32, 3
	settings.Training.Steps, settings.Training.Checkpoint = 2500, 500
	prior, err := scoresum.Train(context.Background(), settings, scoresum.Data{
		Training: draw(256, "training"), Validation: draw(16, "validation"), Seed: 1,
		Standard: trajectory.Standardiser{Mean: []float64{0, 0, 25}, Scale: []float64{8, 9, 8.6}, Run: 1},
	}, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return prior
}

// The law that a network has learnt is known by its draws alone. Around a mode, draws of
// n dimensions lie some n/2 lower in log density, and their mean is near it.
func TestScoreModeOfATrainedNetworkIsAboveItsDraws(t *testing.T) {
	model, err := lorenz.NewLorenz63().Build()
	if err != nil {
		t.Fatal(err)
	}
	const length, members = 8, 48
	truth, err := trajectory.Simulate(context.Background(), model, trajectory.Plan{Count: 1, Length: length, SpinUp: 256, Seed: 2, Purpose: "test"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	all, err := observe.Identity{}.Build(model.Space())
	if err != nil {
		t.Fatal(err)
	}
	p := assimilate.Problem{Model: model, Length: length, Members: members, Seed: 4}
	r := rng.Stream(1, "values")
	for i := range length {
		o := observe.Observation{Index: i, Operator: all, Values: make([]float64, 3), Sd: []float64{0.5, 0.5, 0.5}}
		for j, x := range truth.State(0, i) {
			o.Values[j] = float64(x) + 0.5*r.NormFloat64()
		}
		p.Observations.Observations = append(p.Observations.Observations, o)
	}
	score := &assimilate.Score{
		Prior: trainedPrior(t, model), Guidance: "covariance",
		Sampler: diffusion.PredictorCorrector{
			Levels: diffusion.LogGrid(diffusion.Cosine{Eta: 1e-3}, 48, diffusion.Span{High: 20, Low: 4e-3}), Solver: diffusion.DDIM{Churn: 1},
		},
	}
	draws, err := score.Assimilate(context.Background(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	one := p
	one.Members = 1
	modes, err := variational.NewScoreMode(score).Assimilate(context.Background(), one, nil)
	if err != nil {
		t.Fatal(err)
	}
	mode := modes.Ensemble.Trajectory(0)
	top := logDensity(model, p.Observations, mode)
	var mean float64
	for k := range members {
		here := logDensity(model, p.Observations, draws.Ensemble.Trajectory(k))
		mean += here / members
		if here > top {
			t.Errorf("draw %d has log density %.1f, the mode %.1f", k, here, top)
		}
	}
	if drop, half := top-mean, 3.*length/2; drop < half/2 || drop > 2.5*half {
		t.Errorf("draws lie %.1f below the mode, want about %.1f", drop, half)
	}
	var squares float64
	for i, x := range mode {
		var m, v float64
		for k := range members {
			m += float64(draws.Ensemble.Trajectory(k)[i]) / members
		}
		for k := range members {
			d := float64(draws.Ensemble.Trajectory(k)[i]) - m
			v += d * d / (members - 1)
		}
		squares += (float64(x) - m) * (float64(x) - m) / v / float64(len(mode))
	}
	if distance := math.Sqrt(squares); distance > 0.6 {
		t.Errorf("the mode is %.2f standard deviations from the mean of the draws", distance)
	}
	t.Logf("draws lie %.1f below the mode, whose distance from their mean is %.2f standard deviations", top-mean, math.Sqrt(squares))
}

// logDensity is the log of the transitions of a trajectory and of the observations given it.
func logDensity(model dynamics.Model, seen observe.Sequence, x []float32) float64 {
	states := make([]float64, len(x))
	for i, v := range x {
		states[i] = float64(v)
	}
	size := model.Space().Size()
	value := observe.NewLikelihood(seen).Log(x)
	for i := size; i < len(states); i += size {
		value += model.(dynamics.TransitionDensity).LogTransition(states[i-size:i], states[i:i+size])
	}
	return value
}
