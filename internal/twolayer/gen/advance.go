package main

import (
	"fmt"
)

// Offsets of the fields of stepArgs.
const (
	outField       = 0   // 8 pointers: real and imaginary parts of product 1 and 2, positive and negative strip
	inField        = 64  // 12 pointers: likewise of w1, w2, z
	stateField     = 160 // records
	tablesField    = 168 // records
	kField         = 176 // wavenumbers of the rows
	rowsField      = 184 // places of the rows in a strip
	oppositesField = 192 // places of the rows of opposite sign
	lField         = 200 // wavenumbers of the columns, both strips
	masksField     = 208 // columns that are their own partners; the others
	countField     = 216 // rows
	lastField      = 224 // offset of the last tendency in a record
	oldestField    = 232 // offset of the one before
	selfField      = 240 // bits of the columns that are their own partners
	constantsField = 248 // delta, drag, gradients, weights of the tendencies, 1/2
)

// Vectors of a record of the state: q, and two tendencies at the offsets in the
// arguments. Each has real and imaginary parts of both layers.
const recordBytes = 12 * rowBytes

// Vectors of a record of the tables: elements 11, 12, 22 of the inverse, filter.
const tableBytes = 4 * rowBytes

// step holds what the emitter knows about the kernel under way.
type step struct {
	isa
	delta, drag             string
	gradient                [2]string
	now, last, oldest, half string
	k, kHalf                string
	gradientK               [2]string
	l, lHalf, friction      string
	labels                  int
	alone                   bool // rows have the partners of their own wavenumbers
	side                    int
}

// a value is a complex vector: two registers.
type value struct{ re, im int }

// advance emits the step, and derive what it ends with: the spectra of the
// fields from the state. The two agree to the last bit.
func (s isa) advance() {
	for _, alone := range []bool{false, true} {
		suffix, which := "", ""
		if alone {
			suffix, which = "Alone", ", in rows that are their own opposites"
		}
		s.rows("advance"+suffix, "a time step at the wavenumbers of a pair of strips"+which, alone, (*step).advanceColumn)
		s.rows("derive"+suffix, "the fields at the wavenumbers of a pair of strips"+which, alone, (*step).deriveColumn)
	}
}

// rows emits a kernel that goes through rows of a pair of strips.
func (s isa) rows(name, comment string, alone bool, column func(p *step)) {
	s.Function(name, comment, func() {
		p := &step{isa: s, alone: alone}
		p.begin()
		s.Label("row")
		p.row()
		if alone {
			p.clear()
		}
		for side := range 2 {
			p.side = side
			s.Halves(func() { column(p) })
		}
		s.Line("ADDQ $%d, SI", 2*recordBytes)
		s.Line("ADDQ $%d, DX", 2*tableBytes)
		s.Line("ADDQ $8, R10")
		s.Line("ADDQ $8, R11")
		s.Line("ADDQ $8, R12")
		s.Line("DECQ BX")
		s.Line("JNE row")
	})
}

// begin loads what is the same in all rows. Registers: DI the arguments, SI the
// state, DX the tables, R10 and R11 the places of the rows and of those of
// opposite sign, R12 their wavenumbers, R13 and R14 the offsets of the
// tendencies, BX the rows left.
func (p *step) begin() {
	p.Line("MOVQ AX, DI")
	constants := []*string{&p.delta, &p.drag, &p.gradient[0], &p.gradient[1], &p.now, &p.last, &p.oldest, &p.half}
	for i, c := range constants {
		*c = p.Keep(p.broadcast(fmt.Sprintf("%d(DI)", constantsField+8*i)))
	}
	for _, f := range []struct {
		offset   int
		register string
	}{
		{stateField, "SI"}, {tablesField, "DX"}, {rowsField, "R10"}, {oppositesField, "R11"},
		{kField, "R12"}, {lastField, "R13"}, {oldestField, "R14"}, {countField, "BX"},
	} {
		p.Line("MOVQ %d(DI), %s", f.offset, f.register)
	}
	if p.Wide() {
		p.Line("MOVQ %d(DI), AX", selfField)
		p.Line("KMOVB AX, K2")
		p.Line("NOTQ AX")
		p.Line("KMOVB AX, K1")
	}
	for _, c := range []*string{&p.k, &p.kHalf, &p.gradientK[0], &p.gradientK[1], &p.l, &p.lHalf, &p.friction} {
		*c = p.place()
	}
}

