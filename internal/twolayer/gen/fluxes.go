package main

import (
	"fmt"
	"math"
)

// fluxes emits the fluxes of a layer at points of the grid.
//
// Fields of fluxArgs: u, v, q, fluxX, fluxY, n (points, a multiple of eight),
// background, and the fastest flow of every lane along x and y.
func (s isa) fluxes() {
	s.Function("fluxes", "(u+U) q and v q, and the fastest |u+U| and |v|", func() {
		background := s.Alloc()
		s.Line("VBROADCASTSD 48(AX), %s", s.V(background))
		sign := s.Constant(math.Float64frombits(1<<63 - 1))
		fastest := [2]int{s.LoadVector("56(AX)"), s.LoadVector("120(AX)")}
		zero, spoilt := s.zero(), [2]int{s.zero(), s.zero()}
		s.Load("SI", "BX", "CX", "DI", "R8", "R9")
		s.Line("XORQ R10, R10")
		s.Label("row")
		s.Halves(func() {
			at := func(base string) string { return fmt.Sprintf("%d(%s)(R10*8)", s.Half, base) }
			q := s.LoadVector(at("CX"))
			u := s.LoadVector(at("SI"))
			s.Line("VADDPD %s, %s, %s", s.V(background), s.V(u), s.V(u))
			v := s.LoadVector(at("BX"))
			for i, flow := range []int{u, v} {
				size := s.Alloc()
				s.Line("VANDPD %s, %s, %s", sign, s.V(flow), s.V(size))
				// VMAXPD forgets values that are not numbers, sums do not.
				s.Line("VMAXPD %s, %s, %s", s.V(size), s.V(fastest[i]), s.V(fastest[i]))
				s.Line("VFMADD231PD %s, %s, %s", s.V(zero), s.V(flow), s.V(spoilt[i]))
				s.Release(size)
				s.Line("VMULPD %s, %s, %s", s.V(q), s.V(flow), s.V(flow))
				s.StoreVector(flow, at([]string{"DI", "R8"}[i]))
			}
			s.Release(q)
		})
		s.Line("ADDQ $8, R10")
		s.Line("CMPQ R10, R9")
		s.Line("JLT row")
		for i, address := range []string{"56(AX)", "120(AX)"} {
			s.StoreVector(s.Two("VADDPD", fastest[i], spoilt[i]), address)
		}
	})
}

// zero returns a register that is zero.
func (s isa) zero() int {
	r := s.Alloc()
	s.Line("VXORPD %s, %s, %s", s.V(r), s.V(r), s.V(r))
	return r
}
