package main

import "math"

// A value is a complex vector: two registers.
type value struct{ re, im int }

// cross replaces a, b by a+b, a-b.
func (s isa) cross(a, b value) (sum, difference value) {
	re, im := s.Two("VADDPD", a.re, b.re), s.Two("VADDPD", a.im, b.im)
	s.Line("VSUBPD %s, %s, %s", s.V(b.re), s.V(a.re), s.V(a.re))
	s.Line("VSUBPD %s, %s, %s", s.V(b.im), s.V(a.im), s.V(a.im))
	s.Release(b.re, b.im)
	return value{re, im}, a
}

// crossTurned replaces a, b by a-ib, a+ib.
func (s isa) crossTurned(a, b value) (minus, plus value) {
	re, im := s.Two("VADDPD", a.re, b.im), s.Two("VSUBPD", a.im, b.re)
	s.Line("VSUBPD %s, %s, %s", s.V(b.im), s.V(a.re), s.V(a.re))
	s.Line("VADDPD %s, %s, %s", s.V(b.re), s.V(a.im), s.V(a.im))
	s.Release(b.re, b.im)
	return value{re, im}, a
}

// addScaled replaces a, b by a+fb, a-fb for a factor f from constant.
func (s isa) addScaled(a, b value, f string) (sum, difference value) {
	return value{s.fused(a.re, b.re, f), s.fused(a.im, b.im, f)}, s.fusedMinus(a, b, f)
}

// fused returns a + f b in a new register.
func (s isa) fused(a, b int, f string) int {
	dst := s.Alloc()
	s.Line("VMOVAPD %s, %s", s.V(a), s.V(dst))
	s.Line("VFMADD231PD %s, %s, %s", f, s.V(b), s.V(dst))
	return dst
}

// fusedMinus replaces a by a - f b and releases b.
func (s isa) fusedMinus(a, b value, f string) value {
	s.Line("VFNMADD231PD %s, %s, %s", f, s.V(b.re), s.V(a.re))
	s.Line("VFNMADD231PD %s, %s, %s", f, s.V(b.im), s.V(a.im))
	s.Release(b.re, b.im)
	return a
}

// crossTurnedScaled replaces a, b by a-ifb, a+ifb for a factor f from constant.
func (s isa) crossTurnedScaled(a, b value, f string) (minus, plus value) {
	re := s.fused(a.re, b.im, f)
	im := s.Alloc()
	s.Line("VMOVAPD %s, %s", s.V(a.im), s.V(im))
	s.Line("VFNMADD231PD %s, %s, %s", f, s.V(b.re), s.V(im))
	s.Line("VFNMADD231PD %s, %s, %s", f, s.V(b.im), s.V(a.re))
	s.Line("VFMADD231PD %s, %s, %s", f, s.V(b.re), s.V(a.im))
	s.Release(b.re, b.im)
	return value{re, im}, a
}

// A butterfly is the transform of a few values. It emits the code for the
// inputs that get loads, and hands output q to put, which releases it.
type butterfly struct {
	constants []float64
	emit      func(s isa, constants []string, get func(i int) value, put func(q int, v value))
}

var butterflies = map[int]butterfly{
	2: {emit: radix2},
	3: {constants: []float64{-0.5, math.Sqrt(3) / 2}, emit: radix3},
	4: {emit: radix4},
	5: {
		constants: []float64{
			(math.Sqrt(5) - 1) / 4, (-math.Sqrt(5) - 1) / 4,
			math.Sin(2 * math.Pi / 5), math.Sin(4 * math.Pi / 5),
		},
		emit: radix5,
	},
	8: {constants: []float64{math.Sqrt2 / 2}, emit: radix8},
}

func radix2(s isa, _ []string, get func(int) value, put func(int, value)) {
	a, b := s.cross(get(0), get(1))
	put(0, a)
	put(1, b)
}

func radix3(s isa, constants []string, get func(int) value, put func(int, value)) {
	sum, difference := s.cross(get(1), get(2))
	x := get(0)
	y := value{s.Two("VADDPD", x.re, sum.re), s.Two("VADDPD", x.im, sum.im)}
	put(0, y)
	s.Line("VFMADD231PD %s, %s, %s", constants[0], s.V(sum.re), s.V(x.re))
	s.Line("VFMADD231PD %s, %s, %s", constants[0], s.V(sum.im), s.V(x.im))
	s.Release(sum.re, sum.im)
	minus, plus := s.crossTurnedScaled(x, difference, constants[1])
	put(1, minus)
	put(2, plus)
}

func radix4(s isa, _ []string, get func(int) value, put func(int, value)) {
	a, c := s.cross(get(0), get(2))
	b, d := s.cross(get(1), get(3))
	zero, two := s.cross(a, b)
	put(0, zero)
	put(2, two)
	one, three := s.crossTurned(c, d)
	put(1, one)
	put(3, three)
}

