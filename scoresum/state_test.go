package scoresum_test

import (
	"math"
	"testing"

	"retrace/diffusion"
	"retrace/dynamics"
	"retrace/internal/rng"
	"retrace/scoresum"
	"retrace/trajectory"
)

// stateData are trajectories of independent standard normal states of two values.
func stateData(count, length int) *trajectory.Set {
	space := dynamics.Space{Variable: "state", Units: "1", Axes: []dynamics.Axis{{Name: "variable", Labels: []string{"a", "b"}}}}
	set := trajectory.New(space, dynamics.Clock{Interval: 1, Units: "1"}, []trajectory.Dimension{{Name: "case", Len: count}}, length)
	for i := range set.Data {
		set.Data[i] = float32(rng.Stream(1, "test", uint64(i)).NormFloat64())
	}
	return set
}

func stateSettings(network, composition string) scoresum.Settings {
	s := scoresum.DefaultSettings()
	s.Network, s.Composition, s.Window, s.Width, s.Blocks = network, composition, 1, 8, 1
	s.Training.Steps, s.Training.Checkpoint = 3, 3
	return s
}

// A window of one state is a prior of independent states, for every network and rule,
// on trajectories of one state and of more.
func TestWindowsOfOneStateMakeIndependentStates(t *testing.T) {
	set := stateData(64, 1)
	standard := trajectory.Standardiser{Mean: []float64{0}, Scale: []float64{1}, Run: 2}
	for _, network := range []string{"mlp", "temporal"} {
		for _, composition := range scoresum.Compositions() {
			p, err := scoresum.Train(t.Context(), stateSettings(network, composition),
				scoresum.Data{Training: set, Validation: set, Standard: standard, Seed: 1}, t.TempDir(), nil)
			if err != nil {
				t.Fatalf("%s, %s: %v", network, composition, err)
			}
			one, three := denoised(t, p, []float32{0.3, -1}), denoised(t, p, []float32{0.3, -1, 2, 0.5, 0.3, -1})
			for i, want := range one {
				if three[i] != want || three[4+i] != want {
					t.Errorf("%s, %s: a state is denoised to %v alone and to %v among others", network, composition, one, three)
				}
			}
			checkIndependent(t, p)
		}
	}
}

func denoised(t *testing.T, p *scoresum.Prior, x []float32) []float32 {
	t.Helper()
	d, err := p.Denoiser(len(x)/2, 1, 4)
	if err != nil {
		t.Fatal(err)
	}
	mean := make([]float32, len(x))
	if err := d.Denoise(mean, x, diffusion.Level{T: 0.5, Mu: 0.8, Sigma: 0.6}); err != nil {
		t.Fatal(err)
	}
	return mean
}

func checkIndependent(t *testing.T, p *scoresum.Prior) {
	t.Helper()
	one, err := p.Uncertainty(1, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	three, err := p.Uncertainty(3, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	precision, err := p.Precision(3, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		for j := range 6 {
			want := 0.0
			if i/2 == j/2 {
				want = one.At(i%2, j%2)
			}
			if math.Abs(three.At(i, j)-want) > 1e-9 {
				t.Errorf("V(%d, %d) of three states is %v, not %v", i, j, three.At(i, j), want)
			}
			if i/2 != j/2 && precision.At(i, j) != 0 {
				t.Errorf("states %d and %d are not independent", i/2, j/2)
			}
		}
	}
}

// Training that starts from another prior's weights and makes no step to speak of
// returns that prior's denoiser.
func TestTrainingStartsFromGivenWeights(t *testing.T) {
	set := stateData(64, 1)
	data := scoresum.Data{Training: set, Validation: set, Standard: trajectory.Standardiser{Mean: []float64{0}, Scale: []float64{1}, Run: 2}, Seed: 1}
	s := stateSettings("mlp", "centre")
	s.Training.Steps, s.Training.LearningRate = 50, 1e-2
	first, err := scoresum.Train(t.Context(), s, data, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Training.Steps, s.Training.LearningRate = 1, 1e-12
	data.Start = first
	again, err := scoresum.Train(t.Context(), s, data, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	data.Start = nil
	fresh, err := scoresum.Train(t.Context(), s, data, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	x := []float32{0.7, -0.4}
	want, got, other := denoised(t, first, x), denoised(t, again, x), denoised(t, fresh, x)
	if math.Abs(float64(got[0]-want[0])) > 1e-5 || math.Abs(float64(other[0]-want[0])) < 1e-4 {
		t.Errorf("the first prior gives %v, one started from it %v, a fresh one %v", want, got, other)
	}
}
