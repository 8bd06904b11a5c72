package sda_test

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"retrace/internal/npy"
	"retrace/internal/safetensors"
	"retrace/sda"
)

// fixtures are networks, results and vector-Jacobian products that PyTorch wrote,
// with random weights, at the times below.
var fixtures = map[string]string{
	"mlp_k2":       "kind = 'mcscore-mlp'\n[args]\nfeatures = 3\norder = 2\nembedding = 16\nhidden_features = [32, 32, 32]\n",
	"unet2d_k1":    "kind = 'mcscore-unet'\n[args]\nfeatures = 2\norder = 1\nembedding = 16\nspatial = 2\nhidden_channels = [16, 32]\nhidden_blocks = [2, 2]\nkernel_size = 3\n",
	"qg":           "kind = 'qg-unet'\nbranch = 'qg'\n[args]\nchannels = 2\ncontext = 4\nembedding = 8\nhidden_channels = [4, 6]\nhidden_blocks = [1, 1]\nkernel_size = 5\n",
	"unet2d_zeros": "kind = 'mcscore-unet'\nactivation = 'GELU'\n[args]\nfeatures = 1\norder = 1\nembedding = 5\nspatial = 2\nhidden_channels = [5, 6]\nhidden_blocks = [1, 1]\nkernel_size = 5\npadding_mode = 'zeros'\n",
	"unet1d":       "kind = 'global-unet-1d'\nchannels = 3\nembedding = 16\nhidden_channels = [32]\nhidden_blocks = [3]\n",
}

var fixtureTimes = []float64{0.02, 0.3, 0.75}

func readArray(t testing.TB, name string) ([]int, []float32) {
	t.Helper()
	shape, values, err := npy.Read[float32](filepath.Join("testdata", name+".npy"))
	if err != nil {
		t.Fatal(err)
	}
	return shape, values
}

func architecture(t testing.TB, text string) sda.Architecture {
	t.Helper()
	a, err := sda.ParseArchitecture("arch.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func readWeights(t testing.TB, name string) *safetensors.File {
	t.Helper()
	file, err := safetensors.Read(filepath.Join("testdata", name+".safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func fixture(t testing.TB, name string) *sda.Prior {
	t.Helper()
	p, err := sda.New(architecture(t, fixtures[name]), readWeights(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newDenoiser(t testing.TB, p *sda.Prior, length int, state ...int) *sda.Denoiser {
	t.Helper()
	d, err := p.Denoiser(length, state)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// close fails where got is further from want than a share of want's largest value.
func closeTo(t testing.TB, what string, got, want []float32, share float64) {
	t.Helper()
	var largest, worst float64
	for i := range want {
		largest = max(largest, math.Abs(float64(want[i])))
		worst = max(worst, math.Abs(float64(got[i]-want[i])))
	}
	if !(worst <= share*largest) {
		t.Errorf("%s differs by %.3g of the largest value, more than %.1g", what, worst/largest, share)
	}
	t.Logf("%s: %.2g of the largest value", what, worst/largest)
}

func TestResultsAreThoseOfPyTorch(t *testing.T) {
	ctx := context.Background()
	for name := range fixtures {
		t.Run(name, func(t *testing.T) {
			shape, x := readArray(t, name+".x")
			_, v := readArray(t, name+".v")
			_, y := readArray(t, name+".y")
			_, g := readArray(t, name+".g")
			d := newDenoiser(t, fixture(t, name), shape[1], shape[2:]...)
			got, pulled := make([]float32, len(x)), make([]float32, len(x))
			for i, time := range fixtureTimes {
				if err := d.Noise(ctx, got, x, time); err != nil {
					t.Fatal(err)
				}
				if err := d.PullNoise(ctx, pulled, v); err != nil {
					t.Fatal(err)
				}
				closeTo(t, "eps", got, y[i*len(x):][:len(x)], 1e-5)
				closeTo(t, "the product", pulled, g[i*len(x):][:len(x)], 1e-5)
			}
		})
	}
}

func TestWhatIsSavedIsLoaded(t *testing.T) {
	for name := range fixtures {
		dir := t.TempDir()
		want := fixture(t, name)
		if err := want.Save(dir); err != nil {
			t.Fatal(err)
		}
		got, err := sda.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		shape, x := readArray(t, name+".x")
		var results [2][]float32
		for i, p := range []*sda.Prior{want, got} {
			results[i] = make([]float32, len(x))
			if err := newDenoiser(t, p, shape[1], shape[2:]...).Noise(context.Background(), results[i], x, 0.5); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(results[0], results[1]) || got.Parameters() != want.Parameters() || got.Architecture.Kind != want.Architecture.Kind {
			t.Errorf("%s: the prior is another one after it was saved", name)
		}
	}
}