// place reserves a register, or memory where registers are scarce.
func (p *step) place() string {
	if p.Wide() {
		return p.V(p.Alloc())
	}
	return p.Slot()
}

// set moves a register to a place and releases it.
func (p *step) set(place string, r int) {
	p.Line("VMOVUPD %s, %s", p.V(r), place)
	p.Release(r)
}

func (p *step) broadcast(address string) int {
	r := p.Alloc()
	p.Line("VBROADCASTSD %s, %s", address, p.V(r))
	return r
}

// row sets what depends on kx. R8 and R9 become the places of the row and of
// the row of opposite sign.
func (p *step) row() {
	p.Line("MOVQ (R10), R8")
	p.Line("MOVQ (R11), R9")
	k := p.broadcast("(R12)")
	p.Line("VMOVUPD %s, %s", p.V(k), p.k)
	for i, place := range []string{p.kHalf, p.gradientK[0], p.gradientK[1]} {
		p.set(place, p.times(k, []string{p.half, p.gradient[0], p.gradient[1]}[i]))
	}
	p.Release(k)
}

// times returns a register times an operand.
func (p *step) times(a int, b string) int {
	r := p.Alloc()
	p.Line("VMULPD %s, %s, %s", b, p.V(a), p.V(r))
	return r
}

// add adds a times b to r, subtract subtracts it.
func (p *step) add(r, a int, b string)      { p.Line("VFMADD231PD %s, %s, %s", b, p.V(a), p.V(r)) }
func (p *step) subtract(r, a int, b string) { p.Line("VFNMADD231PD %s, %s, %s", b, p.V(a), p.V(r)) }

// record is the address of a vector of the state of this row and side.
func (p *step) record(vector int, index string) string {
	return fmt.Sprintf("%d(SI)%s", p.side*recordBytes+vector*rowBytes+p.Half, index)
}

func (p *step) table(vector int) string {
	return fmt.Sprintf("%d(DX)", p.side*tableBytes+vector*rowBytes+p.Half)
}

// advanceColumn emits the step for the columns of one side.
func (p *step) advanceColumn() {
	p.columnFactors()
	q := p.vorticityOfState()
	psi := p.streamFunction(q)
	for layer := range q {
		p.update(layer, &q[layer], psi[layer])
	}
	p.fields(q)
}

// deriveColumn emits the fields for the columns of one side.
func (p *step) deriveColumn() {
	p.columnFactors()
	p.fields(p.vorticityOfState())
}

// vorticityOfState loads q of both layers.
func (p *step) vorticityOfState() [2]value {
	var q [2]value
	for layer := range q {
		q[layer] = value{p.LoadVector(p.record(2*layer, "")), p.LoadVector(p.record(2*layer+1, ""))}
	}
	return q
}

// fields sets the spectra of the fields and releases q. In rows alone, a
// wavenumber receives two values, half of each of which counts.
func (p *step) fields(q [2]value) {
	if p.alone {
		for _, r := range []int{q[0].re, q[0].im, q[1].re, q[1].im} {
			p.Line("VMULPD %s, %s, %s", p.half, p.V(r), p.V(r))
		}
	}
	psi := p.streamFunction(q)
	for layer := range psi {
		p.velocity(layer, psi[layer])
	}
	p.vorticity(q)
}

// columnFactors sets what depends on ky.
func (p *step) columnFactors() {
	p.Line("MOVQ %d(DI), AX", lField)
	l := p.LoadVector(fmt.Sprintf("%d(AX)", p.side*rowBytes+p.Half))
	p.Line("VMOVUPD %s, %s", p.V(l), p.l)
	p.set(p.lHalf, p.times(l, p.half))
	square := p.times(l, p.V(l))
	k := p.Alloc()
	p.Line("VMOVUPD %s, %s", p.k, p.V(k))
	p.add(square, k, p.V(k))
	p.set(p.friction, p.times(square, p.drag))
	p.Release(l, square, k)
}

