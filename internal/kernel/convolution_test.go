package kernel_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"retrace/internal/kernel"
)

// tolerance bounds the relative error in the 2-norm.
func (p problem) tolerance() float64 {
	if p.Algorithm == kernel.Direct {
		return 1e-6
	}
	return 3e-6
}

// check compares all that a convolver computes with float64.
func (s *reference) check(t *testing.T) {
	t.Helper()
	v, workspace := s.convolver(2)
	f := kernel.NewFilter(s.Convolution)
	f.Pack(s.weight)
	f.PackPull(s.weight)

	result, around := guardedImage(s.cotangent)
	v.Forward(result, s.source, f, kernel.Extra{})
	around(t)
	s.near(t, "result", values(result), s.result)

	v.Forward(result, s.source, f, kernel.Extra{Bias: s.bias, Add: s.cotangent})
	around(t)
	s.near(t, "result with bias and addend", values(result), s.withExtra())

	pull, around := guardedImage(s.source)
	v.PullInput(pull, s.cotangent, f, kernel.Extra{})
	around(t)
	s.near(t, "pullback", values(pull), s.pull)
	v.PullInput(pull, s.cotangent, f, kernel.Extra{Add: pull})
	around(t)
	twice := make([]float64, len(s.pull))
	for i, x := range s.pull {
		twice[i] = 2 * x
	}
	s.near(t, "pullback added to itself", values(pull), twice)

	dw, aroundWeight := guarded(len(s.weight))
	dbias, aroundBias := guarded(len(s.bias))
	for i := range 2 {
		v.PullWeights(dw, dbias, s.source, s.cotangent)
		aroundWeight(t)
		aroundBias(t)
		s.near(t, fmt.Sprintf("gradient of the weights, call %d", i), dw, scaled(float64(i+1), s.weightPull))
		s.near(t, fmt.Sprintf("gradient of the bias, call %d", i), dbias, scaled(float64(i+1), s.biasSum))
	}
	workspace(t)
}

func (s *reference) near(t *testing.T, name string, got []float32, want []float64) {
	t.Helper()
	if d := distance(got, want); !(d <= s.tolerance()) {
		t.Errorf("%+v: %s is %.2g away", s.problem, name, d)
	}
}

// withExtra is the result plus the bias and the cotangent.
func (s *reference) withExtra() []float64 {
	sum := make([]float64, len(s.result))
	for i, g := range values(s.cotangent) {
		sum[i] = s.result[i] + float64(g) + float64(s.bias[i%s.Out])
	}
	return sum
}

func scaled(a float64, x []float64) []float64 {
	y := make([]float64, len(x))
	for i := range x {
		y[i] = a * x[i]
	}
	return y
}

// shapes are problems of all kinds: odd and even grids, grids below the reach of
// the filter, all widths of panels.
var shapes = []problem{
	{kernel.Convolution{Size: 3, Step: 1, In: 16, Out: 16}, 1, 8, 8},
	{kernel.Convolution{Size: 3, Step: 1, In: 48, Out: 32}, 2, 5, 7},
	{kernel.Convolution{Size: 3, Step: 1, In: 32, Out: 80}, 1, 4, 12},
	{kernel.Convolution{Size: 3, Step: 1, In: 112, Out: 48}, 3, 3, 2},
	{kernel.Convolution{Size: 3, Step: 1, In: 16, Out: 96}, 1, 1, 1},
	{kernel.Convolution{Size: 3, Step: 2, In: 32, Out: 64}, 2, 8, 6},
	{kernel.Convolution{Size: 3, Step: 2, In: 16, Out: 48}, 1, 7, 5},
	{kernel.Convolution{Size: 3, Step: 2, In: 32, Out: 16}, 1, 1, 2},
	{kernel.Convolution{Size: 5, Step: 1, In: 16, Out: 32}, 1, 9, 4},
	{kernel.Convolution{Size: 5, Step: 1, In: 32, Out: 16}, 2, 3, 2},
	{kernel.Convolution{Size: 5, Step: 2, In: 16, Out: 16}, 1, 6, 9},
	{kernel.Convolution{Size: 1, Step: 1, In: 96, Out: 48}, 2, 3, 5},
	{kernel.Convolution{Size: 1, Step: 2, In: 16, Out: 32}, 1, 4, 5},
	{kernel.Convolution{Size: 7, Step: 1, In: 16, Out: 16}, 1, 4, 3},
}

func TestConvolutionAgreesWithFloat64(t *testing.T) {
	for _, p := range shapes {
		for _, p.Padding = range []kernel.Padding{kernel.Circular, kernel.Zeros} {
			s := solve(rand.New(rand.NewPCG(1, 2)), p)
			for _, s.Algorithm = range []kernel.Algorithm{kernel.Direct, kernel.Auto} {
				eachLevel(t, s.check)
			}
		}
	}
}

