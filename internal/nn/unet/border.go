package unet

import "retrace/internal/parallel"

// border copies arrays to the first channels of tensors and back, the only place
// where PyTorch's order meets that of the kernels.
type border struct {
	last     bool // channels vary fastest in the arrays
	values   []float32
	tensor   tensor[float32]
	channels int // of the array

	loading, storing func(worker, piece int)
}

// borderPixels is the number of pixels of a piece.
const borderPixels = 256

func newBorder(last bool) *border {
	b := &border{last: last}
	b.loading, b.storing = b.loadPiece, b.storePiece
	return b
}

func (b *border) load(t tensor[float32], values []float32) { b.run(t, values, b.loading) }

func (b *border) store(values []float32, t tensor[float32]) { b.run(t, values, b.storing) }

func (b *border) run(t tensor[float32], values []float32, work func(worker, piece int)) {
	b.tensor, b.values, b.channels = t, values, len(values)/t.rows()
	parallel.Run(t.images*b.pieces(), work)
}

// pieces is the number of pieces of an image.
func (b *border) pieces() int { return (b.tensor.pixels() + borderPixels - 1) / borderPixels }

// piece returns an image of the array, and the first and the last pixel but one
// of a piece of it.
func (b *border) piece(piece int) (values []float32, pixels tensor[float32], first, last int) {
	image, block := piece/b.pieces(), piece%b.pieces()
	n := b.tensor.pixels()
	return b.values[image*n*b.channels:][:n*b.channels], b.tensor.part(image, 1), block * borderPixels, min(n, (block+1)*borderPixels)
}

func (b *border) loadPiece(_, piece int) {
	values, t, first, last := b.piece(piece)
	if b.last {
		for p := first; p < last; p++ {
			copy(t.row(p), values[p*b.channels:][:b.channels])
		}
		return
	}
	for c := range b.channels {
		to := t.data[first*t.pitch+c:]
		for i, v := range values[c*t.pixels()+first : c*t.pixels()+last] {
			to[i*t.pitch] = v
		}
	}
}

func (b *border) storePiece(_, piece int) {
	values, t, first, last := b.piece(piece)
	if b.last {
		for p := first; p < last; p++ {
			copy(values[p*b.channels:][:b.channels], t.row(p))
		}
		return
	}
	for c := range b.channels {
		from := t.data[first*t.pitch+c:]
		plane := values[c*t.pixels()+first : c*t.pixels()+last]
		for i := range plane {
			plane[i] = from[i*t.pitch]
		}
	}
}
