package main

// transpose emits the copy of 8 columns of a panel from 8 rows of memory:
// 8 x 8 blocks are exchanged in registers of 8 lanes on both targets.
//
// Fields of transposeArgs: dst, src, stride (bytes between the rows of src),
// rows (of dst, a multiple of 8, 128 bytes apart).
func (s *isa) transpose() {
	s.function("transpose", "dst(i, j) = src(j, i) for 8 columns j", func() {
		s.load("SI", "DX", "R8", "R9")
		s.line("LEAQ (R8)(R8*2), R10")
		s.label("block")
		s.line("LEAQ (DX)(R8*4), CX")
		for j := range 8 {
			base := [...]string{"DX", "CX"}[j/4]
			index := [...]string{"", "(R8*1)", "(R8*2)", "(R10*1)"}[j%4]
			s.line("VMOVUPS (%s)%s, Y%d", base, index, j)
		}
		// Rows of two columns, of four, of eight: registers 0-7, 8-15, 0-7, 8-15.
		for j := 0; j < 8; j += 2 {
			s.line("VUNPCKLPS Y%d, Y%d, Y%d", j+1, j, 8+j)
			s.line("VUNPCKHPS Y%d, Y%d, Y%d", j+1, j, 9+j)
		}
		for half := 0; half < 8; half += 4 {
			for low := range 2 {
				a, b, out := 8+half+low, 10+half+low, half+2*low
				s.line("VSHUFPS $0x44, Y%d, Y%d, Y%d", b, a, out)
				s.line("VSHUFPS $0xee, Y%d, Y%d, Y%d", b, a, out+1)
			}
		}
		for i := range 4 {
			s.line("VPERM2F128 $0x20, Y%d, Y%d, Y%d", i+4, i, 8+i)
			s.line("VPERM2F128 $0x31, Y%d, Y%d, Y%d", i+4, i, 12+i)
		}
		for i := range 8 {
			s.line("VMOVUPS Y%d, %d(SI)", 8+i, 128*i)
		}
		s.line("ADDQ $32, DX")
		s.line("ADDQ $1024, SI")
		s.line("SUBQ $8, R9")
		s.jump("JNE", "block")
	})
}