// Packed filters of so many channels bypass the caches.
func TestManyChannelsAgreeWithFloat64(t *testing.T) {
	s := solve(rand.New(rand.NewPCG(1, 3)), problem{kernel.Convolution{Size: 3, Step: 1, In: 352, Out: 336}, 1, 5, 6})
	eachLevel(t, s.check)
}

// A grid, a batch and channels are drawn from the fuzzer's bytes.
func FuzzConvolution(f *testing.F) {
	f.Add(uint64(1), uint8(1), uint8(0), uint16(0x0811), uint8(1), uint16(0x0808), uint8(0))
	f.Add(uint64(2), uint8(1), uint8(1), uint16(0x0503), uint8(2), uint16(0x0907), uint8(1))
	f.Add(uint64(3), uint8(2), uint8(0), uint16(0x0203), uint8(1), uint16(0x0502), uint8(2))
	f.Add(uint64(4), uint8(0), uint8(1), uint16(0x0107), uint8(3), uint16(0x0104), uint8(3))
	f.Add(uint64(5), uint8(1), uint8(0), uint16(0x0602), uint8(5), uint16(0x0b0a), uint8(4))
	f.Fuzz(func(t *testing.T, seed uint64, half, step uint8, channels uint16, batch uint8, grid uint16, options uint8) {
		p := problem{kernel.Convolution{
			Size: 1 + 2*int(half%3), Step: 1 + int(step%2),
			In:        kernel.ChannelUnit * (1 + int(channels>>8)%5),
			Out:       kernel.ChannelUnit * (1 + int(channels)%5),
			Padding:   kernel.Padding(options % 2),
			Algorithm: kernel.Algorithm(options / 2 % 2),
		}, 1 + int(batch%3), 1 + int(grid>>8)%10, 1 + int(grid)%10}
		s := solve(rand.New(rand.NewPCG(seed, 9)), p)
		before := kernel.Level()
		defer kernel.Use(before)
		for _, level := range levels() {
			kernel.Use(level)
			s.check(t)
		}
	})
}

func dot(x, y []float32) (sum float64) {
	for i := range x {
		sum += float64(x[i]) * float64(y[i])
	}
	return sum
}

// <J v, w> = <v, J' w> for the source and for the weights, on shapes of networks.
func TestPullbacksAreAdjoint(t *testing.T) {
	shapes := []problem{
		{kernel.Convolution{Size: 3, Step: 1, In: 48, Out: 32}, 2, 40, 53},   // two runs of tiles
		{kernel.Convolution{Size: 3, Step: 1, In: 144, Out: 128}, 1, 45, 47}, // two groups of tiles
		{kernel.Convolution{Size: 3, Step: 1, In: 32, Out: 48, Padding: kernel.Zeros}, 3, 30, 41},
		{kernel.Convolution{Size: 3, Step: 2, In: 48, Out: 96}, 2, 18, 32},
		{kernel.Convolution{Size: 5, Step: 1, In: 32, Out: 32, Padding: kernel.Zeros}, 2, 17, 20},
	}
	eachLevel(t, func(t *testing.T) {
		for _, p := range shapes {
			c := p.call(1)
			c.v.Forward(c.result, c.source, c.f, kernel.Extra{})
			c.pullInput()
			c.pullWeights()
			left := dot(c.result.Data, c.cotangent.Data)
			size := math.Sqrt(dot(c.result.Data, c.result.Data) * dot(c.cotangent.Data, c.cotangent.Data))
			for name, right := range map[string]float64{
				"source": dot(c.source.Data, c.pull.Data), "weights": dot(c.weight, c.dw),
			} {
				if d := math.Abs(left-right) / size; !(d < 1e-6) {
					t.Errorf("%+v: %s is %.2g of the norms away", p, name, d)
				}
			}
		}
	})
}

// The documented bounds of the error, with sources of N(0,1) and weights that keep
// their size.
func TestErrorsOfTheAlgorithmsAreBounded(t *testing.T) {
	for _, channels := range []int{32, 96, 192} {
		p := problem{kernel.Convolution{Size: 3, Step: 1, In: channels, Out: 32}, 1, 8, 12}
		s := solve(rand.New(rand.NewPCG(3, 4)), p)
		for algorithm, bound := range map[kernel.Algorithm]float64{kernel.Direct: 1e-6, kernel.Winograd: 3e-6} {
			s.Algorithm = algorithm
			eachLevel(t, func(t *testing.T) {
				v, _ := s.convolver(1)
				f := kernel.NewFilter(s.Convolution)
				f.Pack(s.weight)
				result := kernel.NewImage(s.batch, s.height, s.width, s.Out)
				v.Forward(result, s.source, f, kernel.Extra{})
				var most float64
				for i, y := range result.Data {
					most = max(most, math.Abs(float64(y)-s.result[i])/math.Sqrt(9*float64(channels)))
				}
				d := distance(result.Data, s.result)
				t.Logf("%d channels, algorithm %d: relative error %.2g, largest %.2g", channels, algorithm, d, most)
				if !(d < bound) || !(most < 10*bound) {
					t.Errorf("%d channels, algorithm %d: relative error %.2g, largest %.2g", channels, algorithm, d, most)
				}
			})
		}
	}
}

