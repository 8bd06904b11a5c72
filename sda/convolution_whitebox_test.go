package sda

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"retrace/internal/rng"
	"retrace/internal/safetensors"
)

func normals(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// convolutionCase is a layer and the field that it is tried on.
type convolutionCase struct {
	in, out int
	form    form
	size    grid
}

// weights draws a kernel and a bias for the layer w.
func (c convolutionCase) weights(r *rand.Rand) *safetensors.File {
	taps := c.form.kernel[0] * c.form.kernel[1]
	return &safetensors.File{Tensors: []safetensors.Tensor{
		{Name: "w.weight", Shape: append([]int{c.out, c.in}, c.form.kernel[2-c.form.spatial:]...), Data: normals(r, c.out*c.in*taps)},
		{Name: "w.bias", Shape: []int{c.out}, Data: normals(r, c.out)},
	}}
}

// at returns the value of a plane at any place: 0 outside or the periodic one.
func (c convolutionCase) at(plane []float32, y, x int) float64 {
	if c.form.circular {
		y, x = (y+c.size.rows*9)%c.size.rows, (x+c.size.columns*9)%c.size.columns
	}
	if y < 0 || x < 0 || y >= c.size.rows || x >= c.size.columns {
		return 0
	}
	return float64(plane[y*c.size.columns+x])
}

// defined is the convolution by its definition, in planes.
func (c convolutionCase) defined(file *safetensors.File, x []float32, to grid) []float32 {
	kernel, bias := file.Tensors[0].Data, file.Tensors[1].Data
	rows, columns := c.form.kernel[0], c.form.kernel[1]
	result := make([]float32, 0, c.out*to.pixels())
	for o := range c.out {
		for p := range to.pixels() {
			sum := float64(bias[o])
			for i := range c.in {
				for d := range rows * columns {
					y := p/to.columns*c.form.stride[0] + d/columns - rows/2
					x0 := p%to.columns*c.form.stride[1] + d%columns - columns/2
					sum += float64(kernel[(o*c.in+i)*rows*columns+d]) * c.at(x[i*c.size.pixels():][:c.size.pixels()], y, x0)
				}
			}
			result = append(result, float32(sum))
		}
	}
	return result
}

func dot(a, b []float32) float64 {
	var sum float64
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

func TestConvolutionsFollowTheirDefinition(t *testing.T) {
	one, two := [2]int{1, 1}, [2]int{2, 2}
	for i, c := range []convolutionCase{
		{3, 5, form{[2]int{3, 3}, one, true, 2}, grid{6, 10}},
		{3, 5, form{[2]int{3, 3}, one, false, 2}, grid{5, 7}},
		{33, 2, form{[2]int{5, 5}, two, true, 2}, grid{8, 4}},
		{2, 40, form{[2]int{5, 5}, two, false, 2}, grid{4, 12}},
		{4, 4, form{[2]int{1, 1}, two, true, 2}, grid{6, 4}},
		{4, 3, form{[2]int{3, 3}, [2]int{3, 3}, true, 2}, grid{9, 3}},
		{2, 3, form{[2]int{7, 7}, one, true, 2}, grid{3, 3}}, // wraps all the way round
		{3, 3, form{[2]int{1, 3}, one, false, 1}, grid{1, 17}},
		{3, 6, form{[2]int{1, 5}, [2]int{1, 2}, false, 1}, grid{1, 18}},
		{3, 6, form{[2]int{1, 3}, [2]int{1, 2}, true, 1}, grid{1, 2}},
		{7, 9, pointwise, grid{1, 13}},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			r := rng.Stream(1, "convolution", uint64(i))
			file := c.weights(r)
			s := newSource(file)
			layer := takeConvolution(s, "w", c.in, c.out, c.form)
			if err := s.finish(); err != nil {
				t.Fatal(err)
			}
			to := grid{c.size.rows / c.form.stride[0], c.size.columns / c.form.stride[1]}
			x, y := newSheet(c.size, c.in), newSheet(to, c.out)
			planes, got := normals(r, c.in*c.size.pixels()), make([]float32, c.out*to.pixels())
			x.putPlanes(planes)
			layer.apply(y, x, false, &margins{})
			y.takePlanes(got)
			want := c.defined(file, planes, to)
			for j := range want {
				if math.Abs(float64(got[j]-want[j])) > 1e-4 {
					t.Fatalf("value %d is %v, by definition %v", j, got[j], want[j])
				}
			}
			// <W x, v> = <x, W^T v>, W being the layer without its bias.
			v, pulled := normals(r, len(got)), make([]float32, len(planes))
			for o := range c.out {
				for p := range to.pixels() {
					got[o*to.pixels()+p] -= file.Tensors[1].Data[o]
				}
			}
			y.putPlanes(v)
			layer.pull(x, y, false, &margins{})
			x.takePlanes(pulled)
			scale := math.Sqrt(dot(got, got) * dot(v, v))
			if a, b := dot(got, v), dot(planes, pulled); math.Abs(a-b) > 1e-5*scale {
				t.Errorf("<W x, v> = %v, <x, W^T v> = %v", a, b)
			}
			layer.pull(x, y, true, &margins{})
			twice := make([]float32, len(planes))
			x.takePlanes(twice)
			for j := range twice {
				if math.Abs(float64(twice[j]-2*pulled[j])) > 1e-4 {
					t.Fatalf("added to itself, value %d of the pull is %v, want %v", j, twice[j], 2*pulled[j])
				}
			}
		})
	}
}

func TestActivationsAndTheirSlopes(t *testing.T) {
	// Values at 1 and -1 as PyTorch's documentation defines them.
	for name, want := range map[string][2]float64{
		"SiLU": {0.7310586, -0.2689414}, "ReLU": {1, 0}, "ELU": {1, -0.6321206},
		"GELU": {0.8413447, -0.1586553}, "SELU": {1.0507010, -1.1113307}, "Tanh": {0.7615942, -0.7615942},
	} {
		a := activationNamed(name)
		x := []float32{1, -1, 0.5, -0.25, 3, -3}
		y := make([]float32, len(x))
		a.apply(y, x)
		if math.Abs(float64(y[0])-want[0]) > 1e-6 || math.Abs(float64(y[1])-want[1]) > 1e-6 {
			t.Errorf("%s(1, -1) is %v, want %v", name, y[:2], want)
		}
		const step = 1e-2
		slope, low, high := make([]float32, len(x)), make([]float32, len(x)), make([]float32, len(x))
		for i := range x {
			slope[i], low[i], high[i] = 2, x[i]-step, x[i]+step
		}
		a.pull(slope, x)
		a.apply(low, low)
		a.apply(high, high)
		for i := range x {
			if d := 2 * float64(high[i]-low[i]) / (2 * step); math.Abs(d-float64(slope[i])) > 1e-3 {
				t.Errorf("%s: twice the slope at %v is %v, by differences %v", name, x[i], slope[i], d)
			}
		}
	}
	if len(Activations()) != 6 {
		t.Errorf("not all of %q are tested", Activations())
	}
}
