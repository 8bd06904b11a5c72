package main

import "fmt"

// layerNorm emits the normalisation of rows and its pullback. Rows are read 32
// channels at a time; what is left of a row, up to 31, by vectors under a mask.
//
// Fields of layerNormArgs: dst, scale, src, shift, stride, shiftStride,
// channels, rows (strides and channels in bytes), mask, then float32 1/n, 1/(n-1)
// and epsilon. The pullback reads grad from the place of shift. mask is nil or 32
// words, all bits set for the channels left.
func (s *isa) layerNorm() {
	const fields = 72
	s.function("layerNorm", "dst = (src + shift - mean) * scale, scale = 1/sqrt(variance + epsilon)", func() {
		s.rowsOfChannels()
		s.sums(func(c columns, sum int) {
			s.loadAt(c, "DX", 4)
			s.loadAt(c, "BX", 5)
			s.line("VADDPS %s, %s, %s", s.v(5), s.v(4), s.v(4))
			s.storeAt(c, 4, "SI")
			s.line("VADDPS %s, %s, %s", s.v(4), s.v(sum), s.v(sum))
		}, "mean", 0)
		s.total(0, 1)
		s.line("VMULSS %d(DI), X0, X0", fields)
		s.line("VBROADCASTSS X0, %s", s.v(6))
		s.sums(func(c columns, sum int) {
			s.loadAt(c, "SI", 4)
			s.line("VSUBPS %s, %s, %s", s.v(6), s.v(4), s.v(4))
			s.clean(c, 4)
			s.line("VFMADD231PS %s, %s, %s", s.v(4), s.v(4), s.v(sum))
		}, "variance", 0)
		s.total(0, 1)
		s.line("VMULSS %d(DI), X0, X0", fields+4)
		s.line("VADDSS %d(DI), X0, X0", fields+8)
		s.line("VSQRTSS X0, X0, X0")
		s.line("VMOVSS one<>(SB), X1")
		s.line("VDIVSS X0, X1, X0")
		s.line("VMOVSS X0, (CX)")
		s.line("VBROADCASTSS X0, %s", s.v(7))
		s.columns(func(c columns) {
			s.loadAt(c, "SI", 4)
			s.line("VSUBPS %s, %s, %s", s.v(6), s.v(4), s.v(4))
			s.line("VMULPS %s, %s, %s", s.v(7), s.v(4), s.v(4))
			s.storeAt(c, 4, "SI")
		}, "apply")
		s.nextRow("SI", "DX", "R9", "BX")
	})
	s.function("layerNormPull", "grad = scale * (grad - mean(grad) - src * sum(grad*src)/(n-1)), dst += grad", func() {
		s.rowsOfChannels()
		s.zero(2)
		s.zero(3)
		s.sums(func(c columns, sum int) {
			s.loadAt(c, "BX", 4)
			s.loadAt(c, "DX", 5)
			s.line("VADDPS %s, %s, %s", s.v(4), s.v(sum), s.v(sum))
			s.line("VFMADD231PS %s, %s, %s", s.v(5), s.v(4), s.v(sum+2))
		}, "mean", 0)
		s.total(0, 1)
		s.total(2, 3)
		s.line("VMULSS %d(DI), X0, X0", fields)
		s.line("VBROADCASTSS X0, %s", s.v(6))
		s.line("VMULSS %d(DI), X2, X2", fields+4)
		s.line("VBROADCASTSS X2, %s", s.v(2))
		s.line("VBROADCASTSS (CX), %s", s.v(7))
		s.columns(func(c columns) {
			s.loadAt(c, "BX", 4)
			s.loadAt(c, "DX", 5)
			s.line("VSUBPS %s, %s, %s", s.v(6), s.v(4), s.v(4))
			s.line("VFNMADD231PS %s, %s, %s", s.v(5), s.v(2), s.v(4))
			s.line("VMULPS %s, %s, %s", s.v(7), s.v(4), s.v(4))
			s.storeAt(c, 4, "BX")
			s.loadAt(c, "SI", 5)
			s.line("VADDPS %s, %s, %s", s.v(5), s.v(4), s.v(4))
			s.storeAt(c, 4, "SI")
		}, "apply")
		s.nextRow("SI", "DX", "R8", "BX")
	})
}

