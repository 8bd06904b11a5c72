package main

import "fmt"

// Offsets of the fields of tapsArgs: a, b, c, records, pixels, zeros, dump, bias,
// residual, taps, k (bytes), lda, ldc, ldr, tapStep, ldb.
const (
	tapsA, tapsB, tapsC                 = 0, 8, 16
	tapsPixels, tapsZeros, tapsDump     = 32, 40, 48
	tapsResidual, tapsK, tapsLda        = 64, 80, 88
	tapsLdc, tapsLdr, tapsStep, tapsLdb = 96, 104, 112, 120
)

// multiplyTaps emits a tile of a direct convolution: for every tap, the product of
// some pixels and the weights of the tap. The registers AX to R10 point to the
// pixels.
func (s *isa) multiplyTaps(suffix string, t filterTile) {
	pixels := []string{"AX", "BX", "CX", "DX", "SI", "R8", "R9", "R10"}[:t.rows]
	s.function("multiplyTaps"+suffix, "A tile of a direct convolution.", func() {
		s.load("-", "-", "-", "R13", "-", "-", "-", "AX", "-", "R15")
		if t.step == 0 {
			s.line("MOVQ %d(DI), R14", tapsLdb)
		}
		s.startAt("AX", t)
		s.line("TESTQ R15, R15")
		s.line("JEQ finish")
		s.label("tap")
		for i, p := range pixels {
			s.pixel(p, i, tapsLda, tapsA, tapsZeros)
		}
		s.line("MOVLQSX 32(R13), R11")
		s.line("IMULQ %d(DI), R11", tapsStep)
		s.line("ADDQ %d(DI), R11", tapsB)
		s.tap(t, pixels)
		s.line("ADDQ $36, R13")
		s.line("DECQ R15")
		s.line("JNE tap")
		s.label("finish")
		s.storePixels(t)
	})
}

// tap emits the sum over the channels of a tap, R12 bytes from the first; R11
// points to its weights.
func (s *isa) tap(t filterTile, pixels []string) {
	s.line("XORL R12, R12")
	s.line("PCALIGN $32")
	s.label("four")
	for u := range 4 {
		s.outer(t, u, "R11", func(i int) string { return fmt.Sprintf("%d(%s)(R12*1)", 4*u, pixels[i]) })
	}
	if t.step != 0 {
		s.line("ADDQ $%d, R11", 4*t.step)
	}
	s.line("ADDQ $16, R12")
	s.line("CMPQ R12, %d(DI)", tapsK)
	s.line("JLT four")
}

// storePixels adds the residual, if there is one, and stores the tile.
func (s *isa) storePixels(t filterTile) {
	s.line("MOVQ %d(DI), R13", tapsPixels)
	s.line("CMPQ %d(DI), $0", tapsResidual)
	s.line("JEQ store")
	for i := range t.rows {
		s.pixel("AX", i, tapsLdr, tapsResidual, tapsDump)
		s.each(t, i, func(offset int, v string) { s.line("VADDPS %d(AX), %s, %s", offset, v, v) })
	}
	s.label("store")
	for i := range t.rows {
		s.pixel("AX", i, tapsLdc, tapsC, tapsDump)
		s.each(t, i, func(offset int, v string) { s.line("VMOVUPS %s, %d(AX)", v, offset) })
	}
}

// pixel points a register to pixel i of the list at R13, or to a substitute if it
// is negative; step, base and substitute are offsets of the arguments.
func (s *isa) pixel(register string, i, step, base, substitute int) {
	s.line("MOVLQSX %d(R13), %s", 4*i, register)
	s.line("IMULQ %d(DI), %s", step, register)
	s.line("ADDQ %d(DI), %s", base, register)
	s.line("CMPL %d(R13), $0", 4*i)
	s.line("CMOVQLT %d(DI), %s", substitute, register)
}