func radix5(s isa, constants []string, get func(int) value, put func(int, value)) {
	c1, c2, s1, s2 := constants[0], constants[1], constants[2], constants[3]
	sum1, difference1 := s.cross(get(1), get(4))
	sum2, difference2 := s.cross(get(2), get(3))
	x := get(0)
	// combine returns x + f a + g b.
	combine := func(a, b int, f, g string, x int) int {
		r := s.fused(x, a, f)
		s.Line("VFMADD231PD %s, %s, %s", g, s.V(b), s.V(r))
		return r
	}
	mean1 := value{combine(sum1.re, sum2.re, c1, c2, x.re), combine(sum1.im, sum2.im, c1, c2, x.im)}
	mean2 := value{combine(sum1.re, sum2.re, c2, c1, x.re), combine(sum1.im, sum2.im, c2, c1, x.im)}
	for _, v := range []value{sum1, sum2} {
		s.Line("VADDPD %s, %s, %s", s.V(v.re), s.V(x.re), s.V(x.re))
		s.Line("VADDPD %s, %s, %s", s.V(v.im), s.V(x.im), s.V(x.im))
		s.Release(v.re, v.im)
	}
	put(0, x)
	odd1 := value{s.rotate(difference1.re, difference2.re, s1, s2), s.rotate(difference1.im, difference2.im, s1, s2)}
	// s2 difference1 - s1 difference2, in place of difference1.
	for _, d := range [][2]int{{difference1.re, difference2.re}, {difference1.im, difference2.im}} {
		s.Line("VMULPD %s, %s, %s", s2, s.V(d[0]), s.V(d[0]))
		s.Line("VFNMADD231PD %s, %s, %s", s1, s.V(d[1]), s.V(d[0]))
		s.Release(d[1])
	}
	one, four := s.crossTurned(mean1, odd1)
	put(1, one)
	put(4, four)
	two, three := s.crossTurned(mean2, difference1)
	put(2, two)
	put(3, three)
}

// rotate returns f a + g b in a new register.
func (s isa) rotate(a, b int, f, g string) int {
	r := s.Alloc()
	s.Line("VMULPD %s, %s, %s", f, s.V(a), s.V(r))
	s.Line("VFMADD231PD %s, %s, %s", g, s.V(b), s.V(r))
	return r
}

// radix8 takes sums and differences of the inputs i and i+4. The sums are
// transformed to the even outputs. The differences d0, d1 (1-i)/sqrt 2, -i d2
// and -d3 (1+i)/sqrt 2 are transformed to the odd ones; the factors 1/sqrt 2
// are left to the last, fused additions.
func radix8(s isa, constants []string, get func(int) value, put func(int, value)) {
	var sums [4]value
	var differences [4]func() value
	for i := range 4 {
		sum, difference := s.cross(get(i), get(i+4))
		sums[i], differences[i] = sum, s.park(difference)
	}
	radix4(s, nil, func(i int) value { return sums[i] }, func(q int, v value) { put(2*q, v) })

	d1, d3 := differences[1](), differences[3]()
	u1re, u1im := s.Two("VADDPD", d1.re, d1.im), s.Two("VSUBPD", d1.im, d1.re)
	s.Release(d1.re, d1.im)
	u3re, u3im := s.Two("VSUBPD", d3.im, d3.re), s.Two("VADDPD", d3.im, d3.re) // u3 = u3re - i u3im
	s.Release(d3.re, d3.im)
	plus := value{s.Two("VADDPD", u1re, u3re), s.Two("VSUBPD", u1im, u3im)}
	minus := value{s.Two("VSUBPD", u1re, u3re), s.Two("VADDPD", u1im, u3im)}
	s.Release(u1re, u1im, u3re, u3im)

	e0, e1 := s.crossTurned(differences[0](), differences[2]())
	one, five := s.addScaled(e0, plus, constants[0])
	put(1, one)
	put(5, five)
	three, seven := s.crossTurnedScaled(e1, minus, constants[0])
	put(3, three)
	put(7, seven)
}

// park keeps v in its registers, or on the stack if registers are scarce, and
// returns a function that brings it back once.
func (s isa) park(v value) func() value {
	if s.Wide() {
		return func() value { return v }
	}
	re, im := s.Slot(), s.Slot()
	s.Line("VMOVUPD %s, %s", s.V(v.re), re)
	s.Line("VMOVUPD %s, %s", s.V(v.im), im)
	s.Release(v.re, v.im)
	return func() value {
		v := value{s.Alloc(), s.Alloc()}
		s.Line("VMOVUPD %s, %s", re, s.V(v.re))
		s.Line("VMOVUPD %s, %s", im, s.V(v.im))
		return v
	}
}