// rowsOfChannels loads the arguments, R12 being the bytes of a row in whole
// blocks of 32 channels and R13 not zero where channels are left, and begins the
// loop over rows.
func (s *isa) rowsOfChannels() {
	s.load("SI", "CX", "DX", "BX", "R8", "R9", "R10", "R11", "R13")
	s.line("MOVQ R10, R12")
	s.line("ANDQ $-128, R12")
	s.line("TESTQ R13, R13")
	s.jump("JEQ", "row")
	for i := range 32 / s.lanes {
		if s.wide() {
			s.line("VMOVUPS %d(R13), Z0", 64*i)
			s.line("VPMOVD2M Z0, K%d", 1+i)
			continue
		}
		s.line("VMOVUPS %d(R13), %s", 32*i, s.v(firstMask+i))
	}
	s.label("row")
}

// firstMask is the register of the first mask where masks are in registers.
const firstMask = 8

// columns are the lanes of a vector in a row: its place from AX on, in bytes, and
// the number of its mask, or -1 for all lanes.
type columns struct{ offset, mask int }

// masked is the name of a mask.
func (s *isa) masked(c columns) string {
	if s.wide() {
		return fmt.Sprintf("K%d", 1+c.mask)
	}
	return s.v(firstMask + c.mask)
}

// loadAt loads lanes of the row at a register, zero where the mask is not set.
func (s *isa) loadAt(c columns, row string, register int) {
	switch {
	case c.mask < 0:
		s.line("VMOVUPS %d(%s)(AX*1), %s", c.offset, row, s.v(register))
	case s.wide():
		s.line("VMOVUPS.Z %d(%s)(AX*1), %s, %s", c.offset, row, s.masked(c), s.v(register))
	default:
		s.line("VMASKMOVPS %d(%s)(AX*1), %s, %s", c.offset, row, s.masked(c), s.v(register))
	}
}

// storeAt stores the lanes of the mask.
func (s *isa) storeAt(c columns, register int, row string) {
	switch {
	case c.mask < 0:
		s.line("VMOVUPS %s, %d(%s)(AX*1)", s.v(register), c.offset, row)
	case s.wide():
		s.line("VMOVUPS %s, %s, %d(%s)(AX*1)", s.v(register), s.masked(c), c.offset, row)
	default:
		s.line("VMASKMOVPS %s, %s, %d(%s)(AX*1)", s.v(register), s.masked(c), c.offset, row)
	}
}

// clean zeroes lanes out of the mask.
func (s *isa) clean(c columns, register int) {
	switch {
	case c.mask < 0:
	case s.wide():
		s.line("VMOVAPS.Z %s, %s, %s", s.v(register), s.masked(c), s.v(register))
	default:
		s.line("VANDPS %s, %s, %s", s.v(register), s.masked(c), s.v(register))
	}
}

// sums loops over the columns of a row with two running sums, registers first
// and first+1, cleared before.
func (s *isa) sums(body func(c columns, sum int), label string, first int) {
	s.zero(first)
	s.zero(first + 1)
	vector := 0
	s.columns(func(c columns) {
		body(c, first+vector%2)
		vector++
	}, label)
}

// columns loops AX over the bytes of a row, 32 channels at a time, and then
// through what is left.
func (s *isa) columns(body func(c columns), label string) {
	s.line("XORQ AX, AX")
	s.line("TESTQ R12, R12")
	s.jump("JEQ", label+"Left")
	s.label(label)
	for offset := 0; offset < 128; offset += s.bytes() {
		body(columns{offset, -1})
	}
	s.line("ADDQ $128, AX")
	s.line("CMPQ AX, R12")
	s.jump("JLT", label)
	s.label(label + "Left")
	s.line("TESTQ R13, R13")
	s.jump("JEQ", label+"Done")
	for i := range 32 / s.lanes {
		body(columns{i * s.bytes(), i})
	}
	s.label(label + "Done")
}

// total leaves the sum of all lanes of registers i and j in the first lane of
// i; it overwrites j.
func (s *isa) total(i, j int) {
	s.line("VADDPS %s, %s, %s", s.v(j), s.v(i), s.v(i))
	if s.wide() {
		s.line("VEXTRACTF64X4 $1, Z%d, Y%d", i, j)
		s.line("VADDPS Y%d, Y%d, Y%d", j, i, i)
	}
	s.line("VEXTRACTF128 $1, Y%d, X%d", i, j)
	s.line("VADDPS X%d, X%d, X%d", j, i, i)
	s.line("VHADDPS X%d, X%d, X%d", i, i, i)
	s.line("VHADDPS X%d, X%d, X%d", i, i, i)
}

// nextRow moves a, b and the scale to the next row, and c by its own stride.
func (s *isa) nextRow(a, b, strideC, c string) {
	s.line("ADDQ R8, %s", a)
	s.line("ADDQ R8, %s", b)
	s.line("ADDQ %s, %s", strideC, c)
	s.line("ADDQ $4, CX")
	s.line("DECQ R11")
	s.jump("JNE", "row")
}
