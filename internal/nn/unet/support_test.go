package unet

import (
	"math"
	"math/rand/v2"
	"testing"

	"retrace/internal/kernel"
	"retrace/internal/nn"
)

// A sample is a network and a size of batch that it is tried on.
type sample struct {
	name  string
	shape Shape
	size  Size
}

func activation(name string) nn.Activation {
	f, ok := nn.ActivationNamed(name)
	if !ok {
		panic("no activation " + name)
	}
	return f
}

// samples are networks of all kinds, with widths that need padding and not, odd
// grids and batches.
var samples = []sample{
	{"master", Shape{In: 3, Out: 3, Embedding: 6, Spatial: 2, Levels: []Level{{5, 1}, {7, 2}}, Kernel: Grid{3, 3}, Step: Grid{2, 2}},
		Size{Batch: 2, Frames: 1, Grid: Grid{4, 6}}},
	{"context, zeros, three levels", Shape{In: 2, Out: 1, Context: 2, Embedding: 3, Spatial: 2, Levels: []Level{{7, 1}, {9, 0}, {6, 1}}, Kernel: Grid{5, 5}, Step: Grid{2, 2}, Padding: kernel.Zeros, Function: activation("GELU")},
		Size{Batch: 3, Frames: 1, Grid: Grid{8, 4}}},
	{"frames", Shape{In: 2, Out: 2, Embedding: 4, Spatial: 2, Levels: []Level{{6, 1}, {8, 1}, {7, 1}}, Kernel: Grid{3, 3}, Step: Grid{2, 2}, Expansion: 2, Time: 3, Function: activation("Tanh")},
		Size{Batch: 2, Frames: 3, Grid: Grid{4, 4}}},
	{"one frame, five taps in time", Shape{In: 1, Out: 2, Embedding: 2, Spatial: 2, Levels: []Level{{6, 1}, {8, 1}}, Kernel: Grid{3, 3}, Step: Grid{2, 2}, Expansion: 4, Time: 5},
		Size{Batch: 1, Frames: 1, Grid: Grid{2, 2}}},
	{"sequence", Shape{In: 3, Out: 3, Embedding: 4, Spatial: 1, Levels: []Level{{9, 2}, {7, 1}}, Kernel: Grid{1, 3}, Step: Grid{1, 2}, Padding: kernel.Zeros},
		Size{Batch: 3, Frames: 1, Grid: Grid{1, 6}, ChannelsLast: true}},
	{"periodic sequence, step 3", Shape{In: 1, Out: 1, Embedding: 2, Spatial: 1, Levels: []Level{{8, 1}, {6, 1}}, Kernel: Grid{1, 5}, Step: Grid{1, 3}},
		Size{Batch: 2, Frames: 1, Grid: Grid{1, 9}}},
	{"concatenated, steps and kernels that differ", Shape{In: 2, Out: 2, Embedding: 3, Spatial: 2, Levels: []Level{{7, 1}, {6, 1}}, Kernel: Grid{1, 3}, Step: Grid{1, 2}, Concatenate: true},
		Size{Batch: 2, Frames: 1, Grid: Grid{3, 4}}},
	{"one level", Shape{In: 16, Out: 16, Embedding: 16, Spatial: 2, Levels: []Level{{16, 1}}, Kernel: Grid{3, 3}, Step: Grid{2, 2}},
		Size{Batch: 1, Frames: 1, Grid: Grid{5, 3}}},
}

// A bench is a network in an engine with random parameters, an argument and a
// cotangent.
type bench[T float] struct {
	*workspace[T]
	times    []float32
	in, gout []T
}

// newBench makes both engines the same network, and the same arguments: the draws
// do not depend on the type. shared makes all trajectories share their time.
func newBench[T float](e engine[T], s sample, shared bool) *bench[T] {
	n := newNetwork(s.shape, e)
	n.allocate()
	r := rand.New(rand.NewPCG(3, uint64(len(n.layers))))
	n.init(r)
	n.refresh()
	b := &bench[T]{workspace: newWorkspace(n, e, s.size)}
	b.allocate()
	for i := range s.size.Batch {
		if t := r.Float32(); i == 0 || !shared {
			b.times = append(b.times, t)
		}
	}
	draw := func(n int) []T {
		x := make([]T, n)
		for i := range x {
			x[i] = T(float32(r.NormFloat64()))
		}
		return x
	}
	b.in, b.gout = draw(b.input.rows()*b.input.channels), draw(b.output.rows()*b.output.channels)
	return b
}

// relay lays the workspace out again under one of the rules of what is kept.
func (b *bench[T]) relay(keep bool) {
	b.keep = keep
	counter := &arena[T]{engine: b.engine}
	b.lay(counter)
	b.used = counter.used
	b.allocate()
}

// set copies values, channels last, to a tensor.
func set[T float](t tensor[T], values []T) {
	for p := range t.rows() {
		copy(t.row(p)[:t.channels], values[p*t.channels:])
	}
}

// get returns the values of a tensor, channels last.
func get[T float](t tensor[T]) []T {
	var values []T
	for p := range t.rows() {
		values = append(values, t.row(p)[:t.channels]...)
	}
	return values
}

func (b *bench[T]) run() []T {
	set(b.input, b.in)
	b.forward(b.times)
	return get(b.output)
}

// pullback returns the gradients of input and parameters.
func (b *bench[T]) pullback() (gin, grad []T) {
	b.run()
	grad = make([]T, len(b.net.slab))
	set(b.output, b.gout)
	b.pull(grad, true)
	return get(b.gradInput), grad
}

func (b *bench[T]) tangent(along []T) []T {
	b.run()
	clear(b.gradInput.data)
	set(b.gradInput, along)
	b.push()
	return get(b.output)
}

func newPlain(s sample) engine[float64] {
	return plain{s.size.Frames, map[*layer[float64]][]float64{}}
}

func newReal(s sample) engine[float32] { return newKernels(s.size.Frames) }

func dot[S, T float](a []S, b []T) float64 {
	var sum float64
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

func norm[T float](x []T) float64 { return math.Sqrt(dot(x, x)) }

// away is the distance of two vectors relative to the norm of the second.
func away[S, T float](got []S, want []T) float64 {
	var sum float64
	for i := range want {
		d := float64(got[i]) - float64(want[i])
		sum += d * d
	}
	return math.Sqrt(sum) / max(norm(want), 1e-30)
}

// eachSample runs a test on every sample.
func eachSample(t *testing.T, test func(t *testing.T, s sample)) {
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) { test(t, s) })
	}
}
