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
	// exp(r) = 1 + r (1 + r (c0 + c1 r + ...)) on |r| < ln(2)/2, of the least
	// relative error, 1.05e-7.
	{"exp0", math.Float32bits(4.9999231791e-1)},
	{"exp1", math.Float32bits(1.6667114465e-1)},
	{"exp2", math.Float32bits(4.1890113171e-2)},
	{"exp3", math.Float32bits(8.3125248767e-3)},
	// Adding it rounds to an integer, which is then found in the low bits.
	{"magic", math.Float32bits(3 << 22)},
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

// activations emits SiLU, x sigmoid(x), with its slope s (1 + x (1 - s)), s =
// sigmoid(x), and its pullback.
//
// Fields of siluArgs: dst, grad, src, n (a multiple of 16). grad is where
// siluSlope leaves the slope.
func (s *isa) activations() {
	s.function("silu", "dst = src * sigmoid(src)", func() {
		s.activation(func() {
			s.line("VMOVUPS (DX), %s", s.v(2))
			s.line("VDIVPS %s, %s, %s", s.v(0), s.v(2), s.v(0))
		})
	})
	s.function("siluSlope", "dst = src * sigmoid(src), grad = its derivative", func() {
		s.activation(func() {
			one := s.number("one")
			s.line("VDIVPS %s, %s, %s", s.v(0), one, s.v(1))
			s.line("VMOVUPS (DX), %s", s.v(2))
			s.line("VMULPS %s, %s, %s", s.v(1), s.v(2), s.v(0))
			s.line("VSUBPS %s, %s, %s", s.v(1), one, s.v(14))
			s.line("VFMADD213PS %s, %s, %s", one, s.v(2), s.v(14))
			s.line("VMULPS %s, %s, %s", s.v(1), s.v(14), s.v(14))
			s.line("VMOVUPS %s, (CX)", s.v(14))
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
	s.forward("SI", "CX", "DX")
	s.line("SUBQ $%d, R8", s.lanes)
	s.jump("JNE", "loop")
}

// exponential leaves exp(-x), x at DX limited to +-87, in register 0: with n the
// integer nearest to -x/ln 2 and r = -x - n ln 2, exp(-x) = 2^n exp(r), where n
// is added to the exponent. At n = -126 that is wrong, but far too small to count
// beside 1.
func (s *isa) exponential() {
	s.line("VMOVUPS (DX), %s", s.v(2))
	s.line("VMINPS %s, %s, %s", s.number("limit"), s.v(2), s.v(2))
	s.line("VMAXPS %s, %s, %s", s.number("minusLimit"), s.v(2), s.v(2))
	s.line("VMOVAPS %s, %s", s.number("magic"), s.v(1))
	s.line("VFMADD231PS %s, %s, %s", s.number("minusLog2e"), s.v(2), s.v(1))
	s.line("VSUBPS %s, %s, %s", s.number("magic"), s.v(1), s.v(0))
	s.line("VFNMSUB231PS %s, %s, %s", s.number("ln2high"), s.v(0), s.v(2))
	s.line("VFNMADD231PS %s, %s, %s", s.number("ln2low"), s.v(0), s.v(2))
	s.line("VMOVAPS %s, %s", s.number("exp3"), s.v(0))
	for _, c := range []string{"exp2", "exp1", "exp0", "one", "one"} {
		s.line("VFMADD213PS %s, %s, %s", s.number(c), s.v(2), s.v(0))
	}
	s.line("VPSLLD $23, %s, %s", s.v(1), s.v(1))
	s.line("VPADDD %s, %s, %s", s.v(1), s.v(0), s.v(0))
}
