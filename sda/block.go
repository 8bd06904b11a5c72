package sda

import "retrace/internal/kernel"

// block is a residual block, x + second(f(first(LN(x + shift)))), where LN
// normalises the channels of a pixel by their mean and unbiased variance, without
// learnable parameters, and the shift is the same for all pixels.
type block struct {
	first, second *convolution
	activation    activation
}

// record keeps what the pull of a block needs.
type record struct {
	normed, hidden sheet
	scale          []float32 // of LN, a value a pixel
}

func newRecord(g grid, channels int) record {
	return record{newSheet(g, channels), newSheet(g, channels), kernel.Slab(g.pixels())}
}

// scratch is what all blocks of one size share.
type scratch struct {
	*margins
	one, two sheet
	noShift  []float32
}

func newScratch(m *margins, g grid, channels int) scratch {
	return scratch{m, newSheet(g, channels), newSheet(g, channels), kernel.Slab(pitchOf(channels))}
}

// shared is a matrix that has the same row for every pixel.
func shared(row []float32, pixels, channels int) kernel.Matrix {
	return kernel.Matrix{Data: row, Rows: pixels, Columns: channels}
}

// apply replaces x by the block of x.
func (b *block) apply(x sheet, shift []float32, r record, s scratch) {
	normalise(r.normed, r.scale, x, shift)
	b.first.apply(r.hidden, r.normed, false, s.margins)
	b.activation.apply(s.one.data, r.hidden.data)
	b.second.apply(x, s.one, true, s.margins)
}

// pull replaces the cotangent of the block by that of x.
func (b *block) pull(g sheet, r record, s scratch) {
	b.second.pull(s.one, g, false, s.margins)
	b.activation.pull(s.one.data, r.hidden.data)
	b.first.pull(s.two, s.one, false, s.margins)
	kernel.LayerNormPull(g.matrix(), s.two.matrix(), r.scale, r.normed.matrix())
}

func normalise(dst sheet, scale []float32, src sheet, shift []float32) {
	kernel.LayerNorm(dst.matrix(), scale, src.matrix(), shared(shift, src.pixels(), src.channels))
}
