package sda

import "retrace/internal/kernel"

// dense is the linear layer y = W x + b on rows of values.
type dense struct {
	forward, backward *kernel.Panels // of W^T and W
	bias              []float32      // padded
}

func takeDense(s *source, name string, in, out int) *dense {
	weight, bias := s.take(name+".weight", out, in), s.take(name+".bias", out)
	if bias == nil {
		return nil
	}
	d := &dense{kernel.NewPanels(pitchOf(in), out), kernel.NewPanels(pitchOf(out), in), make([]float32, pitchOf(out))}
	d.forward.Pack(0, kernel.Block{Data: weight, Rows: in, Columns: out, RowStep: 1, ColumnStep: in})
	d.backward.Pack(0, kernel.Block{Data: weight, Rows: out, Columns: in, RowStep: in, ColumnStep: 1})
	copy(d.bias, bias)
	return d
}

// apply writes the result to y, or adds it.
func (d *dense) apply(y, x rows, add bool) {
	kernel.Multiply(y.whole(), x.whole(), d.forward, d.bias, add)
}

// pull writes the cotangent of the argument.
func (d *dense) pull(gx, gy rows) { kernel.Multiply(gx.whole(), gy.whole(), d.backward, nil, false) }

// rows are vectors of size values, padded with zeros to pitch.
type rows struct {
	count, size, pitch int
	data               []float32
}

// pitchOf is the distance between rows: products fill whole panels.
func pitchOf(size int) int { return kernel.RoundUp(size, kernel.ColumnUnit) }

func newRows(count, size int) rows {
	pitch := pitchOf(size)
	return rows{count, size, pitch, kernel.Slab(count * pitch)}
}

// whole views the rows with what pads them.
func (r rows) whole() kernel.Matrix {
	return kernel.Matrix{Data: r.data, Rows: r.count, Columns: r.pitch, Stride: r.pitch}
}

// values views the rows without what pads them.
func (r rows) values() kernel.Matrix {
	return kernel.Matrix{Data: r.data, Rows: r.count, Columns: r.size, Stride: r.pitch}
}

// put copies vectors that lie one after the other, of at most size values.
func (r rows) put(vectors []float32, size int) {
	for i := range len(vectors) / size {
		copy(r.data[i*r.pitch:], vectors[i*size:][:size])
	}
}

// take is the inverse of put.
func (r rows) take(vectors []float32, size int) {
	for i := range len(vectors) / size {
		copy(vectors[i*size:][:size], r.data[i*r.pitch:])
	}
}
