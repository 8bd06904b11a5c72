package unet

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"retrace/internal/kernel"
)

// A layerCase is a layer, one of each kind, and the images that it is tried on.
type layerCase struct {
	in, out int
	form    form
	images  int
	grid    Grid
	frames  int
}

var (
	one, two = Grid{1, 1}, Grid{2, 2}

	layerCases = []layerCase{
		{3, 5, form{taps: Grid{3, 3}, step: one}, 2, Grid{6, 10}, 1},
		{3, 5, form{taps: Grid{3, 3}, step: one, padding: kernel.Zeros}, 1, Grid{5, 7}, 1},
		{33, 2, form{taps: Grid{5, 5}, step: two}, 2, Grid{8, 4}, 1},
		{2, 40, form{taps: Grid{5, 5}, step: two, padding: kernel.Zeros}, 1, Grid{4, 12}, 1},
		{16, 16, form{taps: one, step: two}, 1, Grid{6, 4}, 1},
		{4, 3, form{taps: Grid{3, 3}, step: Grid{3, 3}}, 2, Grid{9, 3}, 1},
		{4, 3, form{taps: Grid{3, 5}, step: Grid{1, 2}, padding: kernel.Zeros}, 2, Grid{3, 6}, 1},
		{2, 3, form{taps: Grid{7, 7}, step: one}, 1, Grid{3, 3}, 1}, // wraps all the way round
		{3, 3, form{taps: Grid{1, 3}, step: one, padding: kernel.Zeros}, 5, Grid{1, 17}, 1},
		{3, 6, form{taps: Grid{1, 5}, step: two, padding: kernel.Zeros}, 2, Grid{1, 18}, 1},
		{3, 6, form{taps: Grid{1, 3}, step: two}, 3, Grid{1, 4}, 1},
		{7, 9, pointwise, 1, Grid{1, 13}, 1},
		{7, 9, form{taps: Grid{3, 1}, step: one, inTime: true}, 8, Grid{2, 3}, 4},
		{5, 4, form{taps: Grid{5, 1}, step: one, inTime: true}, 6, Grid{3, 3}, 2},
	}
)

// A layerBench is a layer alone in an engine, with the same draws in every engine.
type layerBench[T float] struct {
	engine[T]
	layer       *layer[T]
	slab        []T
	x, gx       tensor[T]
	y, gy, more tensor[T]
}

func newLayerBench[T float](e engine[T], c layerCase) *layerBench[T] {
	l := &layer[T]{in: c.in, out: c.out, form: c.form, inPitch: e.pitch(c.in), outPitch: e.pitch(c.out)}
	b := &layerBench[T]{engine: e, layer: l, slab: e.slab(l.size())}
	r := rand.New(rand.NewPCG(1, 2))
	l.init(b.slab, r)
	to := l.result(c.grid)
	draw := func(g Grid, channels int) tensor[T] {
		t := tensor[T]{images: c.images, Grid: g, channels: channels, pitch: e.pitch(channels)}
		t.data = e.slab(t.rows() * t.pitch)
		for p := range t.rows() {
			for i := range channels {
				t.row(p)[i] = T(float32(r.NormFloat64()))
			}
		}
		return t
	}
	b.x, b.gx, b.y, b.gy, b.more = draw(c.grid, c.in), draw(c.grid, c.in), draw(to, c.out), draw(to, c.out), draw(to, c.out)
	e.prepare(l, b.x)
	e.ready()
	return b
}

func (b *layerBench[T]) run() []T {
	b.pack(b.layer, b.layer.weight(b.slab))
	b.apply(b.layer, b.y, b.x, extra[T]{b.layer.bias(b.slab), b.more})
	return get(b.y)
}

// all runs everything that the engine does with a layer: the result, the cotangent
// of the argument, added to what is there, and the gradient of the parameters.
func (b *layerBench[T]) all() (y, gx, grad []T) {
	y = b.run()
	b.engine.pull(b.layer, b.gx, b.gy, b.gx)
	g := b.engine.slab(len(b.slab))
	b.gradient(b.layer, g, b.x, b.gy)
	return y, get(b.gx), parameters(b.layer, g)
}

func eachLayer(t *testing.T, test func(t *testing.T, c layerCase)) {
	for _, c := range layerCases {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) { test(t, c) })
	}
}

