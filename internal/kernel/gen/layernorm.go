package main

// layerNorm emits the normalisation of rows and its pullback. The number of
// channels is a multiple of 32.
//
// Fields of layerNormArgs: dst, scale, src, shift, stride, shiftStride,
// channels, rows (the first three in bytes), then float32 1/n, 1/(n-1) and
// epsilon. The pullback reads grad from the place of shift.
func (s *isa) layerNorm() {
	const fields = 64
	s.function("layerNorm", "dst = (src + shift - mean) * scale, scale = 1/sqrt(variance + epsilon)", func() {
		s.load("SI", "CX", "DX", "BX", "R8", "R9", "R10", "R11")
		s.label("row")
		s.sums(func(offset, sum int) {
			s.line("VMOVUPS %d(DX)(AX*1), %s", offset, s.v(4))
			s.line("VADDPS %d(BX)(AX*1), %s, %s", offset, s.v(4), s.v(4))
			s.line("VMOVUPS %s, %d(SI)(AX*1)", s.v(4), offset)
			s.line("VADDPS %s, %s, %s", s.v(4), s.v(sum), s.v(sum))
		}, "mean", 0)
		s.total(0, 1)
		s.line("VMULSS %d(DI), X0, X0", fields)
		s.line("VBROADCASTSS X0, %s", s.v(6))
		s.sums(func(offset, sum int) {
			s.line("VMOVUPS %d(SI)(AX*1), %s", offset, s.v(4))
			s.line("VSUBPS %s, %s, %s", s.v(6), s.v(4), s.v(4))
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
		s.columns(func(offset int) {
			s.line("VMOVUPS %d(SI)(AX*1), %s", offset, s.v(4))
			s.line("VSUBPS %s, %s, %s", s.v(6), s.v(4), s.v(4))
			s.line("VMULPS %s, %s, %s", s.v(7), s.v(4), s.v(4))
			s.line("VMOVUPS %s, %d(SI)(AX*1)", s.v(4), offset)
		}, "apply")
		s.nextRow("SI", "DX", "R9", "BX")
	})
	s.function("layerNormPull", "grad = scale * (grad - mean(grad) - src * sum(grad*src)/(n-1)), dst += grad", func() {
		s.load("SI", "CX", "DX", "BX", "R8", "R9", "R10", "R11")
		s.label("row")
		s.zero(2)
		s.zero(3)
		s.sums(func(offset, sum int) {
			s.line("VMOVUPS %d(BX)(AX*1), %s", offset, s.v(4))
			s.line("VADDPS %s, %s, %s", s.v(4), s.v(sum), s.v(sum))
			s.line("VFMADD231PS %d(DX)(AX*1), %s, %s", offset, s.v(4), s.v(sum+2))
		}, "mean", 0)
		s.total(0, 1)
		s.total(2, 3)
		s.line("VMULSS %d(DI), X0, X0", fields)
		s.line("VBROADCASTSS X0, %s", s.v(6))
		s.line("VMULSS %d(DI), X2, X2", fields+4)
		s.line("VBROADCASTSS X2, %s", s.v(5))
		s.line("VBROADCASTSS (CX), %s", s.v(7))
		s.columns(func(offset int) {
			s.line("VMOVUPS %d(BX)(AX*1), %s", offset, s.v(4))
			s.line("VSUBPS %s, %s, %s", s.v(6), s.v(4), s.v(4))
			s.line("VFNMADD231PS %d(DX)(AX*1), %s, %s", offset, s.v(5), s.v(4))
			s.line("VMULPS %s, %s, %s", s.v(7), s.v(4), s.v(4))
			s.line("VMOVUPS %s, %d(BX)(AX*1)", s.v(4), offset)
			s.line("VADDPS %d(SI)(AX*1), %s, %s", offset, s.v(4), s.v(4))
			s.line("VMOVUPS %s, %d(SI)(AX*1)", s.v(4), offset)
		}, "apply")
		s.nextRow("SI", "DX", "R8", "BX")
	})
}

// sums loops over the columns of a row with two running sums, registers first
// and first+1, cleared before.
func (s *isa) sums(body func(offset, sum int), label string, first int) {
	s.zero(first)
	s.zero(first + 1)
	vector := 0
	s.columns(func(offset int) {
		body(offset, first+vector%2)
		vector++
	}, label)
}

// columns loops AX over the bytes of a row, 32 channels at a time.
func (s *isa) columns(body func(offset int), label string) {
	s.line("XORQ AX, AX")
	s.label(label)
	for offset := 0; offset < 128; offset += s.bytes() {
		body(offset)
	}
	s.line("ADDQ $128, AX")
	s.line("CMPQ AX, R10")
	s.jump("JLT", label)
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