// streamFunction returns psi1 = p11 q1 + p12 q2, psi2 = delta p12 q1 + p22 q2.
func (p *step) streamFunction(q [2]value) [2]value {
	inverse := p.LoadVector(p.table(0))
	upper := value{p.times(q[0].re, p.V(inverse)), p.times(q[0].im, p.V(inverse))}
	p.Release(inverse)
	off := p.LoadVector(p.table(1))
	p.add(upper.re, q[1].re, p.V(off))
	p.add(upper.im, q[1].im, p.V(off))
	p.Line("VMULPD %s, %s, %s", p.delta, p.V(off), p.V(off))
	lower := value{p.times(q[0].re, p.V(off)), p.times(q[0].im, p.V(off))}
	p.Release(off)
	inverse = p.LoadVector(p.table(2))
	p.add(lower.re, q[1].re, p.V(inverse))
	p.add(lower.im, q[1].im, p.V(inverse))
	p.Release(inverse)
	return [2]value{upper, lower}
}

// pointer loads the strip with a part of product or field number n to AX.
func (p *step) pointer(field, n, side, part int) {
	p.Line("MOVQ %d(DI), AX", field+8*(4*n+2*side+part))
}

// flux loads a part of a product at the wavenumber and at its partner.
func (p *step) flux(layer, part int) (own, star int) {
	p.pointer(outField, layer, 1-p.side, part)
	star = p.LoadVector(fmt.Sprintf("%d(AX)(R9*8)", p.Half))
	p.pointer(outField, layer, p.side, part)
	self := fmt.Sprintf("%d(AX)(R9*8)", p.Half)
	if p.Wide() {
		p.Line("VMOVUPD %s, K2, %s", self, p.V(star))
	} else {
		mask, r := p.mask(0), p.LoadVector(self)
		p.Line("VBLENDVPD %s, %s, %s, %s", p.V(mask), p.V(r), p.V(star), p.V(star))
		p.Release(mask, r)
	}
	return p.LoadVector(fmt.Sprintf("%d(AX)(R8*8)", p.Half)), star
}

// mask loads the columns that are their own partners (0) or the others (1).
func (p *step) mask(which int) int {
	p.Line("MOVQ %d(DI), R15", masksField)
	return p.LoadVector(fmt.Sprintf("%d(R15)", which*rowBytes+p.Half))
}

// update replaces q by the state after the step and releases psi. With F the
// flux and F* its partner, the tendency is
//
//	re = k/2 (im F - im F*) + l/2 (re F* - re F) + B k im psi [+ r K2 re psi]
//	im = -k/2 (re F + re F*) - l/2 (im F + im F*) - B k re psi [+ r K2 im psi]
func (p *step) update(layer int, q *value, psi value) {
	re, reStar := p.flux(layer, 0)
	im, imStar := p.flux(layer, 1)
	tendencyRe := p.times(psi.im, p.gradientK[layer])
	p.accumulate(tendencyRe, "VSUBPD", im, imStar, p.kHalf)
	p.accumulate(tendencyRe, "VSUBPD", reStar, re, p.lHalf)
	minusIm := p.times(psi.re, p.gradientK[layer])
	p.accumulate(minusIm, "VADDPD", re, reStar, p.kHalf)
	p.accumulate(minusIm, "VADDPD", im, imStar, p.lHalf)
	p.Release(re, reStar, im, imStar)
	if layer == 1 {
		p.add(tendencyRe, psi.re, p.friction)
		p.subtract(minusIm, psi.im, p.friction)
	}
	p.Release(psi.re, psi.im)
	p.combine(q.re, 2*layer, tendencyRe)
	zero := p.zero()
	p.Line("VSUBPD %s, %s, %s", p.V(minusIm), p.V(zero), p.V(minusIm))
	p.Release(zero)
	p.combine(q.im, 2*layer+1, minusIm)
}

