package main

import (
	"fmt"
	"math"
	"slices"
)

// A square is a line along one side of a square of values and then along the
// other. What lies between is kept in registers as far as there are enough, and
// in the scratch space at R13.
type square struct {
	*line
	load func(a, b, register int) // value b of vector a
	next func()                   // between vectors
	// store finds value b of vector a of the result, whose sides are exchanged.
	store func(a, b, register int)
	then  func() // between vectors of the result
}

// place is the register of value b of vector a of what lies between, or -1.
func (q square) place(s *isa, a, b int) int {
	if i := slices.Index(q.kept, a); i >= 0 && s.wide() {
		return s.registers() - 1 - len(q.constants) - i*q.in - b
	}
	return -1
}

func (q square) memory(s *isa, a, b int) string {
	return fmt.Sprintf("%d(R13)", (a*q.in+b)*s.bytes())
}

// passage takes values from the first registers and computes in the next.
func (q square) passage() passage {
	p := passage{}
	for i := range q.in + q.temps {
		p.x = append(p.x, i)
	}
	p.x, p.t = p.x[:q.in], p.x[q.in:]
	return p
}

// first emits the first half.
func (q square) first(s *isa) {
	for a := range q.in {
		p := q.passage()
		for b, x := range p.x {
			q.load(a, b, x)
		}
		if q.next != nil && a+1 < q.in {
			q.next()
		}
		p.to = func(b, fallback int) int {
			if place := q.place(s, b, a); place >= 0 {
				return place
			}
			return fallback
		}
		p.out = func(b, register int) {
			switch place := q.place(s, b, a); {
			case place < 0:
				s.line("VMOVUPS %s, %s", s.v(register), q.memory(s, b, a))
			case place != register:
				s.op("VMOVAPS", register, place)
			}
		}
		q.emit(s, &p)
	}
}

// second emits the second half.
func (q square) second(s *isa) {
	for a := range q.out {
		p := q.passage()
		for b := range p.x {
			if place := q.place(s, a, b); place >= 0 {
				p.x[b] = place
			} else {
				s.line("VMOVUPS %s, %s", q.memory(s, a, b), s.v(p.x[b]))
			}
		}
		p.to = func(_, fallback int) int { return fallback }
		p.out = func(b, register int) { q.store(a, b, register) }
		q.emit(s, &p)
		if q.then != nil && a+1 < q.out {
			q.then()
		}
	}
}

// winograd emits the constants and the transforms.
func (s *isa) winograd() {
	s.text.WriteByte('\n')
	for _, c := range winogradNumbers {
		fmt.Fprintf(&s.text, "DATA %s<>(SB)/4, $%#08x\nGLOBL %s<>(SB), RODATA|NOPTR, $4\n",
			c.name, math.Float32bits(float32(c.value)), c.name)
	}
	s.gather("winogradInput", "Tiles of the source to the frequencies.", inputLine(), false)
	s.gather("winogradResult", "Tiles of a cotangent of the result to the frequencies, and their sum.", resultLine(), true)
	s.scatter()
	s.filter("winogradFilter", "VMOVUPS")
	if s.wide() {
		s.filter("winogradFilterStream", "VMOVNTPS")
	}
	s.weights()
}

// scratchPointers is the place of the pointers in the scratch space of a
// transform, after 36 vectors.
const scratchPointers = 36 * 64

// resolve emits the pointers to the pixels of a tile, listed at DX; base, step
// and substitute are offsets of the arguments, place one of the scratch space.
func (s *isa) resolve(pixels, base, step, substitute, place int) {
	s.line("XORL BX, BX")
	s.label("pixel")
	s.line("MOVLQSX (DX)(BX*4), AX")
	s.line("IMULQ %d(DI), AX", step)
	s.line("ADDQ %d(DI), AX", base)
	s.line("CMPL (DX)(BX*4), $0")
	s.line("CMOVQLT %d(DI), AX", substitute)
	s.line("MOVQ AX, %d(R13)(BX*8)", place)
	s.line("INCQ BX")
	s.line("CMPQ BX, $%d", pixels)
	s.jump("JNE", "pixel")
}

// channels emits a loop over the channels, R9 bytes from the first one, R11 in
// all.
func (s *isa) channels(body func()) {
	s.line("XORL R9, R9")
	s.label("channels")
	body()
	s.line("ADDQ $%d, R9", s.bytes())
	s.line("CMPQ R9, R11")
	s.jump("JLT", "channels")
}

