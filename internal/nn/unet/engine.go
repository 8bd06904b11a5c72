package unet

import "retrace/internal/nn"

// An engine does the arithmetic of a workspace: linear layers, and what works on
// every pixel. Everything else, the order of the layers and of their pullbacks,
// is written once for all engines. The engine of this package is kernels, in
// float32; the tests have one of plain loops in float64.
//
// Images of the arguments of a method correspond to each other. Results do not
// overlap arguments unless it is said.
type engine[T float] interface {
	// pitch is the distance between pixels of so many channels.
	pitch(channels int) int
	// slab allocates zeros.
	slab(n int) []T
	// pack prepares the filters of a layer from its weights.
	pack(l *layer[T], weight []T)
	// prepare is told of every layer and an argument that it will see, which may be
	// without data, and ready when there are no more.
	prepare(l *layer[T], x tensor[T])
	ready()

	// apply computes y = l x + e.
	apply(l *layer[T], y, x tensor[T], e extra[T])
	// pull computes gx = l' gy + more, l' being the transpose of l. more may be gx,
	// or without data for none.
	pull(l *layer[T], gx, gy, more tensor[T])
	// gradient adds the gradients of the weights and the bias of a layer to grad,
	// which has the layout of the slab.
	gradient(l *layer[T], grad []T, x, gy tensor[T])

	// normalise computes y = scale (x + shift - mean) of every pixel, with
	// scale = 1/sqrt(variance + kernel.Epsilon) over its channels, unbiased.
	normalise(y tensor[T], scale []T, x tensor[T], s shift[T])
	// pullNormalise overwrites g, a cotangent of y, by that of x, which it also
	// adds to sum. The Jacobian is symmetric, so this is the tangent map, too.
	pullNormalise(sum, g tensor[T], scale []T, y tensor[T])
	// addShift adds the sum of the pixels of every image to its row of the shift.
	addShift(s shift[T], g tensor[T])
	// activate computes y = f(x); y may be x.
	activate(y, x tensor[T], f nn.Activation)
	// pullActivate computes g = g f'(x).
	pullActivate(g, x tensor[T], f nn.Activation)
	// spread writes every pixel of x to step.Rows x step.Columns pixels of y.
	spread(y, x tensor[T], step Grid)
	// gather sums step.Rows x step.Columns pixels of gy: the transpose of spread.
	gather(gx, gy tensor[T], step Grid)
}

// extra is what is added to the result of a layer: a bias, if it is not nil, and
// a tensor, which may be the result, if it has data.
type extra[T float] struct {
	bias []T
	more tensor[T]
}

// A shift is a row of channels for every span images, the first of which is the
// image first of those that the shift is for; its tensor has one image, whose
// columns are the rows.
type shift[T float] struct {
	tensor[T]
	first, span int
}

// at is the row of an image.
func (s shift[T]) at(image int) []T { return s.row((s.first + image) / s.span) }

// from is the shift of the images from the given one on.
func (s shift[T]) from(image int) shift[T] {
	s.first += image
	return s
}
