package main

import (
	"fmt"
	"math"
)

// numbers are the constants that kernels broadcast from read-only memory.
var numbers = []struct {
	name string
	bits uint32
}{
	{"one", math.Float32bits(1)},
	{"minusLog2e", math.Float32bits(-math.Log2E)},
	// ln 2 in two parts: the first has so few bits that its product with an
	// exponent is exact.
	{"ln2high", math.Float32bits(0.693359375)},
	{"ln2low", math.Float32bits(-2.12194440e-4)},
	{"limit", math.Float32bits(87)},
	{"minusLimit", math.Float32bits(-87)},
	// exp(r) = 1 + r (1 + r (c0 + c1 r + ...)) on |r| < ln(2)/2: the minimax
	// coefficients of Moshier's Cephes library (expf).
	{"exp0", math.Float32bits(5.0000001201e-1)},
	{"exp1", math.Float32bits(1.6666665459e-1)},
	{"exp2", math.Float32bits(4.1665795894e-2)},
	{"exp3", math.Float32bits(8.3334519073e-3)},
	{"exp4", math.Float32bits(1.3981999507e-3)},
	{"exp5", math.Float32bits(1.9875691500e-4)},
	{"exponentBias", 127},
}

// constants emits the numbers as symbols of the file.
func (s *isa) constants() {
	s.text.WriteByte('\n')
	for _, c := range numbers {
		fmt.Fprintf(&s.text, "DATA %s<>(SB)/4, $%#08x\nGLOBL %s<>(SB), RODATA|NOPTR, $4\n", c.name, c.bits, c.name)
	}
}

// number is the register that holds a constant; the last registers do.
func (s *isa) number(name string) string {
	for i, c := range numbers {
		if c.name == name {
			return s.v(3 + i)
		}
	}
	panic("gen: no number " + name)
}

// activations emits SiLU, x sigmoid(x), and its pullback.
//
// Fields of siluArgs: dst, grad, src, n (a multiple of 16).
func (s *isa) activations() {
	s.function("silu", "dst = src * sigmoid(src)", func() {
		s.activation(func() {
			s.line("VMOVUPS (DX), %s", s.v(2))
			s.line("VDIVPS %s, %s, %s", s.v(0), s.v(2), s.v(0))
		})
	})
	s.function("siluPull", "dst = grad * derivative of SiLU at src", func() {
		s.activation(func() {
			one := s.number("one")
			s.line("VDIVPS %s, %s, %s", s.v(0), one, s.v(0))
			s.line("VMOVUPS (DX), %s", s.v(2))
			s.line("VSUBPS %s, %s, %s", s.v(0), one, s.v(1))
			s.line("VFMADD213PS %s, %s, %s", one, s.v(2), s.v(1))
			s.line("VMULPS %s, %s, %s", s.v(1), s.v(0), s.v(0))
			s.line("VMULPS (CX), %s, %s", s.v(0), s.v(0))
		})
	})
}

// activation loops over vectors; finish finds 1 + exp(-src) in register 0 and
// leaves the result there.
func (s *isa) activation(finish func()) {
	s.load("SI", "CX", "DX", "R8")
	for _, c := range numbers {
		s.line("VBROADCASTSS %s<>(SB), %s", c.name, s.number(c.name))
	}
	s.label("loop")
	s.exponential()
	s.line("VADDPS %s, %s, %s", s.number("one"), s.v(0), s.v(0))
	finish()
	s.line("VMOVUPS %s, (SI)", s.v(0))
	for _, r := range []string{"SI", "CX", "DX"} {
		s.line("ADDQ $%d, %s", s.bytes(), r)
	}
	s.line("SUBQ $%d, R8", s.lanes)
	s.jump("JNE", "loop")
}

// exponential leaves exp(-x), x at DX limited to +-87, in register 0.
func (s *isa) exponential() {
	s.line("VMOVUPS (DX), %s", s.v(2))
	s.line("VMINPS %s, %s, %s", s.number("limit"), s.v(2), s.v(2))
	s.line("VMAXPS %s, %s, %s", s.number("minusLimit"), s.v(2), s.v(2))
	s.line("VMULPS %s, %s, %s", s.number("minusLog2e"), s.v(2), s.v(1))
	if s.wide() {
		s.line("VRNDSCALEPS $0, %s, %s", s.v(1), s.v(1))
	} else {
		s.line("VROUNDPS $0, %s, %s", s.v(1), s.v(1))
	}
	s.line("VFNMSUB231PS %s, %s, %s", s.number("ln2high"), s.v(1), s.v(2))
	s.line("VFNMADD231PS %s, %s, %s", s.number("ln2low"), s.v(1), s.v(2))
	s.line("VMOVAPS %s, %s", s.number("exp5"), s.v(0))
	for _, c := range []string{"exp4", "exp3", "exp2", "exp1", "exp0", "one", "one"} {
		s.line("VFMADD213PS %s, %s, %s", s.number(c), s.v(2), s.v(0))
	}
	if s.wide() {
		s.line("VSCALEFPS %s, %s, %s", s.v(1), s.v(0), s.v(0))
		return
	}
	s.line("VCVTPS2DQ %s, %s", s.v(1), s.v(1))
	s.line("VPADDD %s, %s, %s", s.number("exponentBias"), s.v(1), s.v(1))
	s.line("VPSLLD $23, %s, %s", s.v(1), s.v(1))
	s.line("VMULPS %s, %s, %s", s.v(1), s.v(0), s.v(0))
}