// planeOf addresses plane j of a row of six, with BX at the first, AX at the
// fourth, and R10 the step.
func planeOf(j int) string {
	return "(" + [...]string{"BX", "AX"}[j/3] + ")" + [...]string{"", "(R10*1)", "(R10*2)"}[j%3]
}

// firstPlanes points AX to the fourth of a row of planes: R12 is three steps.
func (s *isa) firstPlanes() { s.line("LEAQ (BX)(R12*1), AX") }

// nextPlanes moves to the next row of planes.
func (s *isa) nextPlanes() {
	s.line("LEAQ (BX)(R12*2), BX")
	s.firstPlanes()
}

// gather emits a transform of tiles of an image. With sum it adds the pixels of
// each channel to sums.
//
// Fields of gatherArgs: src, table, dst, zeros, scratch, lds, ldd, plane,
// channels (bytes), tiles, sums, next.
func (s *isa) gather(name, comment string, l *line, sum bool) {
	q := square{line: l,
		load: func(a, b, register int) {
			s.line("MOVQ %d(R13), R8", scratchPointers+8*(b*l.in+a))
			s.line("VMOVUPS (R8)(R9*1), %s", s.v(register))
			if sum && b == l.in-1 {
				s.addVector(a, l)
			}
		},
		store: func(_, b, register int) {
			s.line("VMOVUPS %s, %s", s.v(register), planeOf(b))
			s.line("PREFETCHT0 64%s", planeOf(b)) // the next channels or tile
		},
		then: s.nextPlanes,
	}
	s.function(name, comment, func() {
		s.load("-", "DX", "CX", "-", "R13", "-", "-", "R10", "R11", "R15", "SI", "R14")
		s.line("LEAQ (R10)(R10*2), R12")
		s.loadConstants(l)
		s.label("tile")
		s.resolve(l.in*l.in, 0, 40, 24, scratchPointers)
		s.channels(func() {
			q.first(s)
			s.blockedAt("CX")
			s.firstPlanes()
			q.second(s)
		})
		s.line("ADDQ $%d, DX", 4*l.in*l.in)
		s.line("ADDQ 48(DI), CX")
		s.line("DECQ R15")
		s.line("JNE tile")
	})
}

// blockedAt points BX to the channels R9 bytes from the first, which are at a
// pointer: blocks of 16 channels are R14 bytes apart.
func (s *isa) blockedAt(pointer string) {
	s.line("MOVQ R9, BX")
	s.line("SHRQ $6, BX")
	s.line("IMULQ R14, BX")
	s.line("ADDQ %s, BX", pointer)
	if !s.wide() {
		s.line("MOVQ R9, AX")
		s.line("ANDQ $32, AX")
		s.line("ADDQ AX, BX")
	}
}

// addVector adds vector a of a square, in the first registers, to the sums at SI;
// the last vector stores them.
func (s *isa) addVector(a int, l *line) {
	part, sum := l.in, l.in+l.temps
	s.op("VADDPS", 1, 0, part)
	s.op("VADDPS", 2, part, part)
	if a == 0 {
		s.op("VADDPS", 3, part, sum)
		return
	}
	s.op("VADDPS", 3, part, part)
	s.op("VADDPS", part, sum, sum)
	if a == l.in-1 {
		s.op("VADDPS", "(SI)(R9*1)", sum, sum)
		s.op("VMOVUPS", sum, "(SI)(R9*1)")
	}
}