// In float64 the pullback of every layer is the slope of its result.
func TestLayersArePulledBackAlongTheirSlope(t *testing.T) {
	eachLayer(t, func(t *testing.T, c layerCase) {
		b := newLayerBench(engine[float64](plain{c.frames, map[*layer[float64]][]float64{}}), c)
		clear(b.gx.data)
		_, gx, _ := b.all()
		grad := make([]float64, len(b.slab))
		b.gradient(b.layer, grad, b.x, b.gy)
		result := func() float64 { return dot(get(b.gy), b.run()) }
		r := rand.New(rand.NewPCG(3, 4))
		check := func(name string, x, g []float64) {
			along := normals(r, len(x))
			if got, want := dot(g, along), slope(x, along, result); !(math.Abs(got-want) < 1e-6*norm(g)) {
				t.Errorf("the slope of %s is %v, by differences %v", name, got, want)
			}
		}
		check("the argument", b.x.data, gx)
		check("the parameters", b.slab, grad)
	})
}

func TestLayersOnKernelsAgreeWithPlainLoops(t *testing.T) {
	before := kernel.Level()
	defer kernel.Use(before)
	for _, level := range []string{kernel.Generic, kernel.AVX2, kernel.AVX512} {
		if kernel.Use(level) != nil {
			continue
		}
		eachLayer(t, func(t *testing.T, c layerCase) {
			want := newLayerBench(engine[float64](plain{c.frames, map[*layer[float64]][]float64{}}), c)
			got := newLayerBench(engine[float32](newKernels(c.frames)), c)
			y, gx, grad := got.all()
			wantY, wantX, wantGrad := want.all()
			for _, d := range []struct {
				name string
				away float64
			}{{"result", away(y, wantY)}, {"cotangent", away(gx, wantX)}, {"gradient", away(grad, wantGrad)}} {
				if !(d.away < 2e-6) {
					t.Errorf("%s: the %s is %.2g away", level, d.name, d.away)
				}
			}
		})
	}
}

// LN, f and nearest interpolation, each alone and in float64.
func TestPixelwisePullbacksAreTheSlope(t *testing.T) {
	e := plain{}
	const images, channels = 2, 5
	draw := func(g Grid, seed uint64) tensor[float64] {
		t := tensor[float64]{images: images, Grid: g, channels: channels, pitch: channels}
		t.data = normals(rand.New(rand.NewPCG(seed, 1)), t.rows()*channels)
		return t
	}
	small, wide := Grid{2, 3}, Grid{4, 9}
	x, y, g := draw(small, 1), draw(small, 2), draw(small, 3)
	wideY, wideG := draw(wide, 4), draw(wide, 5)
	vectors := tensor[float64]{images: 1, Grid: Grid{1, images}, channels: channels, pitch: channels, data: normals(rand.New(rand.NewPCG(6, 1)), images*channels)}
	s := shift[float64]{tensor: vectors, span: 1}
	scale := make([]float64, x.rows())
	step := Grid{2, 3}
	zero := func(t tensor[float64]) tensor[float64] { t.data = make([]float64, len(t.data)); return t }
	check := func(name string, x, gx []float64, f func() float64) {
		t.Helper()
		along := normals(rand.New(rand.NewPCG(7, 1)), len(x))
		if got, want := dot(gx, along), slope(x, along, f); !(math.Abs(got-want) < 1e-6*norm(gx)) {
			t.Errorf("the slope of %s is %v, by differences %v", name, got, want)
		}
	}

	normalised := func() float64 { e.normalise(y, scale, x, s); return dot(g.data, y.data) }
	normalised()
	pulled, sum, gradShift := zero(x), zero(x), s
	copy(pulled.data, g.data)
	e.pullNormalise(sum, pulled, scale, y)
	gradShift.tensor = zero(vectors)
	e.addShift(gradShift, pulled)
	check("LN", x.data, sum.data, normalised)
	check("the shift", vectors.data, gradShift.data, normalised)

	for _, name := range []string{"SiLU", "GELU", "Tanh", "ELU"} {
		pulled = zero(x)
		copy(pulled.data, g.data)
		e.pullActivate(pulled, x, activation(name))
		check(name, x.data, pulled.data, func() float64 { e.activate(y, x, activation(name)); return dot(g.data, y.data) })
	}

	e.gather(pulled, wideG, step)
	check("interpolation", x.data, pulled.data, func() float64 { e.spread(wideY, x, step); return dot(wideG.data, wideY.data) })
}
