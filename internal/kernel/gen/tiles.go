package main

import "fmt"

// multiplyTiles emits the sum over tiles of the outer products of their channels
// at one frequency. A and B hold blocks of 16 channels, a block having all tiles
// one after the other, so that both are read in order. The list cuts the 16 rows
// of C that belong to a block of A.
//
// Fields of tilesArgs: a, b, c, k, rows, lda, ldb, ldc, add, ahead.
func (s *isa) multiplyTiles(suffix string, list ...filterTile) {
	s.function("multiplyTiles"+suffix, "C (+)= A' B for some tiles at one frequency.", func() {
		s.load("SI", "DX", "CX", "R8", "R12", "-", "R14", "R10", "-", "R9")
		s.label("block")
		first := 0
		for _, t := range list {
			s.scope = fmt.Sprintf("rows%d", first)
			s.blockRows(t, first)
			s.scope = ""
			first += t.rows
		}
		s.line("ADDQ 40(DI), SI")
		s.line("SUBQ $%d, R12", first)
		s.line("JNE block")
	})
}

// blockRows emits some rows of a block, from the given one on.
func (s *isa) blockRows(t filterTile, first int) {
	const together = 4
	s.line("LEAQ %d(SI), R13", 4*first)
	s.line("MOVQ DX, BX")
	s.line("MOVQ R8, R11")
	s.prefetch(tile{rows: t.rows, vectors: t.vectors})
	s.clear(t)
	s.line("SUBQ $%d, R11", together)
	s.jump("JLT", "rest")
	s.line("PCALIGN $32")
	s.label("four")
	for u := range together {
		s.blockedOuter(t, u)
		if first == 0 {
			s.line("PREFETCHT1 %d(R13)(R9*1)", 64*u)
		}
	}
	s.line("ADDQ $%d, R13", 64*together)
	s.line("ADDQ $%d, BX", 64*together)
	s.line("SUBQ $%d, R11", together)
	s.jump("JGE", "four")
	s.label("rest")
	s.line("ADDQ $%d, R11", together)
	s.jump("JEQ", "done")
	s.label("one")
	s.blockedOuter(t, 0)
	s.line("ADDQ $64, R13")
	s.line("ADDQ $64, BX")
	s.line("DECQ R11")
	s.jump("JNE", "one")
	s.label("done")
	s.storeRows(t, 64)
}

// blockedOuter emits the outer product of the values of A at R13 and of B at BX,
// of the tile u from there; the blocks of B are R14 bytes apart.
func (s *isa) blockedOuter(t filterTile, u int) {
	first := t.rows * t.vectors
	for j := range t.vectors {
		if s.wide() {
			s.line("VMOVUPS %d(BX)%s, %s", 64*u, [...]string{"", "(R14*1)", "(R14*2)"}[j], s.v(first+j))
		} else {
			s.line("VMOVUPS %d(BX), %s", 64*u+32*j, s.v(first+j))
		}
	}
	s.multiplyRow(t, func(i int) string { return fmt.Sprintf("%d(R13)", 64*u+4*i) })
}
