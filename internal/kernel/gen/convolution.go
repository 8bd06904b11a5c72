package main

import "fmt"

// A filterTile is a block of a result of a convolution that stays in registers:
// rows x vectors accumulators, then a row of B, then broadcasts of A.
type filterTile struct {
	rows, vectors int
	step          int // bytes between rows of B; 0: in register R14
}

// convolutions emits the products of convolutions. The AVX-512 kernels are
// emitted for panels of 16, 32 and 48 columns; the AVX2 kernels take 16 columns
// of a panel.
func (s *isa) convolutions() {
	s.sumRows()
	if !s.wide() {
		six, four, two := filterTile{rows: 6, vectors: 2}, filterTile{rows: 4, vectors: 2}, filterTile{rows: 2, vectors: 2}
		s.multiplyTaps("", six)
		s.multiplyPairs("", six, four, two)
		s.multiplyPlane("", six, four, two)
		s.multiplyTiles("", six, six, four)
		return
	}
	for vectors := 1; vectors <= 3; vectors++ {
		eight := filterTile{rows: 8, vectors: vectors, step: vectors * s.bytes()}
		four := eight
		four.rows = 4
		suffix := fmt.Sprint(vectors * s.lanes)
		s.multiplyTaps(suffix, eight)
		s.multiplyPairs(suffix, eight)
		s.multiplyPlane(suffix, eight, four)
		s.multiplyTiles(suffix, eight, eight)
	}
}

// each visits the accumulators of row i with their offset in bytes.
func (s *isa) each(t filterTile, i int, visit func(offset int, register string)) {
	for j := range t.vectors {
		visit(j*s.bytes(), s.v(i*t.vectors+j))
	}
}

// startAt sets the rows of accumulators to the values at a pointer, or to zero if
// it is nil.
func (s *isa) startAt(pointer string, t filterTile) {
	s.line("TESTQ %s, %s", pointer, pointer)
	s.jump("JEQ", "clear")
	for j := range t.vectors {
		s.line("VMOVUPS %d(%s), %s", j*s.bytes(), pointer, s.v(j))
	}
	for i := 1; i < t.rows; i++ {
		for j := range t.vectors {
			s.line("VMOVAPS %s, %s", s.v(j), s.v(i*t.vectors+j))
		}
	}
	s.jump("JMP", "sum")
	s.label("clear")
	s.clear(t)
	s.label("sum")
}

// registers is the number of vector registers.
func (s *isa) registers() int { return 2 * s.lanes }

// clear zeroes the accumulators.
func (s *isa) clear(t filterTile) {
	for i := range t.rows * t.vectors {
		s.zero(i)
	}
}

// outer emits the outer product of values of A, at the given addresses, and row u
// of B from a pointer.
func (s *isa) outer(t filterTile, u int, b string, a func(i int) string) {
	first := t.rows * t.vectors
	for j := range t.vectors {
		s.line("VMOVUPS %d(%s), %s", u*t.step+j*s.bytes(), b, s.v(first+j))
	}
	if t.step == 0 {
		s.line("ADDQ R14, %s", b)
	}
	s.multiplyRow(t, a)
}

// multiplyRow emits the products of values of A and the row of B in the registers
// behind the accumulators.
func (s *isa) multiplyRow(t filterTile, a func(i int) string) {
	first := t.rows * t.vectors
	broadcasts := min(4, s.registers()-first-t.vectors)
	for i := range t.rows {
		x := s.v(first + t.vectors + i%broadcasts)
		s.line("VBROADCASTSS %s, %s", a(i), x)
		for j := range t.vectors {
			s.line("VFMADD231PS %s, %s, %s", s.v(first+j), x, s.v(i*t.vectors+j))
		}
	}
}

