package sda

import "retrace/internal/kernel"

// A convolution with odd kernel K and stride s is, as in PyTorch, the correlation
//
//	y[o, p] = b[o] + sum_c sum_d W[o, c, d] x[c, s p + d - K/2]
//
// of x continued by zeros or periodically. With the margins written out around x,
// the pixels under a row of the kernel are contiguous memory, so every row of the
// kernel and of the result is one matrix product, whose left side overlaps itself.
//
// The transpose sends cotangents v of y back to x:
//
//	g[c, q] = sum_o sum_d W[o, c, d] v'[o, q + K/2 - d],   v'[s p] = v[p], 0 between
//
// the correlation of the spread v, continued in the same way, with the kernel
// mirrored and its channels exchanged; s must divide the size of x.
type convolution struct {
	form
	forward, backward correlation
}

// correlation is one direction of a convolution.
type correlation struct {
	rows   []*kernel.Panels // one for each row of the kernel
	taps   int              // of a row
	stride [2]int
	bias   []float32 // padded; nil for none
}

// form is what the convolutions of a U-Net have in common.
type form struct {
	kernel, stride [2]int // rows, columns
	circular       bool
	spatial        int // dimensions of the kernel in its tensor
}

// plain is the form with stride 1.
func (f form) plain() form {
	f.stride = [2]int{1, 1}
	return f
}

// pointwise is the form of a linear layer on every pixel.
var pointwise = form{[2]int{1, 1}, [2]int{1, 1}, false, 0}

func takeConvolution(s *source, name string, in, out int, f form) *convolution {
	shape := append([]int{out, in}, f.kernel[2-f.spatial:]...)
	weight, bias := s.take(name+".weight", shape...), s.take(name+".bias", out)
	rows, columns := f.kernel[0], f.kernel[1]
	c := &convolution{f, correlation{taps: columns, stride: f.stride}, correlation{taps: columns, stride: [2]int{1, 1}}}
	if bias == nil {
		return c
	}
	c.forward.bias = make([]float32, pitchOf(out))
	copy(c.forward.bias, bias)
	taps := rows * columns
	for i := range rows {
		forward := kernel.NewPanels(columns*pitchOf(in), out)
		backward := kernel.NewPanels(columns*pitchOf(out), in)
		for j := range columns {
			forward.Pack(j*pitchOf(in), kernel.Block{
				Data: weight[i*columns+j:], Rows: in, Columns: out, RowStep: taps, ColumnStep: in * taps,
			})
			backward.Pack(j*pitchOf(out), kernel.Block{
				Data: weight[taps-1-i*columns-j:], Rows: out, Columns: in, RowStep: in * taps, ColumnStep: taps,
			})
		}
		c.forward.rows, c.backward.rows = append(c.forward.rows, forward), append(c.backward.rows, backward)
	}
	return c
}

// apply writes the convolution of src to dst, or adds it.
func (c *convolution) apply(dst, src sheet, add bool, m *margins) {
	c.forward.apply(dst, m.surround(c.form, src, src.grid, [2]int{1, 1}), add)
}

// pull writes the cotangent of the argument, or adds it.
func (c *convolution) pull(dst, v sheet, add bool, m *margins) {
	c.backward.apply(dst, m.surround(c.form, v, dst.grid, c.stride), add)
}

// apply correlates src, which has its margins.
func (c correlation) apply(dst, src sheet, add bool) {
	for y := range dst.rows {
		product := kernel.Matrix{Data: dst.data[y*dst.columns*dst.pitch:], Rows: dst.columns, Columns: dst.pitch, Stride: dst.pitch}
		for i, panels := range c.rows {
			left := kernel.Matrix{
				Data: src.data[(y*c.stride[0]+i)*src.columns*src.pitch:],
				Rows: dst.columns, Columns: c.taps * src.pitch, Stride: c.stride[1] * src.pitch,
			}
			if i == 0 {
				kernel.Multiply(product, left, panels, c.bias, add)
			} else {
				kernel.Multiply(product, left, panels, nil, true)
			}
		}
	}
}

// margins is scratch space for fields with their margins.
type margins struct{ data []float32 }

// surround writes the pixels of src, step apart, to a field of the given size with
// the margins that the kernel reaches. The result holds until the next call.
func (m *margins) surround(f form, src sheet, size grid, step [2]int) sheet {
	if f.kernel == [2]int{1, 1} && step == [2]int{1, 1} {
		return src
	}
	top, left := f.kernel[0]/2, f.kernel[1]/2
	s := sheet{grid{size.rows + 2*top, size.columns + 2*left}, src.channels, src.pitch, nil}
	n := s.pixels() * s.pitch
	if n > len(m.data) {
		m.data = kernel.Slab(n)
	}
	s.data = m.data[:n]
	clear(s.data)
	for y := range src.rows {
		for x := range src.columns {
			to := (top+y*step[0])*s.columns + left + x*step[1]
			copy(s.data[to*s.pitch:][:s.pitch], src.data[(y*src.columns+x)*src.pitch:])
		}
	}
	if f.circular {
		s.wrap(top, left)
	}
	return s
}

// wrap fills margins periodically: first left and right of the rows within, then
// above and below.
func (s sheet) wrap(top, left int) {
	rows, columns := s.rows-2*top, s.columns-2*left
	pixel := func(y, x int) []float32 { return s.data[(y*s.columns+x)*s.pitch:][:s.pitch] }
	for y := top; y < top+rows; y++ {
		for i := range left {
			copy(pixel(y, left-1-i), pixel(y, left+columns-1-i%columns))
			copy(pixel(y, left+columns+i), pixel(y, left+i%columns))
		}
	}
	line := s.columns * s.pitch
	for i := range top {
		copy(s.data[(top-1-i)*line:][:line], s.data[(top+rows-1-i%rows)*line:])
		copy(s.data[(top+rows+i)*line:][:line], s.data[(top+i%rows)*line:])
	}
}
