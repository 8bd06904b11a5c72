package main

import "fmt"

// accumulators is the number of registers that the probes work on in turn. Two
// units with a latency of four or five cycles need 8 or 10 to be kept busy.
const accumulators = 12

// probes emits the kernels that measure the machine.
func (s *isa) probes() {
	s.multiplyAdds()
	s.read()
}

// multiplyAdds emits rounds of one multiply-add on every accumulator. Fields of
// multiplyAddsArgs: rounds, then float32 factor, addend and sums (16).
func (s *isa) multiplyAdds() {
	s.function("multiplyAdds", "x = factor x + addend on independent registers, then their sum", func() {
		s.load("R8")
		factor, addend := s.v(accumulators), s.v(accumulators+1)
		s.line("VBROADCASTSS 8(DI), %s", factor)
		s.line("VBROADCASTSS 12(DI), %s", addend)
		for i := range accumulators {
			s.zero(i)
		}
		s.line("PCALIGN $64")
		s.label("loop")
		for i := range accumulators {
			s.line("VFMADD213PS %s, %s, %s", addend, factor, s.v(i))
		}
		s.line("DECQ R8")
		s.jump("JNE", "loop")
		for i := 1; i < accumulators; i++ {
			s.line("VADDPS %s, %s, %s", s.v(i), s.v(0), s.v(0))
		}
		s.line("VMOVUPS %s, 16(DI)", s.v(0))
	})
}

// read emits the exclusive or of an array, a load each, read several times.
// Fields of readArgs: src, n (a multiple of 128), passes, bits (16 words).
func (s *isa) read() {
	const vectors = 8
	s.function("read", "bits = exclusive or of src", func() {
		s.load("-", "-", "R9")
		for i := range vectors {
			s.zero(i)
		}
		s.label("pass")
		s.load("SI", "R8")
		s.line("PCALIGN $64")
		s.label("loop")
		for i := range vectors {
			s.xor(fmt.Sprintf("%d(SI)", i*s.bytes()), i)
		}
		s.line("ADDQ $%d, SI", vectors*s.bytes())
		s.line("SUBQ $%d, R8", vectors*s.lanes)
		s.jump("JNE", "loop")
		s.line("DECQ R9")
		s.jump("JNE", "pass")
		for i := 1; i < vectors; i++ {
			s.xor(s.v(i), 0)
		}
		s.line("VMOVUPS %s, 24(DI)", s.v(0))
	})
}

// xor emits the exclusive or of a source into vector register i.
func (s *isa) xor(source string, i int) {
	op := "VPXOR"
	if s.wide() {
		op = "VPXORD"
	}
	s.line("%s %s, %s, %s", op, source, s.v(i), s.v(i))
}
