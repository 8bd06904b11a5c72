package main

import "fmt"

// element is the address of row i, a step apart, of a base register, given the
// registers of the base at row 4, of the step and of three steps.
func element(base, base4, step, step3 string, i, offset int) string {
	if i >= 4 {
		base = base4
	}
	index := [...]string{"", fmt.Sprintf("(%s*1)", step), fmt.Sprintf("(%s*2)", step), fmt.Sprintf("(%s*1)", step3)}[i%4]
	return fmt.Sprintf("%d(%s)%s", offset, base, index)
}

// loadComplex loads a value from the addresses of its parts.
func (s isa) loadComplex(re, im string) value {
	return value{s.LoadVector(re), s.LoadVector(im)}
}

// storeComplex stores a value and releases it.
func (s isa) storeComplex(v value, re, im string) {
	s.StoreVector(v.re, re)
	s.StoreVector(v.im, im)
}

// twiddle multiplies v by the q-th factor at CX; that of q = 0 is real.
func (s isa) twiddle(q int, v value) value {
	c, sn := fmt.Sprintf("%d(CX)", 16*q), fmt.Sprintf("%d(CX)", 16*q+8)
	suffix := ".BCST"
	if !s.Wide() {
		r := s.Alloc()
		s.Line("VBROADCASTSD %s, %s", c, s.V(r))
		c, suffix = s.V(r), ""
		defer s.Release(r)
		if q > 0 {
			r := s.Alloc()
			s.Line("VBROADCASTSD %s, %s", sn, s.V(r))
			sn = s.V(r)
			defer s.Release(r)
		}
	}
	if q == 0 {
		s.Line("VMULPD%s %s, %s, %s", suffix, c, s.V(v.re), s.V(v.re))
		s.Line("VMULPD%s %s, %s, %s", suffix, c, s.V(v.im), s.V(v.im))
		return v
	}
	t, u := s.Alloc(), s.Alloc()
	s.Line("VMULPD%s %s, %s, %s", suffix, sn, s.V(v.im), s.V(t))
	s.Line("VMULPD%s %s, %s, %s", suffix, sn, s.V(v.re), s.V(u))
	s.Line("VFMSUB132PD%s %s, %s, %s", suffix, c, s.V(t), s.V(v.re))
	s.Line("VFMADD132PD%s %s, %s, %s", suffix, c, s.V(u), s.V(v.im))
	s.Release(t, u)
	return v
}

// beginButterfly returns the butterfly of a radix as a function that emits it
// for all columns of a row.
func (s isa) beginButterfly(radix int) func(get func(i int) value, put func(q int, v value)) {
	b := butterflies[radix]
	var constants []string
	for _, x := range b.constants {
		constants = append(constants, s.Constant(x))
	}
	return func(get func(i int) value, put func(q int, v value)) {
		s.Halves(func() { b.emit(s, constants, get, put) })
	}
}

// stages emits the three kinds of stages for a radix. They share
//
// stageArgs: srcRe, srcIm, dstRe, dstIm, twiddles, srcPitch (bytes between the
// rows of src), span, blocks. Rows of dst, a strip, are rowBytes apart.
func (s isa) stages(radix int) {
	s.decimateFrequency(radix)
	s.decimateTime(radix)
	s.plain(radix)
}

