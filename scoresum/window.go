package scoresum

import (
	"math"

	"retrace/internal/kernel"
	"retrace/internal/nn"
)

// noiseRange is the span of noise ratios that networks are trained on; the
// position of log s in it, in [0, 1], is what a network is told of the noise.
const (
	minRatio = 1e-3
	maxRatio = 1e3
)

// noiseTime is the network's time of noise ratio s.
func noiseTime(s float64) float32 {
	t := math.Log(s/minRatio) / math.Log(maxRatio/minRatio)
	return float32(min(max(t, 0), 1))
}

// layout tells how windows are presented to the network: as sequences of
// tokens of patch states each, or, for a multilayer perceptron, as one token
// of the longest window, filled up with zeros, and a mask of what is there.
type layout struct {
	window, dim int // longest window, values of a state
	patch       int // states of a token
	mask        bool
}

// tokens is the number of tokens of a window of length states.
func (l layout) tokens(length int) int { return (length + l.patch - 1) / l.patch }

// width is the number of values of a token.
func (l layout) width() int {
	if l.mask {
		return l.patch*l.dim + l.patch
	}
	return l.patch * l.dim
}

// put spreads rows of length states, stride apart, over network inputs.
func (l layout) put(input, rows []float32, length, stride int) {
	size := l.tokens(length) * l.width()
	n := length * l.dim
	for i, r := 0, 0; r+n <= len(rows) && i+size <= len(input); i, r = i+size, r+stride {
		row := input[i : i+size]
		clear(row[n:])
		copy(row, rows[r:r+n])
		if l.mask {
			present := row[l.patch*l.dim:]
			for j := range length {
				present[j] = 1
			}
		}
	}
}

// take gathers rows, stride apart, from arrays with a row of outputs (a token
// has patch*dim values) or of input gradients (width() values) a window.
func (l layout) take(rows, output []float32, length, stride, tokenWidth int) {
	size := l.tokens(length) * tokenWidth
	n := length * l.dim
	for o, r := 0, 0; o+size <= len(output); o, r = o+size, r+stride {
		row := rows[r : r+stride]
		copy(row[:n], output[o:o+n])
		clear(row[n:])
	}
}

// windows denoises batches of windows of one length. It owns the activations
// and scratch space of one worker.
type windows struct {
	layout
	length  int
	basis   *basis
	packed  *nn.Packed
	network *nn.Workspace
	filters filters
	rows    int     // of the last denoise
	share   float32 // of this chunk in the loss of a training step

	times         []float32 // of the rows in training; the first serves all rows in sampling
	z, w, f       []float32 // coordinates: capacity x padded
	input, output []float32 // of the network
}

// newWindows returns the denoiser of windows of at most longest states; use
// chooses their length.
func newWindows(l layout, longest, capacity int, shape nn.Shape, packed *nn.Packed) *windows {
	tokens := l.tokens(longest)
	padded := capacity * kernel.RoundUp(longest*l.dim, kernel.ColumnUnit)
	return &windows{
		layout: l, packed: packed, network: nn.NewWorkspace(shape, capacity, tokens),
		times: make([]float32, capacity),
		z:     kernel.Slab(padded), w: kernel.Slab(padded), f: kernel.Slab(padded),
		input: kernel.Slab(capacity * tokens * shape.In), output: kernel.Slab(capacity * tokens * shape.Out),
	}
}

// use sets the length of the windows, at most the longest.
func (w *windows) use(length int, b *basis) {
	w.length, w.basis, w.filters = length, b, newFilters(b.padded)
}

// denoise writes the means of windows y = x + s n; mean and y hold rows of
// padded values, of which the first n count.
func (w *windows) denoise(mean, y []float32, s float64) {
	b := w.basis
	w.rows = len(y) / b.padded
	w.filters.at(b.values, s)
	w.times[0] = noiseTime(s)
	z, white := w.z[:len(y)], w.w[:len(y)]
	b.toCoordinates(z, y, w.rows, b.padded)
	scaleRows(white, z, w.filters.white)
	f := w.f[:len(y)]
	b.fromCoordinates(f, white, w.rows)
	in, out := w.arrays()
	w.put(in, f, w.length, b.padded)
	w.network.Forward(w.packed, out, in, w.times[:1], w.rows, w.tokens(w.length))
	w.take(white, out, w.length, b.padded, w.patch*w.dim)
	b.toCoordinates(f, white, w.rows, b.padded)
	combineRows(z, w.filters.skip, z, w.filters.gain, f)
	b.fromCoordinates(mean, z, w.rows)
}

// pull writes J^T v of the last denoise to dst, J being the Jacobian of the
// means with respect to y.
func (w *windows) pull(dst, v []float32) {
	b := w.basis
	u, f := w.z[:len(v)], w.f[:len(v)]
	b.toCoordinates(u, v, w.rows, b.padded)
	scaleRows(f, u, w.filters.gain)
	white := w.w[:len(v)]
	b.fromCoordinates(white, f, w.rows)
	in, out := w.arrays()
	w.spread(out, white)
	w.network.PullInput(w.packed, in, out)
	w.take(white, in, w.length, b.padded, w.width())
	b.toCoordinates(f, white, w.rows, b.padded)
	combineRows(u, w.filters.skip, u, w.filters.white, f)
	b.fromCoordinates(dst, u, w.rows)
}

// arrays returns the network's input and output for the current rows.
func (w *windows) arrays() (in, out []float32) {
	tokens := w.tokens(w.length)
	return w.input[:w.rows*tokens*w.width()], w.output[:w.rows*tokens*w.patch*w.dim]
}

// spread writes gradients of the outputs: zero where no state is.
func (w *windows) spread(out, rows []float32) {
	size, n := w.tokens(w.length)*w.patch*w.dim, w.length*w.dim
	for i := range w.rows {
		row := out[i*size : (i+1)*size]
		copy(row, rows[i*w.basis.padded:][:n])
		clear(row[n:])
	}
}
