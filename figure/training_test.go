package figure_test

import (
	"math"
	"slices"
	"testing"

	"retrace/figure"
)

func curve(n int, loss func(i int) float64) figure.Curve {
	var c figure.Curve
	for i := range n {
		c.Steps, c.Loss = append(c.Steps, float64(i)), append(c.Loss, loss(i))
	}
	return c
}

func TestRunningMeanKeepsALine(t *testing.T) {
	mean := figure.RunningMean(curve(101, func(i int) float64 { return 3 - 0.5*float64(i) }), 21)
	if len(mean.Steps) != 21 {
		t.Errorf("%d points, want one every 5 records", len(mean.Steps))
	}
	for i, step := range mean.Steps {
		if want := 3 - 0.5*step; math.Abs(mean.Loss[i]-want) > 1e-12 {
			t.Errorf("step %g: %g, want %g", step, mean.Loss[i], want)
		}
	}
}

func TestRunningMeanOfAnImpulse(t *testing.T) {
	impulse := make([]float64, 9)
	impulse[4] = 1
	mean := figure.RunningMean(curve(9, func(i int) float64 { return impulse[i] }), 3)
	for i, got := range mean.Loss {
		want := 0.0
		if i >= 3 && i <= 5 {
			want = 1.0 / 3
		}
		if math.Abs(got-want) > 1e-12 {
			t.Errorf("record %d: %g, want %g", i, got, want)
		}
	}
}

func TestEnvelopeKeepsExtremesAndOrder(t *testing.T) {
	raw := curve(10007, func(i int) float64 { return math.Sin(float64(i * i)) })
	thin := figure.Envelope(raw, 100)
	if len(thin.Loss) > 220 || !slices.IsSorted(thin.Steps) {
		t.Errorf("%d points, sorted %v", len(thin.Loss), slices.IsSorted(thin.Steps))
	}
	if slices.Min(thin.Loss) != slices.Min(raw.Loss) || slices.Max(thin.Loss) != slices.Max(raw.Loss) {
		t.Error("an extreme is lost")
	}
	for i, step := range thin.Steps {
		if thin.Loss[i] != raw.Loss[int(step)] {
			t.Fatalf("step %g was given another loss", step)
		}
	}
	if short := curve(50, func(i int) float64 { return float64(i) }); len(figure.Envelope(short, 100).Loss) != 50 {
		t.Error("a short curve is thinned")
	}
}

func TestTrainingLegendStatesTheSmoothingAndTheBest(t *testing.T) {
	losses := lossSample()
	losses.Validation.Loss[20] = 0.0123456
	f, err := figure.Training(losses)
	if err != nil {
		t.Fatal(err)
	}
	drawn := written(f)
	for _, want := range []string{"its mean over 81 steps", "lowest, 0.0123 at step 2688", "training step", "loss"} {
		if !slices.Contains(drawn, want) {
			t.Errorf("%q is not drawn: %q", want, drawn)
		}
	}
}
