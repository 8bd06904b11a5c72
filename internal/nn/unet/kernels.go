package unet

import (
	"runtime"

	"retrace/internal/kernel"
)

// kernels is the engine in float32: every linear layer is a kernel.Convolution,
// and work on pixels is cut into pieces of whole pixels.
//
// A convolution whose kernel is not square is one with a square kernel and zeros
// around its own; a step that kernel.Convolution does not have is one of step 1,
// some of whose pixels are left out; a layer in time is a sum of linear maps of
// whole frames, one for each tap. These detours serve networks along time and
// imported ones; the usual network takes none.
type kernels struct {
	frames     int // of a trajectory
	convolvers map[problem]*kernel.Convolver
	full       map[stepped]tensor[float32] // results of step 1
	square     []float32                   // a square kernel or its gradient
	*pixelwise
}

// problem is what a convolver is made for, and stepped what a result of step 1.
type (
	problem struct {
		kernel.Convolution
		batch, height, width int
	}
	stepped struct {
		Grid
		images, channels int
	}
)

func newKernels(frames int) *kernels {
	return &kernels{
		frames: frames, convolvers: map[problem]*kernel.Convolver{}, full: map[stepped]tensor[float32]{},
		pixelwise: newPixelwise(),
	}
}

func (k *kernels) pitch(channels int) int { return kernel.RoundUp(channels, kernel.ChannelUnit) }

func (k *kernels) slab(n int) []float32 { return kernel.Slab(n) }

// image views a tensor as the kernels do.
func image(t tensor[float32]) kernel.Image {
	return kernel.Image{Data: t.data, Batch: t.images, Height: t.Rows, Width: t.Columns, Channels: t.pitch, Stride: t.pitch}
}

// added is what a convolution adds to its result.
func added(e extra[float32]) kernel.Extra {
	if e.more.data == nil {
		return kernel.Extra{Bias: e.bias}
	}
	return kernel.Extra{Bias: e.bias, Add: image(e.more)}
}

// side is the width of the smallest square around the taps.
func (l *layer[T]) side() int {
	if l.inTime {
		return 1
	}
	return max(l.taps.Rows, l.taps.Columns)
}

// isSquare tells whether the weights are those of a square kernel.
func (l *layer[T]) isSquare() bool { return l.taps.Rows == l.taps.Columns }

// skips tells whether the step takes a detour.
func (l *layer[T]) skips() bool { return l.step.Columns > 2 || l.step.Rows != l.step.Columns }

// convolution is that of the kernels.
func (l *layer[T]) convolution() kernel.Convolution {
	c := kernel.Convolution{Size: l.side(), Step: l.step.Columns, In: l.inPitch, Out: l.outPitch, Padding: l.padding}
	if l.skips() {
		c.Step = 1
	}
	if !l.isSquare() {
		// Winograd's algorithm would mix sequences, if by rounding errors only.
		c.Algorithm = kernel.Direct
	}
	return c
}

// tap is the part of the weights that belongs to a tap in time.
func (l *layer[T]) tap(weight []T, i int) []T {
	size := l.inPitch * l.outPitch
	return weight[i*size:][:size]
}

// pack makes a filter, or one a tap in time.
func (k *kernels) pack(l *layer[float32], weight []float32) {
	c, count := l.convolution(), 1
	if l.inTime {
		count = l.taps.Rows
	}
	for len(l.filters) < count {
		l.filters = append(l.filters, kernel.NewFilter(c))
	}
	for i, f := range l.filters {
		part := weight
		if l.inTime {
			part = l.tap(weight, i)
		} else if !l.isSquare() {
			part = k.squared(c.WeightSize())
			l.rows(part, weight, func(square, own []float32) { copy(square, own) })
		}
		f.Pack(part)
		f.PackPull(part)
	}
}

// prepare makes the convolvers that a layer needs for its argument.
func (k *kernels) prepare(l *layer[float32], x tensor[float32]) {
	c := l.convolution()
	if l.inTime {
		for away := range min(l.taps.Rows/2+1, k.frames) {
			k.convolver(c, span(x, 0, k.frames-away))
		}
		return
	}
	k.convolver(c, x)
	if l.skips() {
		t := tensor[float32]{images: x.images, Grid: x.Grid, channels: l.out, pitch: l.outPitch}
		key := stepped{t.Grid, t.images, t.pitch}
		if k.full[key].data == nil {
			t.data = kernel.Slab(t.rows() * t.pitch)
			k.full[key] = t
		}
	}
	if !l.isSquare() {
		k.squared(c.WeightSize())
	}
}

// convolver is the one for an argument.
func (k *kernels) convolver(c kernel.Convolution, x tensor[float32]) *kernel.Convolver {
	key := problem{c, x.images, x.Rows, x.Columns}
	v := k.convolvers[key]
	if v == nil {
		v = kernel.NewConvolver(c, x.images, x.Rows, x.Columns)
		k.convolvers[key] = v
	}
	return v
}

// scratchSize is the number of values that the convolvers need.
func (k *kernels) scratchSize() int {
	size := 0
	for _, v := range k.convolvers {
		size = max(size, v.WorkspaceSize(runtime.GOMAXPROCS(0)))
	}
	return size
}

// ready gives all convolvers the same scratch space: they take turns.
func (k *kernels) ready() {
	scratch := kernel.Slab(k.scratchSize())
	for _, v := range k.convolvers {
		v.Bind(scratch, runtime.GOMAXPROCS(0))
	}
}

// steps is the result of a layer on x before pixels are left out.
func (k *kernels) steps(l *layer[float32], x tensor[float32]) tensor[float32] {
	return k.full[stepped{x.Grid, x.images, l.outPitch}]
}

func (k *kernels) apply(l *layer[float32], y, x tensor[float32], e extra[float32]) {
	switch {
	case l.inTime:
		k.applyInTime(l, y, x, e)
	case l.skips():
		full := k.steps(l, x)
		k.convolver(l.convolution(), x).Forward(image(full), image(x), l.filters[0], kernel.Extra{Bias: e.bias})
		leaveOut(y, full, e.more, l.step)
	default:
		k.convolver(l.convolution(), x).Forward(image(y), image(x), l.filters[0], added(e))
	}
}

func (k *kernels) pull(l *layer[float32], gx, gy, more tensor[float32]) {
	if l.inTime {
		k.pullInTime(l, gx, gy, more)
		return
	}
	if l.skips() {
		full := k.steps(l, gx)
		fillUp(full, gy, l.step)
		gy = full
	}
	k.convolver(l.convolution(), gx).PullInput(image(gx), image(gy), l.filters[0], added(extra[float32]{more: more}))
}

func (k *kernels) gradient(l *layer[float32], grad []float32, x, gy tensor[float32]) {
	if l.inTime {
		k.gradientInTime(l, grad, x, gy)
		return
	}
	if l.skips() {
		full := k.steps(l, x)
		fillUp(full, gy, l.step)
		gy = full
	}
	c, weight := l.convolution(), l.weight(grad)
	if !l.isSquare() {
		weight = k.squared(c.WeightSize())
	}
	k.convolver(c, x).PullWeights(weight, l.bias(grad), image(x), image(gy))
	if !l.isSquare() {
		l.rows(weight, l.weight(grad), func(square, own []float32) { kernel.Add(own, square) })
	}
}
