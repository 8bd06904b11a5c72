package nn_test

import (
	"math"
	"testing"

	"retrace/internal/nn"
)

// eachActivation runs a test on all of them.
func eachActivation(t *testing.T, test func(t *testing.T, f nn.Activation)) {
	for _, name := range nn.Activations() {
		t.Run(name, func(t *testing.T) {
			f, ok := nn.ActivationNamed(name)
			if !ok || f.String() != name {
				t.Fatalf("%s names %v", name, f)
			}
			test(t, f)
		})
	}
}

// points are values of all sizes, of both signs.
func points() []float32 {
	x := []float32{0, 1e-30, 1e-8, 1e-4, 0.01, 0.1, 0.3, 0.34, 0.35, 0.5, 1, 1.5, 2, 3, 4, 5, 7, 10, 20, 43, 60, 86, 88, 200, 1e4, 1e30}
	for i := range 400 {
		x = append(x, float32(i)/37)
	}
	for _, v := range x {
		x = append(x, -v)
	}
	return x
}

func TestActivationsFollowTheirDefinition(t *testing.T) {
	eachActivation(t, func(t *testing.T, f nn.Activation) {
		x := points()
		y, slope := make([]float32, len(x)), make([]float32, len(x))
		for i := range slope {
			slope[i] = 1
		}
		f.Apply(y, x)
		f.Pull(slope, x)
		for i, v := range x {
			want := f.Value(float64(v))
			if d := math.Abs(float64(y[i]) - want); !(d <= 3e-7*max(1, math.Abs(want))) {
				t.Errorf("f(%g) = %g, want %g", v, y[i], want)
			}
			if want := f.Slope(float64(v)); !(math.Abs(float64(slope[i])-want) <= 1e-6) {
				t.Errorf("f'(%g) = %g, want %g", v, slope[i], want)
			}
		}
	})
}

// Values at 1 and -1 as PyTorch's documentation defines them.
func TestActivationsAreThoseOfPyTorch(t *testing.T) {
	known := map[string][2]float64{
		"SiLU": {0.7310586, -0.2689414}, "ReLU": {1, 0}, "ELU": {1, -0.6321206},
		"GELU": {0.8413447, -0.1586553}, "SELU": {1.0507010, -1.1113307}, "Tanh": {0.7615942, -0.7615942},
	}
	eachActivation(t, func(t *testing.T, f nn.Activation) {
		want := known[f.String()]
		if math.Abs(f.Value(1)-want[0]) > 1e-7 || math.Abs(f.Value(-1)-want[1]) > 1e-7 {
			t.Errorf("f(1) = %v, f(-1) = %v, want %v", f.Value(1), f.Value(-1), want)
		}
		const step = 1e-5
		for _, x := range []float64{-3, -1, -0.25, 0.5, 1, 3} {
			if d := (f.Value(x+step) - f.Value(x-step)) / (2 * step); math.Abs(d-f.Slope(x)) > 1e-8 {
				t.Errorf("the slope at %v is %v, by differences %v", x, f.Slope(x), d)
			}
		}
	})
}

func TestActivationsKeepZeroAndNaN(t *testing.T) {
	nan := float32(math.NaN())
	eachActivation(t, func(t *testing.T, f nn.Activation) {
		x := []float32{0, nan}
		f.Apply(x, x)
		if x[0] != 0 {
			t.Errorf("f(0) = %v", x[0])
		}
		if x[1] == x[1] {
			t.Errorf("f(NaN) = %v", x[1])
		}
	})
	if _, ok := nn.ActivationNamed("Swish"); ok {
		t.Error("Swish is an activation")
	}
}

func BenchmarkActivation(b *testing.B) {
	x, g := make([]float32, 1<<14), make([]float32, 1<<14)
	for i := range x {
		x[i] = float32(i%100)/10 - 5
	}
	for _, name := range nn.Activations() {
		f, _ := nn.ActivationNamed(name)
		run := func(kind string, work func()) {
			b.Run(name+"/"+kind, func(b *testing.B) {
				b.SetBytes(int64(4 * len(x)))
				for b.Loop() {
					work()
				}
			})
		}
		run("apply", func() { f.Apply(g, x) })
		run("pull", func() { f.Pull(g, x) })
	}
}
