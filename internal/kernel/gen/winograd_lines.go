package main

// The transforms of Winograd's algorithm F(4x4, 3x3) with the points 0, +-a,
// +-b and infinity; see winograd.go of package kernel for the mathematics.
const (
	pointA, pointB = 0.75, 1.5
	squareA        = pointA * pointA
	squareB        = pointB * pointB
	normZero       = squareA * squareB
	normA          = 2 * squareA * (squareA - squareB)
	normB          = 2 * squareB * (squareB - squareA)
)

// winogradNumbers are the constants of the transforms.
var winogradNumbers = []struct {
	name  string
	value float64
}{
	{"winogradA", pointA},
	{"winogradB", pointB},
	{"winogradA2", squareA},
	{"winogradB2", squareB},
	{"winogradA3", pointA * squareA},
	{"winogradB3", pointB * squareB},
	{"winogradAB", squareA * squareB},
	{"winogradSum", squareA + squareB},
	{"winogradZero", 1 / normZero},
	{"winogradNA", 1 / normA},
	{"winogradNA1", pointA / normA},
	{"winogradNA2", squareA / normA},
	{"winogradNB", 1 / normB},
	{"winogradNB1", pointB / normB},
	{"winogradNB2", squareB / normB},
}

// A line is a transform of a vector of some values into another.
type line struct {
	in, out   int
	temps     int // registers that it needs besides those of its values
	constants []string
	kept      []int // results that are best kept in registers, if there are 32
	emit      func(s *isa, p *passage)
}

// A passage is one application of a line.
type passage struct {
	x []int // registers of the values; they may be overwritten
	t []int // free registers
	// to is the register that result i is to be computed in: the fallback
	// unless it has a place of its own.
	to func(i, fallback int) int
	// out takes result i from a register.
	out func(i, register int)
}

// constant is the register of a constant of a line; the last registers are.
func (s *isa) constant(l *line, name string) string {
	for i, c := range l.constants {
		if c == name {
			return s.v(s.registers() - 1 - i)
		}
	}
	panic("gen: line without constant " + name)
}

// loadConstants broadcasts the constants of a line.
func (s *isa) loadConstants(l *line) {
	for _, c := range l.constants {
		s.line("VBROADCASTSS %s<>(SB), %s", c, s.constant(l, c))
	}
}

// op emits an instruction on vector registers: the last is written.
func (s *isa) op(name string, registers ...any) {
	text := name
	for i, r := range registers {
		separator := ", "
		if i == 0 {
			separator = " "
		}
		switch r := r.(type) {
		case int:
			text += separator + s.v(r)
		case string:
			text += separator + r
		}
	}
	s.line("%s", text)
}

// inputLine is B': the values at the points of the polynomial that the source
// is divided by.
func inputLine() *line {
	l := &line{in: 6, out: 6, temps: 2, kept: []int{1, 2, 4},
		constants: []string{"winogradA", "winogradB", "winogradA2", "winogradB2", "winogradAB", "winogradSum"}}
	l.emit = func(s *isa, p *passage) {
		c := func(name string) string { return s.constant(l, "winograd"+name) }
		d, odd := p.x, p.t[1]
		s.op("VFMADD213PS", d[4], c("AB"), d[0]) // d0 ab + d4
		s.op("VFNMADD231PS", c("Sum"), d[2], d[0])
		p.out(0, d[0])
		s.op("VFMADD231PS", c("AB"), d[1], d[5])
		s.op("VFNMADD231PS", c("Sum"), d[3], d[5])
		p.out(5, d[5])
		plus, minus := p.to(1, p.t[0]), p.to(2, d[0])
		s.op("VMOVAPS", d[4], plus)
		s.op("VMOVAPS", d[3], odd)
		s.op("VFNMADD231PS", c("B2"), d[2], plus)
		s.op("VFNMADD231PS", c("B2"), d[1], odd)
		s.op("VMOVAPS", plus, minus)
		s.op("VFMADD231PS", c("A"), odd, plus)
		s.op("VFNMADD231PS", c("A"), odd, minus)
		p.out(1, plus)
		p.out(2, minus)
		minus = p.to(4, d[5])
		s.op("VFNMADD231PS", c("A2"), d[2], d[4])
		s.op("VFNMADD231PS", c("A2"), d[1], d[3])
		s.op("VMOVAPS", d[4], minus)
		s.op("VFMADD231PS", c("B"), d[3], d[4])
		s.op("VFNMADD231PS", c("B"), d[3], minus)
		p.out(3, d[4])
		p.out(4, minus)
	}
	return l
}

