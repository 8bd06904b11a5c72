package scoresum

import (
	"math"

	"retrace/internal/kernel"
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
// of the longest window, filled up with zeros, and a mask of what is there. A U-Net
// takes the latter for planes: three views of every field of the window and a
// plane for each state that tells whether it is there.
// Each token holds three views of its states, one after the other: the noised
// ones, scaled to unit variance; the mean that the Gaussian prior gives them;
// and the noised ones whitened by the Gaussian prior.
type layout struct {
	window, dim int // longest window, values of a state
	patch       int // states of a token
	// mask is the number of values, all the same, that mark a state present: one,
	// one for each cell of a field, or none.
	mask int
	// sites, of network ring: tokens are those of a ring of so many. 0 for others.
	sites int
}

const views = 3

// tokens is the number of tokens of a window of length states.
func (l layout) tokens(length int) int {
	if l.sites > 0 {
		return l.sites + 2*ringHalo
	}
	return (length + l.patch - 1) / l.patch
}

// span is the number of values of the states of a token.
func (l layout) span() int {
	if l.sites > 0 {
		return l.window
	}
	return l.patch * l.dim
}

// width is the number of values of a token.
func (l layout) width() int {
	return views*l.span() + l.mask*l.patch
}

// put writes one view of windows of length states, rows stride apart, into
// network inputs.
func (l layout) put(input []float32, view int, rows []float32, length, stride int) {
	if l.sites > 0 {
		l.putRing(input, view, rows, length, stride)
		return
	}
	n, tokens := length*l.dim, l.tokens(length)
	for i := 0; i*stride < len(rows); i++ {
		row := rows[i*stride:][:n]
		for t := range tokens {
			token := input[(i*tokens+t)*l.width()+view*l.span():][:l.span()]
			clear(token[copy(token, row[t*l.span():]):])
		}
	}
}

// putMask marks the states present.
func (l layout) putMask(input []float32, length int) {
	if l.mask == 0 {
		return
	}
	for i := 0; i < len(input); i += l.width() {
		present := input[i+views*l.span():][:l.mask*l.patch]
		for j := range present {
			present[j] = 0
			if j < length*l.mask {
				present[j] = 1
			}
		}
	}
}

// take is the inverse of put.
func (l layout) take(rows []float32, view int, input []float32, length, stride int) {
	if l.sites > 0 {
		l.takeRing(rows, view, input, length, stride)
		return
	}
	n, tokens := length*l.dim, l.tokens(length)
	for i := 0; i*stride < len(rows); i++ {
		row := rows[i*stride:][:stride]
		for t := range tokens {
			copy(row[t*l.span():n], input[(i*tokens+t)*l.width()+view*l.span():][:l.span()])
		}
		clear(row[n:])
	}
}

// windows denoises batches of windows of one length. It owns the activations
// and scratch space of one worker.
type windows struct {
	layout
	length     int
	basis      *basis
	network    evaluator
	filters    filters
	factors    []float32 // memory of the filters
	rows       int       // of the last denoise
	share      float32   // of this chunk in the loss of a training step
	noiseShare float64   // of the loss, in training

	ratios        []float64 // of the rows, in training
	times         []float32 // the same for the network; in sampling the first serves all rows
	z, w, f, v    []float32 // capacity x padded
	input, output []float32 // of the network

	// of training
	visits visits
	normal []float64 // noise, capacity x padded
	sums   []float64 // losses of the rows
}

// newWindows returns the denoiser of windows of at most longest states; use
// chooses their length.
func newWindows(l layout, longest, capacity int, n network) *windows {
	return newWindowsOf(l, longest, capacity, n.evaluator(capacity, l.tokens(longest)))
}

// newWindowsOf is newWindows with an evaluator for them.
func newWindowsOf(l layout, longest, capacity int, e evaluator) *windows {
	tokens := l.tokens(longest)
	row := kernel.RoundUp(longest*l.dim, kernel.ColumnUnit)
	padded := capacity * row
	return &windows{
		layout: l, network: e,
		factors: make([]float32, 3*row), ratios: make([]float64, capacity), times: make([]float32, capacity),
		z: kernel.Slab(padded), w: kernel.Slab(padded), f: kernel.Slab(padded), v: kernel.Slab(padded),
		input: kernel.Slab(capacity * tokens * l.width()), output: kernel.Slab(capacity * tokens * l.span()),
	}
}

// use sets the length of the windows, at most the longest.
func (w *windows) use(length int, b *basis) {
	w.length, w.basis, w.filters = length, b, newFilters(b.padded, w.factors)
}

// denoise writes the means of windows y = x + s n; mean and y hold rows of
// padded values, of which the first n count.
func (w *windows) denoise(mean, y []float32, s float64) {
	b := w.basis
	w.rows = len(y) / b.padded
	w.filters.at(b.values, s)
	w.times[0] = noiseTime(s)
	z, scratch, f := w.z[:len(y)], w.w[:len(y)], w.f[:len(y)]
	in, out := w.arrays()
	b.toCoordinates(z, y, w.rows, b.padded)
	scale(f, y, w.filters.unit)
	w.put(in, 0, f, w.length, b.padded)
	for view, factors := range w.filters.views() {
		scaleRows(scratch, z, factors)
		b.fromCoordinates(f, scratch, w.rows)
		w.put(in, view, f, w.length, b.padded)
	}
	w.putMask(in, w.length)
	w.network.forward(out, in, w.times[:1], w.rows, w.tokens(w.length))
	w.gather(scratch, out)
	b.toCoordinates(f, scratch, w.rows, b.padded)
	combineRows(z, w.filters.skip, z, w.filters.gain, f)
	b.fromCoordinates(mean, z, w.rows)
}

// pull writes J^T v of the last denoise to dst, J being the Jacobian of the
// means with respect to y.
func (w *windows) pull(dst, v []float32) {
	b := w.basis
	u, scratch, f := w.z[:len(v)], w.w[:len(v)], w.f[:len(v)]
	in, out := w.arrays()
	b.toCoordinates(u, v, w.rows, b.padded)
	scaleRows(f, u, w.filters.gain)
	b.fromCoordinates(scratch, f, w.rows)
	w.spread(out, scratch)
	w.network.pullInput(in, out)
	scaleRows(u, u, w.filters.skip)
	for view, factors := range w.filters.views() {
		w.take(scratch, view, in, w.length, b.padded)
		b.toCoordinates(f, scratch, w.rows, b.padded)
		addScaledRows(u, factors, f)
	}
	b.fromCoordinates(dst, u, w.rows)
	w.take(scratch, 0, in, w.length, b.padded)
	for j, g := range scratch {
		dst[j] += w.filters.unit * g
	}
}

// arrays returns the network's input and output for the current rows.
func (w *windows) arrays() (in, out []float32) {
	tokens := w.rows * w.tokens(w.length)
	return w.input[:tokens*w.width()], w.output[:tokens*w.span()]
}

// gather takes rows of padded values from network outputs, whose tokens follow
// each other without gaps.
func (w *windows) gather(rows, out []float32) {
	size, n := w.tokens(w.length)*w.span(), w.length*w.dim
	for i := range w.rows {
		row := rows[i*w.basis.padded:][:w.basis.padded]
		if w.sites > 0 {
			w.gatherRing(row, out[i*size:(i+1)*size], w.length)
			continue
		}
		clear(row[copy(row[:n], out[i*size:]):])
	}
}

// spread is the transpose of gather.
func (w *windows) spread(out, rows []float32) {
	size, n := w.tokens(w.length)*w.span(), w.length*w.dim
	for i := range w.rows {
		row := out[i*size : (i+1)*size]
		if w.sites > 0 {
			w.spreadRing(row, rows[i*w.basis.padded:][:n], w.length)
			continue
		}
		clear(row[copy(row, rows[i*w.basis.padded:][:n]):])
	}
}
