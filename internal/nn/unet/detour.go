package unet

import "retrace/internal/kernel"

// rows visits the rows of the kernel within a square one.
func (l *layer[T]) rows(square, own []T, visit func(square, own []T)) {
	side, size := l.side(), l.inPitch*l.outPitch
	top, left := (side-l.taps.Rows)/2, (side-l.taps.Columns)/2
	for i := range l.taps.Rows {
		row := own[i*l.taps.Columns*size:][:l.taps.Columns*size]
		visit(square[((top+i)*side+left)*size:][:len(row)], row)
	}
}

// squared is cleared space for a square kernel.
func (k *kernels) squared(n int) []float32 {
	if n > len(k.square) {
		k.square = kernel.Slab(n)
	}
	clear(k.square[:n])
	return k.square[:n]
}

// leaveOut computes y = full + more at one pixel in step.
func leaveOut(y, full, more tensor[float32], step Grid) {
	for p := range y.rows() {
		row := y.row(p)
		from := full.row(sparse(p, y.Grid, full.Grid, step))
		if more.data != nil {
			copy(row, more.row(p))
			kernel.Add(row, from)
		} else {
			copy(row, from)
		}
	}
}

// fillUp is the transpose of leaveOut: it puts zeros where pixels were left out.
func fillUp(full, gy tensor[float32], step Grid) {
	clear(full.data)
	for p := range gy.rows() {
		copy(full.row(sparse(p, gy.Grid, full.Grid, step)), gy.row(p))
	}
}

// sparse is the pixel on the full grid of pixel p of one in step.
func sparse(p int, g, full Grid, step Grid) int {
	image, row, column := p/g.pixels(), p%g.pixels()/g.Columns, p%g.Columns
	return image*full.pixels() + row*step.Rows*full.Columns + column*step.Columns
}