// outputLine is A': the coefficients of the result.
func outputLine() *line {
	l := &line{in: 6, out: 4, temps: 2, kept: []int{0, 1, 2},
		constants: []string{"winogradA", "winogradB", "winogradA2", "winogradB2", "winogradA3", "winogradB3"}}
	l.emit = func(s *isa, p *passage) {
		c := func(name string) string { return s.constant(l, "winograd"+name) }
		m, evenA, evenB := p.x, p.t[0], p.t[1]
		s.op("VADDPS", m[2], m[1], evenA)
		s.op("VADDPS", m[4], m[3], evenB)
		s.op("VSUBPS", m[2], m[1], m[1])
		s.op("VSUBPS", m[4], m[3], m[3])
		y := p.to(0, m[0])
		s.op("VADDPS", evenA, m[0], y)
		s.op("VADDPS", evenB, y, y)
		p.out(0, y)
		y = p.to(1, m[2])
		s.op("VMULPS", c("A"), m[1], y)
		s.op("VFMADD231PS", c("B"), m[3], y)
		p.out(1, y)
		y = p.to(2, m[4])
		s.op("VMULPS", c("A2"), evenA, y)
		s.op("VFMADD231PS", c("B2"), evenB, y)
		p.out(2, y)
		s.op("VFMADD231PS", c("A3"), m[1], m[5])
		s.op("VFMADD231PS", c("B3"), m[3], m[5])
		p.out(3, m[5])
	}
	return l
}

// resultLine is A: the values at the points of a polynomial of the result.
func resultLine() *line {
	l := &line{in: 4, out: 6, temps: 3, kept: []int{0, 1, 2, 3, 4},
		constants: []string{"winogradA", "winogradB", "winogradA2", "winogradB2"}}
	l.emit = func(s *isa, p *passage) {
		y, odd := p.x, p.t[1]
		p.out(0, y[0])
		p.out(5, y[3])
		for i, point := range []string{"A", "B"} {
			x, square := s.constant(l, "winograd"+point), s.constant(l, "winograd"+point+"2")
			plus, minus := p.to(1+2*i, p.t[0]), p.to(2+2*i, p.t[2])
			s.op("VMOVAPS", y[0], plus)
			s.op("VMOVAPS", y[1], odd)
			s.op("VFMADD231PS", square, y[2], plus)
			s.op("VFMADD231PS", square, y[3], odd)
			s.op("VMOVAPS", plus, minus)
			s.op("VFMADD231PS", x, odd, plus)
			s.op("VFNMADD231PS", x, odd, minus)
			p.out(1+2*i, plus)
			p.out(2+2*i, minus)
		}
	}
	return l
}

// filterLine is G: the values at the points of the polynomial of a filter, over
// the norms of the points.
func filterLine() *line {
	l := &line{in: 3, out: 6, temps: 2, kept: []int{0, 1, 2, 3, 4, 5},
		constants: []string{"winogradZero", "winogradNA", "winogradNA1", "winogradNA2", "winogradNB", "winogradNB1", "winogradNB2"}}
	l.emit = func(s *isa, p *passage) {
		g := p.x
		for i, point := range []string{"NA", "NB"} {
			c := func(power string) string { return s.constant(l, "winograd"+point+power) }
			plus, minus := p.to(1+2*i, p.t[0]), p.to(2+2*i, p.t[1])
			s.op("VMULPS", c(""), g[0], plus)
			s.op("VFMADD231PS", c("2"), g[2], plus)
			s.op("VMOVAPS", plus, minus)
			s.op("VFMADD231PS", c("1"), g[1], plus)
			s.op("VFNMADD231PS", c("1"), g[1], minus)
			p.out(1+2*i, plus)
			p.out(2+2*i, minus)
		}
		y := p.to(0, g[0])
		s.op("VMULPS", s.constant(l, "winogradZero"), g[0], y)
		p.out(0, y)
		p.out(5, g[2])
	}
	return l
}

// weightLine is G': the cotangent of a filter.
func weightLine() *line {
	l := &line{in: 6, out: 3, temps: 2, kept: []int{0, 1}, constants: filterLine().constants}
	l.emit = func(s *isa, p *passage) {
		c := func(name string) string { return s.constant(l, "winograd"+name) }
		u, evenA, evenB := p.x, p.t[0], p.t[1]
		s.op("VADDPS", u[2], u[1], evenA)
		s.op("VADDPS", u[4], u[3], evenB)
		s.op("VSUBPS", u[2], u[1], u[1])
		s.op("VSUBPS", u[4], u[3], u[3])
		y := p.to(0, u[0])
		s.op("VMULPS", c("Zero"), u[0], y)
		s.op("VFMADD231PS", c("NA"), evenA, y)
		s.op("VFMADD231PS", c("NB"), evenB, y)
		p.out(0, y)
		y = p.to(1, u[2])
		s.op("VMULPS", c("NA1"), u[1], y)
		s.op("VFMADD231PS", c("NB1"), u[3], y)
		p.out(1, y)
		s.op("VFMADD231PS", c("NA2"), evenA, u[5])
		s.op("VFMADD231PS", c("NB2"), evenB, u[5])
		p.out(2, u[5])
	}
	return l
}