// What a convolver computes is the same bits for any number of workers and of
// processors, and for an image the same in any batch.
func TestConvolutionIsTheSameBytesOnAnyNumberOfCores(t *testing.T) {
	shapes := []problem{
		{kernel.Convolution{Size: 3, Step: 1, In: 48, Out: 64}, 3, 33, 32},  // blocks and runs
		{kernel.Convolution{Size: 3, Step: 1, In: 144, Out: 128}, 1, 9, 10}, // phases and columns
		{kernel.Convolution{Size: 3, Step: 2, In: 48, Out: 64}, 3, 14, 9},
	}
	eachLevel(t, func(t *testing.T) {
		for _, p := range shapes {
			p.checkBytes(t)
		}
	})
	// Two groups, on the level in use: the portable one is slow.
	problem{kernel.Convolution{Size: 3, Step: 1, In: 144, Out: 128}, 1, 45, 47}.checkBytes(t)
}

// checkBytes compares what some numbers of processors compute.
func (p problem) checkBytes(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var want [][]float32
	for _, n := range []int{1, 2, 3} {
		runtime.GOMAXPROCS(n)
		c := p.call(n)
		c.forward()
		c.pullInput()
		c.pullWeights()
		got := [][]float32{c.result.Data, c.pull.Data, c.dw, c.dbias}
		if want == nil {
			want = got
		}
		for i := range got {
			if !slices.Equal(got[i], want[i]) {
				t.Errorf("%+v: result %d differs on %d processors", p, i, n)
			}
		}
	}
}

func TestImageIsTheSameInAnyBatch(t *testing.T) {
	for _, c := range []kernel.Convolution{
		{Size: 3, Step: 1, In: 48, Out: 64}, {Size: 3, Step: 1, In: 208, Out: 48}, {Size: 3, Step: 2, In: 48, Out: 32},
	} {
		p := problem{c, 7, 17, 12}
		eachLevel(t, func(t *testing.T) {
			all := p.call(1)
			all.forward()
			all.pullInput()
			one := problem{p.Convolution, 1, p.height, p.width}.call(1)
			for n := range p.batch {
				copy(one.source.Data, all.source.Data[n*len(one.source.Data):])
				copy(one.cotangent.Data, all.cotangent.Data[n*len(one.cotangent.Data):])
				one.forward()
				one.pullInput()
				if !slices.Equal(one.result.Data, all.result.Data[n*len(one.result.Data):][:len(one.result.Data)]) ||
					!slices.Equal(one.pull.Data, all.pull.Data[n*len(one.pull.Data):][:len(one.pull.Data)]) {
					t.Fatalf("%+v: image %d differs", p, n)
				}
			}
		})
	}
}

// Levels agree to rounding: the portable twins are what the assembly computes.
func TestLevelsOfConvolutionAgree(t *testing.T) {
	for _, algorithm := range []kernel.Algorithm{kernel.Direct, kernel.Winograd} {
		p := problem{kernel.Convolution{Size: 3, Step: 1, In: 80, Out: 112, Algorithm: algorithm}, 1, 11, 14}
		var want [][]float32
		eachLevel(t, func(t *testing.T) {
			c := p.call(1)
			c.forward()
			c.pullInput()
			c.pullWeights()
			got := [][]float32{c.result.Data, c.pull.Data, c.dw, c.dbias}
			if want == nil {
				want = got
			}
			for i := range got {
				other := make([]float64, len(got[i]))
				for k, x := range want[i] {
					other[k] = float64(x)
				}
				if d := distance(got[i], other); !(d < 2e-6) {
					t.Errorf("algorithm %d, result %d: %.2g away from portable code", algorithm, i, d)
				}
			}
		})
	}
}

func TestConvolutionsDoNotAllocate(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	eachLevel(t, func(t *testing.T) {
		for _, c := range []kernel.Convolution{{Size: 3, Step: 1, In: 16, Out: 48}, {Size: 3, Step: 2, In: 16, Out: 32}} {
			c := problem{c, 1, 9, 8}.call(2)
			for name, step := range map[string]func(){
				"pack": c.pack, "forward": c.forward, "pullback": c.pullInput, "gradient": c.pullWeights,
			} {
				if n := testing.AllocsPerRun(10, step); n != 0 {
					t.Errorf("%+v: %s makes %g allocations", c.v.Convolution, name, n)
				}
			}
		}
	})
}