// decimateFrequency emits a stage whose outputs are multiplied by twiddle
// factors, from planes to a strip or within a strip.
func (s isa) decimateFrequency(radix int) {
	name := fmt.Sprintf("frequency%d", radix)
	comment := fmt.Sprintf("stage of radix %d, twiddle factors last", radix)
	s.Function(name, comment, func() {
		pitch, blocks := s.Word(), s.Word()
		emit := s.beginButterfly(radix)
		s.Load("SI", "BX", "DI", "DX", "-", "R12", "R14", "CX")
		s.Line("MOVQ R12, %s", pitch)
		s.Line("MOVQ CX, %s", blocks)
		s.Line("IMULQ R14, R12")
		s.Line("SHLQ $6, R14")
		s.Line("LEAQ (R12)(R12*2), R13")
		s.Line("LEAQ (R14)(R14*2), R15")
		s.Label("block")
		s.Line("MOVQ args+0(FP), AX")
		s.Line("MOVQ 32(AX), CX")
		s.Line("MOVQ 48(AX), AX")
		s.Label("row")
		if radix > 4 {
			s.Line("LEAQ (SI)(R12*4), R8")
			s.Line("LEAQ (BX)(R12*4), R9")
			s.Line("LEAQ (DI)(R14*4), R10")
			s.Line("LEAQ (DX)(R14*4), R11")
		}
		emit(func(i int) value {
			return s.loadComplex(element("SI", "R8", "R12", "R13", i, s.Half), element("BX", "R9", "R12", "R13", i, s.Half))
		}, func(q int, v value) {
			s.storeComplex(s.twiddle(q, v), element("DI", "R10", "R14", "R15", q, s.Half), element("DX", "R11", "R14", "R15", q, s.Half))
		})
		s.Line("ADDQ %s, SI", pitch)
		s.Line("ADDQ %s, BX", pitch)
		s.Line("ADDQ $%d, DI", rowBytes)
		s.Line("ADDQ $%d, DX", rowBytes)
		s.Line("ADDQ $%d, CX", 16*radix)
		s.Line("DECQ AX")
		s.Line("JNE row")
		s.skip(radix-1, "R12", "SI", "BX")
		s.skip(radix-1, "R14", "DI", "DX")
		s.Line("DECQ %s", blocks)
		s.Line("JNE block")
	})
}

// skip advances bases by n steps.
func (s isa) skip(n int, step string, bases ...string) {
	s.Line("IMUL3Q $%d, %s, AX", n, step)
	for _, b := range bases {
		s.Line("ADDQ AX, %s", b)
	}
}

// decimateTime emits a stage whose inputs are multiplied by twiddle factors,
// within a strip.
func (s isa) decimateTime(radix int) {
	name := fmt.Sprintf("time%d", radix)
	comment := fmt.Sprintf("stage of radix %d, twiddle factors first", radix)
	s.Function(name, comment, func() {
		emit := s.beginButterfly(radix)
		s.Load("-", "-", "DI", "DX", "-", "-", "R14", "BX")
		s.Line("SHLQ $6, R14")
		s.Line("LEAQ (R14)(R14*2), R15")
		s.Label("block")
		s.Line("MOVQ args+0(FP), AX")
		s.Line("MOVQ 32(AX), CX")
		s.Line("MOVQ 48(AX), AX")
		s.Label("row")
		if radix > 4 {
			s.Line("LEAQ (DI)(R14*4), R10")
			s.Line("LEAQ (DX)(R14*4), R11")
		}
		at := func(i int) (re, im string) {
			return element("DI", "R10", "R14", "R15", i, s.Half), element("DX", "R11", "R14", "R15", i, s.Half)
		}
		emit(func(i int) value {
			return s.twiddle(i, s.loadComplex(at(i)))
		}, func(q int, v value) {
			re, im := at(q)
			s.storeComplex(v, re, im)
		})
		s.Line("ADDQ $%d, DI", rowBytes)
		s.Line("ADDQ $%d, DX", rowBytes)
		s.Line("ADDQ $%d, CX", 16*radix)
		s.Line("DECQ AX")
		s.Line("JNE row")
		s.skip(radix-1, "R14", "DI", "DX")
		s.Line("DECQ BX")
		s.Line("JNE block")
	})
}

// plain emits a stage without twiddle factors, within a strip; span is 1.
func (s isa) plain(radix int) {
	name := fmt.Sprintf("plain%d", radix)
	comment := fmt.Sprintf("stage of radix %d without twiddle factors", radix)
	s.Function(name, comment, func() {
		emit := s.beginButterfly(radix)
		s.Load("-", "-", "DI", "DX", "-", "-", "-", "BX")
		s.Label("block")
		at := func(i int) (re, im string) {
			return fmt.Sprintf("%d(DI)", rowBytes*i+s.Half), fmt.Sprintf("%d(DX)", rowBytes*i+s.Half)
		}
		emit(func(i int) value {
			return s.loadComplex(at(i))
		}, func(q int, v value) {
			re, im := at(q)
			s.storeComplex(v, re, im)
		})
		s.Line("ADDQ $%d, DI", rowBytes*radix)
		s.Line("ADDQ $%d, DX", rowBytes*radix)
		s.Line("DECQ BX")
		s.Line("JNE block")
	})
}
