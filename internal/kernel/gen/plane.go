package main

import "fmt"

// fetched is the number of cache lines of the panel to come that are fetched in
// four steps: enough for 24 rows to fetch all of it.
const fetched = 4

// multiplyPlane emits the product of the rows of a plane and a panel. While it
// works, the AVX-512 kernel fetches the next rows of A, which follow at once, and
// the panel to come: the weights of all frequencies do not fit the second-level
// cache. The AVX2 kernel is slow enough for the processor to do so.
//
// Fields of planeArgs: a, b, c, k (a multiple of 4), rows, lda, ldc, ldb, add,
// next.
func (s *isa) multiplyPlane(suffix string, list ...filterTile) {
	s.function("multiplyPlane"+suffix, "C (+)= A B for some rows and the columns of a panel.", func() {
		s.load("SI", "DX", "CX", "R11", "R12", "R8", "R10", "R14")
		s.line("LEAQ (R8)(R8*2), R9")
		if s.wide() {
			s.line("MOVQ 72(DI), R14")
		}
		s.tiles(list, func(t filterTile) {
			s.line("MOVQ SI, AX")
			s.line("LEAQ (SI)(R8*4), BX")
			s.line("MOVQ DX, R13")
			s.line("MOVQ R11, R15")
			if s.wide() {
				s.line("LEAQ (SI)(R8*%d), DI", t.rows)
			}
			s.clear(t)
			s.line("PCALIGN $32")
			s.label("four")
			s.fourSteps(t)
			s.line("SUBQ $4, R15")
			s.jump("JNE", "four")
			for range t.rows / 2 {
				s.line("LEAQ (SI)(R8*2), SI")
			}
			s.line("MOVQ args+0(FP), DI")
			s.storeRows(t, 64)
		})
	})
}

// fourSteps emits four steps of k and moves on. A is at AX and, from row 4 on, at
// BX; B at R13; the rows to fetch at DI and the panel to fetch at R14.
func (s *isa) fourSteps(t filterTile) {
	for u := range 4 {
		s.outer(t, u, "R13", func(i int) string { return operandA4(i, u) })
		if s.wide() {
			if u%2 == 0 {
				s.line("PREFETCHT0 %d(DI)", 32*u)
			}
			for n := u; n < fetched; n += 4 {
				s.line("PREFETCHT1 %d(R14)", 64*n)
			}
		}
	}
	if s.wide() {
		s.line("SUBQ $-128, DI")
		s.line("ADDQ $%d, R14", 64*fetched)
		s.line("ADDQ $%d, R13", 4*t.step)
	}
	s.line("ADDQ $16, AX")
	s.line("ADDQ $16, BX")
}

// operandA4 addresses A(i, u) with R8 the step of rows and R9 three steps.
func operandA4(i, u int) string {
	return fmt.Sprintf("%d(%s)%s", 4*u, [...]string{"AX", "BX"}[i/4], [...]string{"", "(R8*1)", "(R8*2)", "(R9*1)"}[i%4])
}
