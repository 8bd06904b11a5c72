package main

import "fmt"

// A tile is a block of C held in registers: rows x columns vectors.
type tile struct {
	rows, vectors int
	scope         string // prefix of its labels
}

// products emits the two matrix products. AN reads A by rows (k contiguous)
// and B from a packed panel; AT reads A by columns (rows of C contiguous).
//
// Fields of productArgs: a, b, c, bias, lda, ldb, ldc (bytes), k, rows, add.
func (s *isa) products() {
	if s.wide() {
		s.product512("productAN", false)
		s.product512("productAT", true)
		return
	}
	s.product256("productAN", false)
	s.product256("productAT", true)
}

// product512 keeps an 8 x 32 tile in Z0-Z15; Z16, Z17 hold a row of B and
// Z18-Z21 broadcasts of A.
func (s *isa) product512(name string, transposed bool) {
	s.function(name, "C (+)= A B + bias for a column of 8 x 32 tiles.", func() {
		s.operands(transposed)
		s.label("next")
		s.tile(tile{8, 2, "wide"}, transposed)
		s.line("JNE next")
	})
}

// product256 covers half a panel, 16 columns, by tiles of 6 rows, then of 2:
// Y0-Y11 accumulate, Y12, Y13 hold a row of B, Y14, Y15 broadcasts of A.
func (s *isa) product256(name string, transposed bool) {
	s.function(name, "C (+)= A B + bias for a column of 6 x 16 tiles.", func() {
		s.operands(transposed)
		s.label("six")
		s.line("CMPQ R12, $6")
		s.line("JLT two")
		s.tile(tile{6, 2, "wide"}, transposed)
		s.line("JMP six")
		s.label("two")
		s.line("TESTQ R12, R12")
		s.line("JEQ end")
		s.tile(tile{2, 2, "narrow"}, transposed)
		s.line("JMP two")
		s.label("end")
	})
}

// operands loads the arguments.
func (s *isa) operands(transposed bool) {
	s.load("SI", "DX", "CX", "BX", "R8", "-", "R10", "R11", "R12", "R13")
	if !transposed {
		s.line("LEAQ (R8)(R8*2), R14")
	}
}

// tile computes one tile and moves on to the next rows of A and C; the zero
// flag tells whether R12, the number of rows left, has become zero.
func (s *isa) tile(t tile, transposed bool) {
	s.scope = t.scope
	s.prefetch(t)
	s.line("MOVQ SI, AX")
	s.line("MOVQ R11, R9")
	if transposed {
		s.line("MOVQ args+0(FP), DI")
		s.line("MOVQ 40(DI), R15")
	} else {
		s.line("LEAQ (SI)(R8*4), R15")
	}
	s.line("MOVQ DX, DI")
	s.start(t)
	s.steps(t, transposed)
	s.finish(t)
	s.line("LEAQ (AX)(R10*1), CX")
	if transposed {
		s.line("ADDQ $%d, SI", 4*t.rows)
	} else {
		for range t.rows / 2 {
			s.line("LEAQ (SI)(R8*2), SI")
		}
	}
	s.line("SUBQ $%d, R12", t.rows)
	s.scope = ""
}

// prefetch asks for the tile of C, needed when the sum is done: waiting for it
// then would stop the units for longer than the processor looks ahead.
func (s *isa) prefetch(t tile) {
	s.line("MOVQ CX, AX")
	for i := range t.rows {
		for line := 0; line < t.vectors*s.bytes(); line += 64 {
			s.line("PREFETCHT0 %d(AX)", line)
		}
		if i+1 < t.rows {
			s.line("ADDQ R10, AX")
		}
	}
}

// start sets the accumulators to the bias at BX, or to zero where BX is nil.
func (s *isa) start(t tile) {
	s.line("TESTQ BX, BX")
	s.jump("JEQ", "clear")
	for j := range t.vectors {
		s.line("VMOVUPS %d(BX), %s", j*s.bytes(), s.v(j))
	}
	for i := 1; i < t.rows; i++ {
		for j := range t.vectors {
			s.line("VMOVAPS %s, %s", s.v(j), s.v(i*t.vectors+j))
		}
	}
	s.jump("JMP", "sum")
	s.label("clear")
	for i := range t.rows * t.vectors {
		s.zero(i)
	}
	s.label("sum")
}

// steps emits the loop over k, counted in R9, four steps at a time.
func (s *isa) steps(t tile, transposed bool) {
	s.line("SUBQ $4, R9")
	s.jump("JLT", "rest")
	s.label("four")
	for u := range 4 {
		s.step(t, transposed, u)
	}
	s.advance(transposed, 4)
	s.line("SUBQ $4, R9")
	s.jump("JGE", "four")
	s.label("rest")
	s.line("ADDQ $4, R9")
	s.jump("JEQ", "done")
	s.label("one")
	s.step(t, transposed, 0)
	s.advance(transposed, 1)
	s.line("DECQ R9")
	s.jump("JNE", "one")
	s.label("done")
}

// step emits the outer product of one column of A and one row of B; u counts
// the steps since the last advance.
func (s *isa) step(t tile, transposed bool, u int) {
	b := t.rows * t.vectors
	offset := 0
	if !transposed {
		offset = 128 * u
	}
	for j := range t.vectors {
		s.line("VMOVUPS %d(DI), %s", offset+j*s.bytes(), s.v(b+j))
	}
	broadcasts := 4
	if !s.wide() {
		broadcasts = 2
	}
	for i := range t.rows {
		a := s.v(b + t.vectors + i%broadcasts)
		s.line("VBROADCASTSS %s, %s", operandA(transposed, i, u), a)
		for j := range t.vectors {
			s.line("VFMADD231PS %s, %s, %s", s.v(b+j), a, s.v(i*t.vectors+j))
		}
	}
	if transposed {
		s.line("ADDQ R8, AX")
		s.line("ADDQ R15, DI")
	}
}

// operandA addresses A(i, u): rows 0-3 are reached from AX, 4-7 from R15.
func operandA(transposed bool, i, u int) string {
	if transposed {
		return fmt.Sprintf("%d(AX)", 4*i)
	}
	base := "AX"
	if i >= 4 {
		base = "R15"
	}
	index := [...]string{"", "(R8*1)", "(R8*2)", "(R14*1)"}[i%4]
	return fmt.Sprintf("%d(%s)%s", 4*u, base, index)
}

// advance moves the pointers of an AN product on by some steps of k.
func (s *isa) advance(transposed bool, steps int) {
	if transposed {
		return
	}
	s.line("ADDQ $%d, AX", 4*steps)
	s.line("ADDQ $%d, R15", 4*steps)
	s.line("ADDQ $%d, DI", 128*steps)
}

// finish adds C where R13 is set and stores the tile at CX.
func (s *isa) finish(t tile) {
	s.line("MOVQ CX, AX")
	s.line("TESTQ R13, R13")
	s.jump("JEQ", "store")
	s.rows(t, func(address, register string) {
		s.line("VADDPS %s, %s, %s", address, register, register)
	})
	s.line("MOVQ CX, AX")
	s.label("store")
	s.rows(t, func(address, register string) {
		s.line("VMOVUPS %s, %s", register, address)
	})
}

// rows visits the accumulators with the address of their place in C.
func (s *isa) rows(t tile, visit func(address, register string)) {
	for i := range t.rows {
		for j := range t.vectors {
			visit(fmt.Sprintf("%d(AX)", j*s.bytes()), s.v(i*t.vectors+j))
		}
		if i+1 < t.rows {
			s.line("ADDQ R10, AX")
		}
	}
}