// tiles emits a loop over the rows of a result, R12 of them, by the largest tile
// that fits.
func (s *isa) tiles(list []filterTile, body func(t filterTile)) {
	for n, t := range list {
		s.scope = fmt.Sprintf("rows%d", t.rows)
		s.label("")
		if n < len(list)-1 {
			s.line("CMPQ R12, $%d", t.rows)
			s.line("JLT rows%d", list[n+1].rows)
		} else {
			s.line("TESTQ R12, R12")
			s.line("JLE end")
		}
		body(t)
		s.line("SUBQ $%d, R12", t.rows)
		s.line("JMP %s", s.scope)
		s.scope = ""
	}
	s.label("end")
}

// pairsAhead is how far ahead of its work multiplyPairs fetches rows of A. What
// follows the list is read but need not be a place: a fetch cannot fail.
const pairsAhead = 16

// multiplyPairs emits the sum of products of pixels that a tap joins.
//
// Fields of pairsArgs: a, b, c, pairs, k, rows, ldc, add.
func (s *isa) multiplyPairs(suffix string, list ...filterTile) {
	s.function("multiplyPairs"+suffix, "C (+)= sum of outer products of pairs of pixels.", func() {
		s.load("SI", "DX", "CX", "BX", "R8", "R12", "R10")
		s.tiles(list, func(t filterTile) {
			t.step = s.bytes() // unused: B is addressed by pair
			s.line("MOVQ BX, R9")
			s.line("MOVQ R8, R11")
			s.prefetch(tile{rows: t.rows, vectors: t.vectors})
			s.clear(t)
			s.line("PCALIGN $32")
			s.label("pair")
			s.line("MOVQ (R9), AX")
			s.line("MOVQ 8(R9), R13")
			s.line("ADDQ SI, AX")
			s.line("ADDQ DX, R13")
			s.outer(t, 0, "R13", func(i int) string { return fmt.Sprintf("%d(AX)", 4*i) })
			s.line("MOVQ %d(R9), R14", 16*pairsAhead)
			s.line("PREFETCHT0 (SI)(R14*1)")
			s.line("ADDQ $16, R9")
			s.line("DECQ R11")
			s.jump("JNE", "pair")
			s.storeRows(t, 56)
			s.line("ADDQ $%d, SI", 4*t.rows)
		})
	})
}

// storeRows stores the accumulators at CX, rows R10 bytes apart, and moves CX on.
// It adds what is there if the argument at some offset is not zero.
func (s *isa) storeRows(t filterTile, add int) {
	s.line("CMPQ %d(DI), $0", add)
	s.jump("JEQ", "store")
	s.addRows(t, true)
	s.jump("JMP", "next")
	s.label("store")
	s.addRows(t, false)
	s.label("next")
}

// addRows stores the accumulators, or adds them, and moves CX on.
func (s *isa) addRows(t filterTile, add bool) {
	for i := range t.rows {
		s.each(t, i, func(offset int, v string) {
			if add {
				s.line("VADDPS %d(CX), %s, %s", offset, v, v)
			}
			s.line("VMOVUPS %s, %d(CX)", v, offset)
		})
		s.line("ADDQ R10, CX")
	}
}

// sumRows emits dst += the sum of rows of src, for 16 columns.
//
// Fields of sumArgs: dst, src, stride (bytes), rows.
func (s *isa) sumRows() {
	vectors := 16 / s.lanes
	s.function("sumRows", "dst += sum of rows of src, for 16 columns.", func() {
		s.load("SI", "DX", "R8", "R9")
		for j := range vectors {
			s.zero(j)
		}
		s.label("row")
		for j := range vectors {
			s.line("VADDPS %d(DX), %s, %s", j*s.bytes(), s.v(j), s.v(j))
		}
		s.line("ADDQ R8, DX")
		s.line("DECQ R9")
		s.line("JNE row")
		for j := range vectors {
			s.line("VADDPS %d(SI), %s, %s", j*s.bytes(), s.v(j), s.v(j))
			s.line("VMOVUPS %s, %d(SI)", s.v(j), j*s.bytes())
		}
	})
}
