package main

// slabs emits the kernels over long flat arrays.
func (s *isa) slabs() {
	s.add()
	s.scale()
	s.squares()
	s.columnSums()
	s.adam()
}

// add emits dst += src. Fields of addArgs: dst, src, n (a multiple of 16).
func (s *isa) add() {
	s.function("add", "dst += src", func() {
		s.load("SI", "DX", "R8")
		s.label("loop")
		s.line("VMOVUPS (SI), %s", s.v(0))
		s.line("VADDPS (DX), %s, %s", s.v(0), s.v(0))
		s.line("VMOVUPS %s, (SI)", s.v(0))
		s.forward("SI", "DX")
		s.line("SUBQ $%d, R8", s.lanes)
		s.jump("JNE", "loop")
	})
}

// scale emits dst = src factor. Fields of scaleArgs: dst, factor, src, n (a
// multiple of 16).
func (s *isa) scale() {
	s.function("scale", "dst = src * factor", func() {
		s.load("SI", "CX", "DX", "R8")
		s.label("loop")
		s.line("VMOVUPS (DX), %s", s.v(0))
		s.line("VMULPS (CX), %s, %s", s.v(0), s.v(0))
		s.line("VMOVUPS %s, (SI)", s.v(0))
		s.forward("SI", "CX", "DX")
		s.line("SUBQ $%d, R8", s.lanes)
		s.jump("JNE", "loop")
	})
}

// forward moves pointers on by a vector.
func (s *isa) forward(registers ...string) {
	for _, r := range registers {
		s.line("ADDQ $%d, %s", s.bytes(), r)
	}
}

// squares emits the sum of squares. Fields of squaresArgs: src, n (a multiple
// of 32), sum (float32).
func (s *isa) squares() {
	s.function("squares", "sum = src . src", func() {
		s.load("DX", "R8")
		s.zero(0)
		s.zero(1)
		s.label("loop")
		for offset := 0; offset < 128; offset += s.bytes() {
			sum := s.v(offset / s.bytes() % 2)
			s.line("VMOVUPS %d(DX), %s", offset, s.v(2))
			s.line("VFMADD231PS %s, %s, %s", s.v(2), s.v(2), sum)
		}
		s.line("ADDQ $128, DX")
		s.line("SUBQ $32, R8")
		s.jump("JNE", "loop")
		s.total(0, 1)
		s.line("VMOVSS X0, 16(DI)")
	})
}

// columnSums emits dst += the sum of the rows of src, 32 columns.
// Fields of columnSumsArgs: dst, src, stride (bytes), rows.
func (s *isa) columnSums() {
	s.function("columnSums", "dst += sum of rows of src, for 32 columns", func() {
		s.load("SI", "DX", "R8", "R9")
		vectors := 32 / s.lanes
		for j := range vectors {
			s.zero(j)
		}
		s.label("row")
		for j := range vectors {
			s.line("VADDPS %d(DX), %s, %s", j*s.bytes(), s.v(j), s.v(j))
		}
		s.line("ADDQ R8, DX")
		s.line("DECQ R9")
		s.jump("JNE", "row")
		for j := range vectors {
			s.line("VADDPS %d(SI), %s, %s", j*s.bytes(), s.v(j), s.v(j))
			s.line("VMOVUPS %s, %d(SI)", s.v(j), j*s.bytes())
		}
	})
}

// adam emits one optimiser step. Fields of adamArgs: parameters, gradient,
// first, second, average, n (a multiple of 16), then float32 scale, beta1,
// 1-beta1, beta2, 1-beta2, correction, epsilon, decay, rate, 1-retention.
func (s *isa) adam() {
	s.function("adam", "AdamW and the moving average of the weights in one pass", func() {
		s.load("SI", "DX", "CX", "BX", "R8", "R9")
		const scale, beta1, rest1, beta2, rest2, correction, epsilon, decay, rate, fresh = 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
		for i := scale; i <= fresh; i++ {
			s.line("VBROADCASTSS %d(DI), %s", 48+4*(i-scale), s.v(i))
		}
		g, m, v, p, e, t := s.v(0), s.v(1), s.v(2), s.v(3), s.v(4), s.v(5)
		s.label("loop")
		s.line("VMULPS (DX), %s, %s", s.v(scale), g)
		s.line("VMULPS (CX), %s, %s", s.v(beta1), m)
		s.line("VFMADD231PS %s, %s, %s", g, s.v(rest1), m)
		s.line("VMOVUPS %s, (CX)", m)
		s.line("VMULPS %s, %s, %s", g, g, g)
		s.line("VMULPS (BX), %s, %s", s.v(beta2), v)
		s.line("VFMADD231PS %s, %s, %s", g, s.v(rest2), v)
		s.line("VMOVUPS %s, (BX)", v)
		s.line("VMULPS %s, %s, %s", v, s.v(correction), t)
		s.line("VSQRTPS %s, %s", t, t)
		s.line("VADDPS %s, %s, %s", s.v(epsilon), t, t)
		s.line("VDIVPS %s, %s, %s", t, m, t)
		s.line("VMULPS (SI), %s, %s", s.v(decay), p)
		s.line("VFNMADD231PS %s, %s, %s", t, s.v(rate), p)
		s.line("VMOVUPS %s, (SI)", p)
		s.line("VMOVUPS (R8), %s", e)
		s.line("VSUBPS %s, %s, %s", e, p, t)
		s.line("VFMADD231PS %s, %s, %s", t, s.v(fresh), e)
		s.line("VMOVUPS %s, (R8)", e)
		s.forward("SI", "DX", "CX", "BX", "R8")
		s.line("SUBQ $%d, R9", s.lanes)
		s.jump("JNE", "loop")
	})
}
