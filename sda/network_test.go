package sda_test

import (
	"context"
	"math"
	"runtime"
	"slices"
	"testing"

	"retrace/diffusion"
	"retrace/internal/rng"
	"retrace/internal/safetensors"
	"retrace/sda"
)

func normals(n int, indices ...uint64) []float32 {
	r := rng.Stream(1, "values", indices...)
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// randomWeights draws weights for an architecture, which keep the size of values.
// A size that is free becomes that of the forcing.
func randomWeights(a sda.Architecture, forcing ...int) *safetensors.File {
	file := &safetensors.File{}
	for i, e := range a.Tensors() {
		shape := slices.Clone(e.Shape)
		free := forcing
		size, fan := 1, 1
		for j, n := range shape {
			if n < 0 {
				shape[j], free = free[0], free[1:]
			}
			size *= shape[j]
			if j > 0 {
				fan *= shape[j]
			}
		}
		data := normals(size, 1, uint64(i))
		for j := range data {
			data[j] /= float32(math.Sqrt(float64(fan)))
		}
		if len(shape) == 1 && shape[0] == 16 && e.Name[len(e.Name)-5:] == "freqs" {
			for j := range data {
				data[j] = math.Pi * float32(j+1)
			}
		}
		file.Tensors = append(file.Tensors, safetensors.Tensor{Name: e.Name, Shape: shape, Data: data})
	}
	return file
}

// sample is a random network and what it is tried on.
type sample struct {
	text    string
	length  int
	state   []int
	forcing []int
}

var samples = map[string]sample{
	"perceptron whose size changes": {"kind='mcscore-mlp'\nfeatures=2\norder=1\nembedding=3\nhidden_features=[40,40,7]\n", 6, []int{2}, nil},
	"perceptron whose size stays":   {"kind='mcscore-mlp'\nfeatures=3\norder=1\nembedding=7\nhidden_features=[16,9]\nactivation='GELU'\n", 3, []int{3}, nil},
	"perceptron without hidden":     {"kind='mcscore-mlp'\nfeatures=1\norder=3\nembedding=2\nhidden_features=[]\nactivation='Tanh'\n", 11, []int{1}, nil},
	"perceptron of many windows":    {"kind='mcscore-mlp'\nfeatures=1\norder=2\nembedding=4\nhidden_features=[12]\n", 90, []int{1}, nil},
	"fields that are not square":    {"kind='mcscore-unet'\nfeatures=1\norder=1\nembedding=4\nhidden_channels=[5,34,3]\nhidden_blocks=[1,2,1]\n", 4, []int{1, 4, 12}, nil},
	"fields with zeros around":      {"kind='mcscore-unet'\nfeatures=2\norder=1\nembedding=4\nhidden_channels=[6,4]\nhidden_blocks=[1,0]\nkernel_size=5\npadding_mode='zeros'\nactivation='ELU'\n", 5, []int{2, 6, 2}, nil},
	"fields in one dimension":       {"kind='mcscore-unet'\nfeatures=1\norder=2\nembedding=4\nspatial=1\nhidden_channels=[6,4]\nhidden_blocks=[2,1]\nstride=3\n", 7, []int{1, 9}, nil},
	"fields with a forcing":         {"kind='mcscore-unet'\nfeatures=1\norder=1\nembedding=4\ncontext=2\nhidden_channels=[6]\nhidden_blocks=[1]\n", 5, []int{1, 5, 3}, []int{5, 3}},
	"fields with two kernel sizes":  {"kind='mcscore-unet'\nfeatures=1\norder=1\nembedding=4\nhidden_channels=[6,5]\nhidden_blocks=[1,1]\nkernel_size=[5,3]\n", 4, []int{1, 6, 8}, nil},
	"frames":                        {"kind='qg-unet'\nchannels=2\nembedding=5\ncontext=0\nhidden_channels=[8,10,9]\nhidden_blocks=[1,0,1]\nkernel_size=3\n", 5, []int{2, 4, 8}, nil},
	"frames with waves":             {"kind='score-unet'\nbranch='qg'\nfeatures=1\nspatial=2\nembedding=5\ncontext=4\nhidden_channels=[4,6]\nhidden_blocks=[1,1]\nexpansion=2\ntemporal_kernel_size=5\nactivation='ReLU'\n", 2, []int{1, 6, 4}, nil},
	"frames in several windows":     {"kind='qg-unet'\nchannels=1\nembedding=5\ncontext=0\nhidden_channels=[5,6]\nhidden_blocks=[1,1]\nkernel_size=3\n", 130, []int{1, 4, 4}, nil},
	"sequence of three levels":      {"kind='global-unet-1d'\nchannels=2\nembedding=4\nhidden_channels=[4,6,8]\nhidden_blocks=[1,1,2]\n", 12, []int{2}, nil},
	"periodic sequence":             {"kind='global-unet-1d'\nchannels=1\nembedding=4\nhidden_channels=[4]\nhidden_blocks=[2]\npadding_mode='circular'\nkernel_size=7\nactivation='GELU'\n", 9, []int{1}, nil},
}

func (s sample) prior(t testing.TB) *sda.Prior {
	t.Helper()
	a := architecture(t, s.text)
	p, err := sda.New(a, randomWeights(a, s.forcing...))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func norm(x []float32) float64 {
	var sum float64
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}

// The product of a cotangent with the Jacobian is compared with central
// differences along its own direction and a random one.
func TestProductsAreThoseOfDifferences(t *testing.T) {
	ctx := context.Background()
	for name, s := range samples {
		t.Run(name, func(t *testing.T) {
			d := newDenoiser(t, s.prior(t), s.length, s.state...)
			n := 2 * d.Dim()
			x, v := normals(n, 2), normals(n, 3)
			y, g := make([]float32, n), make([]float32, n)
			if err := d.Noise(ctx, y, x, 0.4); err != nil {
				t.Fatal(err)
			}
			if err := d.PullNoise(ctx, g, v); err != nil {
				t.Fatal(err)
			}
			for _, direction := range [][]float32{slices.Clone(g), normals(n, 4)} {
				step := 1e-2 * math.Sqrt(float64(n)) / norm(direction)
				var sides [2][]float32
				for side, sign := range []float64{-1, 1} {
					moved := make([]float32, n)
					for i := range moved {
						moved[i] = x[i] + float32(sign*step)*direction[i]
					}
					sides[side] = make([]float32, n)
					if err := d.Noise(ctx, sides[side], moved, 0.4); err != nil {
						t.Fatal(err)
					}
				}
				var difference, product float64
				for i := range v {
					difference += float64(v[i]) * float64(sides[1][i]-sides[0][i]) / (2 * step)
					product += float64(g[i]) * float64(direction[i])
				}
				if scale := norm(g) * norm(direction); math.Abs(difference-product) > 2e-3*scale {
					t.Errorf("product %.6g, by differences %.6g, norms %.3g", product, difference, scale)
				}
			}
		})
	}
}

func TestResultsDependNeitherOnBatchNorWorkers(t *testing.T) {
	ctx := context.Background()
	for name, s := range samples {
		t.Run(name, func(t *testing.T) {
			p := s.prior(t)
			evaluate := func(x, v []float32) []float32 {
				d := newDenoiser(t, p, s.length, s.state...)
				y, g := make([]float32, len(x)), make([]float32, len(x))
				if err := d.Noise(ctx, y, x, 0.9); err != nil {
					t.Fatal(err)
				}
				if err := d.PullNoise(ctx, g, v); err != nil {
					t.Fatal(err)
				}
				return append(y, g...)
			}
			n := newDenoiser(t, p, s.length, s.state...).Dim()
			x, v := normals(3*n, 5), normals(3*n, 6)
			all := evaluate(x, v)
			before := runtime.GOMAXPROCS(5)
			if !slices.Equal(evaluate(x, v), all) {
				t.Error("another number of workers gives another result")
			}
			runtime.GOMAXPROCS(before)
			one := evaluate(x[n:2*n], v[n:2*n])
			if !slices.Equal(one[:n], all[n:2*n]) || !slices.Equal(one[n:], all[4*n:5*n]) {
				t.Error("a trajectory gives another result alone than in a batch")
			}
		})
	}
}

// A state in the middle depends on its window and on nothing else; the states at
// the ends depend on the first and the last window.
func TestWindowsAreComposedByTheirCentre(t *testing.T) {
	s := samples["perceptron of many windows"] // windows of 5 states
	const length = 9
	d := newDenoiser(t, s.prior(t), length, s.state...)
	g := make([]float32, length)
	if err := d.Noise(context.Background(), g, normals(length, 7), 0.5); err != nil {
		t.Fatal(err)
	}
	for state, want := range [length][2]int{{0, 4}, {0, 4}, {0, 4}, {1, 5}, {2, 6}, {3, 7}, {4, 8}, {4, 8}, {4, 8}} {
		v := make([]float32, length)
		v[state] = 1
		if err := d.PullNoise(context.Background(), g, v); err != nil {
			t.Fatal(err)
		}
		for i, value := range g {
			if within := i >= want[0] && i <= want[1]; within != (value != 0) {
				t.Errorf("state %d: its derivative with respect to state %d is %v", state, i, value)
			}
		}
	}
}

// The mean and its Jacobian follow from the noise, on a schedule of another scale.
func TestDenoiserServesEverySchedule(t *testing.T) {
	s := samples["sequence of three levels"]
	d := newDenoiser(t, s.prior(t), s.length, s.state...)
	n := d.Dim()
	own := sda.Schedule.At(0.35)
	level := diffusion.VarianceExploding{Min: own.Ratio(), Max: 100}.At(0) // mu = 1
	xt, v := normals(n, 8), normals(n, 9)
	mean, pulled := make([]float32, n), make([]float32, n)
	var denoiser diffusion.Differentiable = d
	if err := denoiser.Denoise(mean, xt, level); err != nil {
		t.Fatal(err)
	}
	if err := denoiser.Pull(pulled, v); err != nil {
		t.Fatal(err)
	}
	x, eps, g := make([]float32, n), make([]float32, n), make([]float32, n)
	for i := range x {
		x[i] = float32(own.Mu) * xt[i]
	}
	if err := d.Noise(context.Background(), eps, x, 0.35); err != nil {
		t.Fatal(err)
	}
	if err := d.PullNoise(context.Background(), g, v); err != nil {
		t.Fatal(err)
	}
	for i := range x {
		eps[i] = xt[i] - float32(own.Ratio())*eps[i]
		g[i] = v[i] - float32(own.Sigma)*g[i]
	}
	closeTo(t, "the mean", mean, eps, 1e-5)
	closeTo(t, "its product", pulled, g, 1e-5)
}

func TestNumbersBeyondRangeAreAnError(t *testing.T) {
	s := samples["periodic sequence"]
	d := newDenoiser(t, s.prior(t), s.length, s.state...)
	x := normals(d.Dim(), 10)
	x[3] = math.MaxFloat32
	if err := d.Noise(context.Background(), make([]float32, len(x)), x, 0.5); err == nil {
		t.Error("no error")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := d.Noise(ctx, make([]float32, len(x)), normals(len(x), 11), 0.5); err == nil {
		t.Error("no error after the end of the context")
	}
}
