package main

import "fmt"

// rowRegisters hold the places of eight rows.
var rowRegisters = [8]string{"R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15"}

// transpose emits the copy of a plane of a strip to rows of other strips: blocks
// of 8 x 8 values, or 4 x 4, are exchanged on the way.
//
// Fields of transposeArgs: src, dst, from, to, dstStep (bytes between two
// strips), count. Row from[8g+i] of src goes to column i of strip g of dst, and
// its column l to row to[l] there; from and to are in elements.
func (s isa) transpose() {
	s.Function("transpose", "the columns of a strip to rows of strips", func() {
		s.Load("SI", "DI", "CX", "DX", "-", "BX")
		for i, r := range rowRegisters {
			s.Line("MOVQ %d(DX), %s", 8*i, r)
		}
		s.Line("MOVQ 32(AX), DX")
		s.Label("group")
		if s.Wide() {
			s.exchangeWide()
		} else {
			s.exchangeNarrow(0)
			s.exchangeNarrow(4)
		}
		s.Line("ADDQ DX, DI")
		s.Line("ADDQ $64, CX")
		s.Line("DECQ BX")
		s.Line("JNE group")
	})
}

// exchangeWide emits the exchange of 8 x 8 values. Of four columns at a time,
// the rows 0 and 2, 1 and 3, 4 and 6, 5 and 7 share a register; unpacking them
// gives pairs of rows of one column, which are then collected.
func (s isa) exchangeWide() {
	for column := 0; column < 8; column += 4 {
		var pair [4]int
		for i, row := range []int{0, 1, 4, 5} {
			pair[i] = s.joined(row, row+2, 8*column)
		}
		for i, op := range []string{"VUNPCKLPD", "VUNPCKHPD"} {
			low, high := s.Two(op, pair[0], pair[1]), s.Two(op, pair[2], pair[3])
			for k, lanes := range []int{0x88, 0xdd} {
				r := s.Alloc()
				s.Line("VSHUFF64X2 $%#x, %s, %s, %s", lanes, s.V(high), s.V(low), s.V(r))
				s.StoreVector(r, fmt.Sprintf("(DI)(%s*8)", rowRegisters[column+i+2*k]))
			}
			s.Release(low, high)
		}
		s.Release(pair[:]...)
	}
}

// exchangeNarrow emits the exchange of the frequencies first to first+3.
func (s isa) exchangeNarrow(first int) {
	for column := 0; column < 8; column += 2 {
		even := s.joined(first, first+2, 8*column)
		odd := s.joined(first+1, first+3, 8*column)
		for i, op := range []string{"VUNPCKLPD", "VUNPCKHPD"} {
			r := s.Two(op, even, odd)
			s.StoreVector(r, fmt.Sprintf("%d(DI)(%s*8)", 8*first, rowRegisters[column+i]))
		}
		s.Release(even, odd)
	}
}

// joined loads half a register each from two rows.
func (s isa) joined(row, row2, offset int) int {
	r := s.Alloc()
	half, insert := "X", "VINSERTF128"
	if s.Wide() {
		half, insert = "Y", "VINSERTF64X4"
	}
	s.Line("MOVQ %d(CX), AX", 8*row)
	s.Line("VMOVUPD %d(SI)(AX*8), %s%d", offset, half, r)
	s.Line("MOVQ %d(CX), AX", 8*row2)
	s.Line("%s $1, %d(SI)(AX*8), %s, %s", insert, offset, s.V(r), s.V(r))
	return r
}

// spread emits the copy from strips to a plane, row by row.
//
// Fields of spreadArgs: src, dst, from (where in a strip of src every row of dst
// is, in elements), srcStep (bytes between two strips), dstPitch (bytes between
// two rows), strips, height.
func (s isa) spread() {
	s.Function("spread", "strips to a plane", func() {
		s.Load("SI", "DI", "DX", "R12", "R14", "BX", "CX")
		s.Label("row")
		s.Line("MOVQ DI, R9")
		s.Line("MOVQ (DX), R8")
		s.Line("LEAQ (SI)(R8*8), R8")
		s.Line("MOVQ BX, AX")
		s.Label("strip")
		s.Halves(func() {
			s.StoreVector(s.LoadVector(fmt.Sprintf("%d(R8)", s.Half)), fmt.Sprintf("%d(R9)", s.Half))
		})
		s.Line("ADDQ R12, R8")
		s.Line("ADDQ $%d, R9", rowBytes)
		s.Line("DECQ AX")
		s.Line("JNE strip")
		s.Line("ADDQ R14, DI")
		s.Line("ADDQ $8, DX")
		s.Line("DECQ CX")
		s.Line("JNE row")
	})
}
