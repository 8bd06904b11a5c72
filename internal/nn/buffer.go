package nn

import "retrace/internal/kernel"

// A buffer holds rows of channels. Before the first row and after the last lie
// halo rows of zeros, so that windows of 2 halo + 1 rows exist around every
// row. Rows are counted up to a multiple of kernel.RowUnit.
type buffer struct {
	data  []float32
	pitch int // values a row
	halo  int
}

func newBuffer(rows, pitch, halo int) buffer {
	rows = kernel.RoundUp(rows, kernel.RowUnit) + 2*halo
	// A window padded to whole columns of a product may end after the last row.
	return buffer{kernel.Slab(rows*pitch + kernel.ColumnUnit), pitch, halo}
}

// from is the memory from a row on.
func (b buffer) from(row int) []float32 { return b.data[(b.halo+row)*b.pitch:] }

// rows views the first n rows.
func (b buffer) rows(n int) kernel.Matrix { return b.block(0, n) }

// block views n rows from the given one on.
func (b buffer) block(first, n int) kernel.Matrix {
	return kernel.Matrix{Data: b.from(first), Rows: n, Columns: b.pitch, Stride: b.pitch}
}

// windows views the overlapping windows of taps rows around the first n rows.
func (b buffer) windows(n, taps int) kernel.Matrix {
	return kernel.Matrix{Data: b.from(-(taps - 1) / 2), Rows: n, Columns: taps * b.pitch, Stride: b.pitch}
}

// A layout places sequences in a buffer: sequence s takes the rows from s
// (time + halo), and the halo rows after it separate it from the next.
type layout struct{ sequences, time, halo int }

func (l layout) stride() int { return l.time + l.halo }

// rows is the number of rows from the first time of the first sequence to the
// last time of the last: the halo after it is not among them, as the windows of
// its rows reach what other layouts have left behind.
func (l layout) rows() int { return l.sequences*l.stride() - l.halo }

// padded is rows for products, which work on whole tiles.
func (l layout) padded() int { return kernel.RoundUp(l.rows(), kernel.RowUnit) }

// clearHalos zeroes the rows between sequences, where a convolution has left
// mixtures of its neighbours.
func (l layout) clearHalos(b buffer) {
	if l.halo == 0 {
		return
	}
	for s := range l.sequences {
		clear(b.from(s*l.stride() + l.time)[:l.halo*b.pitch])
	}
}

// load copies (sequence, time, channel) values to a buffer, and clears the
// halos.
func (l layout) load(b buffer, values []float32) {
	channels := len(values) / (l.sequences * l.time)
	for s := range l.sequences {
		for t := range l.time {
			copy(b.from(s*l.stride() + t)[:channels], values)
			values = values[channels:]
		}
	}
	l.clearHalos(b)
}

// store copies a buffer to (sequence, time, channel) values.
func (l layout) store(values []float32, b buffer) {
	channels := len(values) / (l.sequences * l.time)
	for s := range l.sequences {
		for t := range l.time {
			copy(values[:channels], b.from(s*l.stride()+t))
			values = values[channels:]
		}
	}
}