func TestConvolutionMistakesPanic(t *testing.T) {
	c := kernel.Convolution{Size: 3, Step: 1, In: 16, Out: 32}
	image := func(channels int) kernel.Image { return kernel.NewImage(1, 4, 4, channels) }
	short := image(16)
	short.Data = short.Data[1:]
	narrow := image(32)
	narrow.Channels, narrow.Stride = 24, 24
	v := kernel.NewConvolver(c, 1, 4, 4)
	f := kernel.NewFilter(c)
	other := kernel.NewFilter(kernel.Convolution{Size: 3, Step: 1, In: 32, Out: 32})
	unbound := kernel.NewConvolver(c, 1, 4, 4)
	weight := make([]float32, c.WeightSize())
	f.Pack(weight)
	v.Bind(kernel.Slab(v.WorkspaceSize(1)), 1)
	for name, call := range map[string]func(){
		"even size": func() { kernel.NewFilter(kernel.Convolution{Size: 2, Step: 1, In: 16, Out: 16}) },
		"step":      func() { kernel.NewFilter(kernel.Convolution{Size: 3, Step: 3, In: 16, Out: 16}) },
		"channels":  func() { kernel.NewFilter(kernel.Convolution{Size: 3, Step: 1, In: 8, Out: 16}) },
		"algorithm": func() {
			kernel.NewFilter(kernel.Convolution{Size: 5, Step: 1, In: 16, Out: 16, Algorithm: kernel.Winograd})
		},
		"no images":       func() { kernel.NewConvolver(c, 0, 4, 4) },
		"workspace":       func() { v.Bind(make([]float32, v.WorkspaceSize(2)-1), 2) },
		"no workspace":    func() { unbound.Forward(image(32), image(16), f, kernel.Extra{}) },
		"weights":         func() { f.Pack(weight[1:]) },
		"not packed":      func() { v.PullInput(image(16), image(32), f, kernel.Extra{}) },
		"other filter":    func() { v.Forward(image(32), image(16), other, kernel.Extra{}) },
		"source":          func() { v.Forward(image(32), image(32), f, kernel.Extra{}) },
		"result":          func() { v.Forward(image(16), image(16), f, kernel.Extra{}) },
		"short":           func() { v.Forward(image(32), short, f, kernel.Extra{}) },
		"image channels":  func() { v.Forward(narrow, image(16), f, kernel.Extra{}) },
		"bias":            func() { v.Forward(image(32), image(16), f, kernel.Extra{Bias: make([]float32, 31)}) },
		"addend":          func() { v.Forward(image(32), image(16), f, kernel.Extra{Add: image(16)}) },
		"gradient":        func() { v.PullWeights(weight[1:], nil, image(16), image(32)) },
		"part":            func() { image(32).Part(16, 32) },
		"overlapping":     func() { m := image(32); m.Stride = 16; v.Forward(m, image(16), f, kernel.Extra{}) },
		"image of no row": func() { v.Forward(kernel.Image{}, image(16), f, kernel.Extra{}) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if reason, ok := recover().(string); !ok || !strings.HasPrefix(reason, "kernel: ") {
					t.Errorf("recovered %v", reason)
				}
			}()
			call()
		})
	}
}

// The part of a wider image is convolved as if it stood alone.
func TestPartsOfAnImageAreImages(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	c := kernel.Convolution{Size: 3, Step: 1, In: 32, Out: 16}
	wide := kernel.NewImage(1, 5, 6, 64)
	copy(wide.Data, normal(r, len(wide.Data)))
	part := kernel.NewImage(1, 5, 6, 32)
	for i := range 30 {
		copy(row(part, i), row(wide, i)[16:])
	}
	v := kernel.NewConvolver(c, 1, 5, 6)
	v.Bind(kernel.Slab(v.WorkspaceSize(1)), 1)
	f := kernel.NewFilter(c)
	f.Pack(normal(r, c.WeightSize()))
	alone, within := kernel.NewImage(1, 5, 6, 16), kernel.NewImage(1, 5, 6, 48)
	v.Forward(alone, part, f, kernel.Extra{})
	v.Forward(within.Part(16, 16), wide.Part(16, 32), f, kernel.Extra{})
	if !slices.Equal(values(within.Part(16, 16)), alone.Data) {
		t.Error("the convolution of a part differs")
	}
	for _, first := range []int{0, 32} {
		if slices.ContainsFunc(values(within.Part(first, 16)), func(x float32) bool { return x != 0 }) {
			t.Error("channels outside the part were written")
		}
	}
}