// scatter emits the transform of tiles back to the result.
//
// Fields of scatterArgs: src, table, dst, dump, scratch, bias, residual, lds,
// ldd, ldr, plane, channels (bytes), tiles.
func (s *isa) scatter() {
	const pixels = 16
	add := false
	q := square{line: outputLine(),
		load: func(_, b, register int) { s.line("VMOVUPS %s, %s", planeOf(b), s.v(register)) },
		next: s.nextPlanes,
		store: func(a, b, register int) {
			pixel := b*4 + a
			s.line("VADDPS (R8)(R9*1), %s, %s", s.v(register), s.v(register))
			if add {
				s.line("MOVQ %d(R13), SI", scratchPointers+8*(pixels+pixel))
				s.line("VADDPS (SI)(R9*1), %s, %s", s.v(register), s.v(register))
			}
			s.line("MOVQ %d(R13), SI", scratchPointers+8*pixel)
			s.line("VMOVUPS %s, (SI)(R9*1)", s.v(register))
		},
	}
	body := func() {
		s.line("LEAQ (CX)(R9*1), BX")
		s.firstPlanes()
		q.first(s)
		q.second(s)
	}
	s.function("winogradOutput", "The frequencies to tiles of the result, plus bias and residual.", func() {
		s.load("CX", "DX", "-", "-", "R13", "R8", "-", "R14", "-", "-", "R10", "R11", "R15")
		s.line("LEAQ (R10)(R10*2), R12")
		s.loadConstants(q.line)
		s.label("tile")
		s.resolve(pixels, 16, 64, 24, scratchPointers)
		s.line("CMPQ 48(DI), $0")
		s.line("JEQ plain")
		add, s.scope = true, "add"
		s.resolve(pixels, 48, 72, 24, scratchPointers+8*pixels)
		s.channels(body)
		s.line("JMP end")
		add, s.scope = false, ""
		s.label("plain")
		s.channels(body)
		s.label("end")
		s.line("ADDQ $%d, DX", 4*pixels)
		s.line("ADDQ R14, CX")
		s.line("DECQ R15")
		s.line("JNE tile")
	})
}

// taps points AX, BX and SI to the rows of a filter that starts at a pointer plus
// R9; R8 is the step from a tap to the next, R14 three steps.
func (s *isa) taps(pointer string) {
	s.line("LEAQ (%s)(R9*1), AX", pointer)
	s.line("LEAQ (AX)(R14*1), BX")
	s.line("LEAQ (BX)(R14*1), SI")
}

// tapOf addresses a tap of the filter that taps points to.
func tapOf(ky, kx int) string {
	return "(" + [...]string{"AX", "BX", "SI"}[ky] + ")" + [...]string{"", "(R8*1)", "(R8*2)"}[kx]
}

// filterRows emits a loop over the rows of filters at CX and DX: a vector of
// output channels at a time.
func (s *isa) filterRows(l *line, body func()) {
	s.line("LEAQ (R8)(R8*2), R14")
	s.line("LEAQ (R10)(R10*2), R12")
	s.loadConstants(l)
	s.label("row")
	s.channels(body)
	s.line("ADDQ 56(DI), CX")
	s.line("ADDQ 64(DI), DX")
	s.line("DECQ R15")
	s.line("JNE row")
}

// filter emits the transform of filters to the frequencies. The stream variant
// stores past the caches, a whole cache line at a time.
//
// Fields of filterArgs: src, dst, scratch, tapStep, plane, channels (bytes),
// rows, srcStep, dstStep.
func (s *isa) filter(name, move string) {
	q := square{line: filterLine(),
		load:  func(a, b, register int) { s.line("VMOVUPS %s, %s", tapOf(b, a), s.v(register)) },
		store: func(_, b, register int) { s.line("%s %s, %s", move, s.v(register), planeOf(b)) },
		then:  s.nextPlanes,
	}
	s.function(name, "Filters to the frequencies.", func() {
		s.load("CX", "DX", "R13", "R8", "R10", "R11", "R15")
		s.filterRows(q.line, func() {
			s.taps("CX")
			q.first(s)
			s.line("LEAQ (DX)(R9*1), BX")
			s.firstPlanes()
			q.second(s)
		})
		if move != "VMOVUPS" {
			s.line("SFENCE")
		}
	})
}

// weights emits the pullback of filter.
//
// Fields of filterArgs: src and dst are exchanged, plane and tapStep are not.
func (s *isa) weights() {
	q := square{line: weightLine(),
		load: func(_, b, register int) { s.line("VMOVUPS %s, %s", planeOf(b), s.v(register)) },
		next: s.nextPlanes,
		store: func(a, b, register int) {
			s.line("VADDPS %s, %s, %s", tapOf(b, a), s.v(register), s.v(register))
			s.line("VMOVUPS %s, %s", s.v(register), tapOf(b, a))
		},
	}
	s.function("winogradWeights", "Cotangents of filters from the frequencies, added.", func() {
		s.load("CX", "DX", "R13", "R8", "R10", "R11", "R15")
		s.filterRows(q.line, func() {
			s.line("LEAQ (CX)(R9*1), BX")
			s.firstPlanes()
			q.first(s)
			s.taps("DX")
			q.second(s)
		})
	})
}