// accumulate adds f (a op b) to r.
func (p *step) accumulate(r int, op string, a, b int, f string) {
	d := p.Two(op, a, b)
	p.add(r, d, f)
	p.Release(d)
}

// combine makes the Adams-Bashforth step of one part of the state, puts the
// tendency, which it releases, in place of the oldest, and stores the result.
func (p *step) combine(q, vector int, tendency int) {
	p.add(q, tendency, p.now)
	for _, past := range [][2]string{{"(R13*1)", p.last}, {"(R14*1)", p.oldest}} {
		t := p.LoadVector(p.record(vector, past[0]))
		p.add(q, t, past[1])
		p.Release(t)
	}
	p.StoreVector(tendency, p.record(vector, "(R14*1)"))
	p.Line("VMULPD %s, %s, %s", p.table(3), p.V(q), p.V(q))
	p.Line("VMOVUPD %s, %s", p.V(q), p.record(vector, ""))
}

// velocity sets w = -(k + il) psi at the wavenumber and (k + il) conj psi at its
// partner, and releases psi.
func (p *step) velocity(layer int, psi value) {
	kRe, kIm := p.times(psi.re, p.k), p.times(psi.im, p.k)
	lRe, lIm := p.times(psi.re, p.l), p.times(psi.im, p.l)
	p.Release(psi.re, psi.im)
	p.put(layer, 0, p.Two("VSUBPD", lIm, kRe), p.Two("VADDPD", kRe, lIm))
	sum := p.Two("VADDPD", lRe, kIm)
	zero := p.zero()
	p.Line("VSUBPD %s, %s, %s", p.V(sum), p.V(zero), p.V(sum))
	p.Release(zero)
	p.put(layer, 1, sum, p.Two("VSUBPD", lRe, kIm))
	p.Release(kRe, kIm, lRe, lIm)
}

// vorticity sets z = q1 + i q2, and releases q.
func (p *step) vorticity(q [2]value) {
	p.put(2, 0, p.Two("VSUBPD", q[0].re, q[1].im), p.Two("VADDPD", q[0].re, q[1].im))
	p.put(2, 1, p.Two("VADDPD", q[0].im, q[1].re), p.Two("VSUBPD", q[1].re, q[0].im))
	p.Release(q[0].re, q[0].im, q[1].re, q[1].im)
}

// clear sets the fields of the row to zero.
func (p *step) clear() {
	zero := p.zero()
	for i := range 12 {
		p.Line("MOVQ %d(DI), AX", inField+8*i)
		p.Halves(func() { p.Line("VMOVUPD %s, %d(AX)(R8*8)", p.V(zero), p.Half) })
	}
	p.Release(zero)
}

// put stores and releases a part of a field at the wavenumber and at its
// partner.
func (p *step) put(field, part, own, star int) {
	here, there := fmt.Sprintf("%d(AX)(R8*8)", p.Half), fmt.Sprintf("%d(AX)(R9*8)", p.Half)
	p.pointer(inField, field, 1-p.side, part)
	p.masked(1, star, there)
	p.pointer(inField, field, p.side, part)
	if p.alone {
		p.Line("VADDPD %s, %s, %s", here, p.V(own), p.V(own))
	}
	p.StoreVector(own, here)
	p.labels++
	skip := fmt.Sprintf("others%d", p.labels)
	p.Line("CMPQ %d(DI), $0", selfField)
	p.Line("JEQ %s", skip)
	p.masked(0, star, there)
	p.Label(skip)
	p.Release(star)
}

// masked stores the columns that are their own partners (0) or the others (1);
// in rows alone it adds them.
func (p *step) masked(which, r int, address string) {
	if p.alone {
		sum := p.Alloc()
		p.Line("VADDPD %s, %s, %s", address, p.V(r), p.V(sum))
		r = sum
		defer p.Release(sum)
	}
	if p.Wide() {
		p.Line("VMOVUPD %s, K%d, %s", p.V(r), 2-which, address)
		return
	}
	mask := p.mask(which)
	p.Line("VMASKMOVPD %s, %s, %s", p.V(r), p.V(mask), address)
	p.Release(mask)
}
