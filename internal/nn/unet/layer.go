package unet

import (
	"math"
	"math/rand/v2"

	"retrace/internal/kernel"
)

// A layer is a linear map, with a bias, of the channels near a pixel, and its
// place in the slab: weights in the order (rows of the kernel, columns, in, out),
// both channels padded to the pitch of the engine, and after them the bias. This
// is the order of the kernels, so that a training step does not have to change it.
//
//	y[o, p] = b[o] + sum_c sum_d W[d, c, o] x[c, step p + d - taps/2]
//
// A layer in time is the same over the frames of a trajectory, with zeros beyond
// them, at every pixel on its own.
type layer[T float] struct {
	name    string // in PyTorch
	shape   []int  // of the weight in PyTorch, (out, in, taps...)
	in, out int
	form
	inPitch, outPitch int
	offset            int

	filters []*kernel.Filter // of the kernels
}

// form is what is near.
type form struct {
	taps, step Grid
	padding    kernel.Padding
	inTime     bool // taps.Rows frames instead of pixels
}

// pointwise is the form of a linear map of every pixel.
var pointwise = form{taps: Grid{1, 1}, step: Grid{1, 1}}

func (l *layer[T]) weightSize() int { return l.taps.pixels() * l.inPitch * l.outPitch }

func (l *layer[T]) size() int { return l.weightSize() + l.outPitch }

func (l *layer[T]) weight(slab []T) []T {
	return slab[l.offset:][:l.weightSize():l.weightSize()]
}

func (l *layer[T]) bias(slab []T) []T {
	return slab[l.offset+l.weightSize():][:l.outPitch:l.outPitch]
}

// result is the grid of the result for that of the argument.
func (l *layer[T]) result(g Grid) Grid {
	return Grid{(g.Rows + l.step.Rows - 1) / l.step.Rows, (g.Columns + l.step.Columns - 1) / l.step.Columns}
}

// each visits the weights in PyTorch's order, (out, in, rows, columns).
func (l *layer[T]) each(slab []T, visit func(w *T)) {
	weight := l.weight(slab)
	for o := range l.out {
		for i := range l.in {
			for tap := range l.taps.pixels() {
				visit(&weight[(tap*l.inPitch+i)*l.outPitch+o])
			}
		}
	}
}

// init draws weights and bias from the uniform law on +-1/sqrt(fan-in).
func (l *layer[T]) init(slab []T, r *rand.Rand) {
	bound := 1 / math.Sqrt(float64(l.in*l.taps.pixels()))
	draw := func(w *T) { *w = T(bound * (2*r.Float64() - 1)) }
	l.each(slab, draw)
	for o := range l.out {
		draw(&l.bias(slab)[o])
	}
}
