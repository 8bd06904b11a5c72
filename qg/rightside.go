package qg

import "retrace/internal/fft"

// The tendency of potential vorticity in flux form, for the anomalies q, u, v
// about a uniform background flow U with the gradient B of potential vorticity,
//
//	dq/dt = -d/dx[(u+U) q] - d/dy[v q] - B dpsi/dx - [layer 2] r lap psi2 + f
//
// costs five complex transforms for both layers: two real fields travel as one
// complex field. To the grid go
//
//	w_n = u_n + i v_n,  of spectrum -(kx + i ky) psi_n,  and  z = q1 + i q2,
//
// and back come the fluxes g_n = (u_n+U_n) q_n + i v_n q_n, whose divergence is
// formed while the pair is taken apart: with G* the spectrum at the wavenumber
// of opposite sign,
//
//	kx FT[(u+U)q] + ky FT[v q] = ((kx - i ky) G + (kx + i ky) conj G*)/2.
//
// Topography, a fixed part of q2, is added to z only: it is advected but does
// not induce flow.

// derive sets the spectra of w1, w2 and z from potential vorticity, without
// topography.
func (w *workspace) derive(q pair) {
	for kx := range w.grid.kx {
		w.deriveRow(kx, q)
	}
}

// deriveRow sets the spectra of w1, w2 and z at the wavenumbers of a row and at
// those of opposite sign.
func (w *workspace) deriveRow(kx int, q pair) {
	if w.grid.alone(kx) {
		w.deriveAlone(kx, q)
		return
	}
	ny, t := w.grid.ny, w.tables
	row, opposite := w.grid.row(kx)
	p11, p12, p22 := t.p11[row:row+ny], t.p12[row:row+ny], t.p22[row:row+ny]
	q = q.cut(row, ny)
	w.deriveVelocity(w.w1, kx, q, [2][]float64{p11, p12}, [2]float64{1, 1})
	w.deriveVelocity(w.w2, kx, q, [2][]float64{p12, p22}, [2]float64{t.delta, 1})
	here, there := cut(w.z, row, ny), cut(w.z, opposite, ny)
	m := 0
	for j, a := range q[0].Re {
		b, c, d := q[0].Im[j], q[1].Re[j], q[1].Im[j]
		here.Re[j], here.Im[j] = a-d, b+c
		there.Re[m], there.Im[m] = a+d, c-b
		if m--; m < 0 {
			m = ny - 1
		}
	}
}

// deriveVelocity sets the spectrum of the velocity of a layer whose stream
// function is inverse[0] q1 + inverse[1] q2, times factors.
func (w *workspace) deriveVelocity(z fft.Planes, kx int, q pair, inverse [2][]float64, factors [2]float64) {
	ny, k := w.grid.ny, w.grid.kx[kx]
	row, opposite := w.grid.row(kx)
	here, there := cut(z, row, ny), cut(z, opposite, ny)
	ky, first, second := w.grid.ky[:ny], inverse[0][:ny], inverse[1][:ny]
	q1r, q1i, q2r, q2i := q[0].Re[:ny], q[0].Im[:ny], q[1].Re[:ny], q[1].Im[:ny]
	m := 0
	for j, l := range ky {
		p, r := factors[0]*first[j], factors[1]*second[j]
		re, im := p*q1r[j]+r*q2r[j], p*q1i[j]+r*q2i[j]
		kre, kim, lre, lim := k*re, k*im, l*re, l*im
		here.Re[j], here.Im[j] = lim-kre, -lre-kim
		there.Re[m], there.Im[m] = lim+kre, lre-kim
		if m--; m < 0 {
			m = ny - 1
		}
	}
}

// deriveAlone is deriveRow for the rows that hold their own partners: half of
// each of the two values that a wavenumber receives.
func (w *workspace) deriveAlone(kx int, q pair) {
	ny, t := w.grid.ny, w.tables
	row, _ := w.grid.row(kx)
	for _, z := range [...]fft.Planes{w.w1, w.w2, w.z} {
		clear(z.Re[row : row+ny])
		clear(z.Im[row : row+ny])
	}
	k := w.grid.kx[kx] / 2
	for j := range ny {
		i, m := row+j, row+fft.Partner(j, ny)
		l := w.grid.ky[j] / 2
		a, b, c, d := q[0].Re[i], q[0].Im[i], q[1].Re[i], q[1].Im[i]
		p11, p12, p21, p22 := t.p11[i], t.p12[i], t.delta*t.p12[i], t.p22[i]
		addVelocity(w.w1, i, m, k, l, p11*a+p12*c, p11*b+p12*d)
		addVelocity(w.w2, i, m, k, l, p21*a+p22*c, p21*b+p22*d)
		w.z.Re[i] += (a - d) / 2
		w.z.Im[i] += (b + c) / 2
		w.z.Re[m] += (a + d) / 2
		w.z.Im[m] += (c - b) / 2
	}
}

func addVelocity(z fft.Planes, i, m int, k, l, psir, psii float64) {
	z.Re[i] += l*psii - k*psir
	z.Im[i] -= l*psir + k*psii
	z.Re[m] += k*psir + l*psii
	z.Im[m] += l*psir - k*psii
}

// addTopography adds f h/H2, if there is any, to q2 in z.
func (w *workspace) addTopography() {
	h := w.tables.topography
	if h.Re == nil {
		return
	}
	for kx := range w.grid.kx {
		row, opposite := w.grid.row(kx)
		share := w.grid.weight(kx) / 2
		for j := range w.grid.ny {
			i, m := row+j, opposite+fft.Partner(j, w.grid.ny)
			w.z.Re[i] -= share * h.Im[i]
			w.z.Im[i] += share * h.Re[i]
			w.z.Re[m] += share * h.Im[i]
			w.z.Im[m] += share * h.Re[i]
		}
	}
}

// fluxes replaces the spectra of w1 and w2 by those of the fluxes g1 and g2, and
// finds the fastest flow. The spectrum of z is used up.
func (w *workspace) fluxes() {
	w.points.Fastest = [2]float64{}
	w.plan.Products(w.out, w.in, w.multiply)
}

// tendency writes the tendency of q, whose fluxes are known, to dst, without
// the constant part.
func (w *workspace) tendency(dst, q pair) {
	for kx := range w.grid.kx {
		row, _ := w.grid.row(kx)
		w.tendencyRow(kx, dst.cut(row, w.grid.ny), q)
	}
}

// tendencyRow writes the tendency at a row of wavenumbers to dst.
func (w *workspace) tendencyRow(kx int, dst, q pair) {
	ny, t := w.grid.ny, w.tables
	row, _ := w.grid.row(kx)
	p11, p12, p22 := t.p11[row:row+ny], t.p12[row:row+ny], t.p22[row:row+ny]
	q = q.cut(row, ny)
	w.divergence(dst[0], kx, w.w1)
	w.divergence(dst[1], kx, w.w2)
	b1, b2 := w.grid.kx[kx]*t.gradient[0], w.grid.kx[kx]*t.gradient[1]
	t1r, t1i, t2r, t2i := dst[0].Re[:ny], dst[0].Im[:ny], dst[1].Re[:ny], dst[1].Im[:ny]
	q1r, q1i, q2r, q2i := q[0].Re[:ny], q[0].Im[:ny], q[1].Re[:ny], q[1].Im[:ny]
	for j, k2 := range t.k2[row : row+ny] {
		a, b, c, d := q1r[j], q1i[j], q2r[j], q2i[j]
		p, r := p11[j], p12[j]
		t1r[j] += b1 * (p*b + r*d)
		t1i[j] -= b1 * (p*a + r*c)
		p, r = t.delta*r, p22[j]
		psir, psii := p*a+r*c, p*b+r*d
		drag := t.drag * k2
		t2r[j] += b2*psii + drag*psir
		t2i[j] += drag*psii - b2*psir
	}
}

// divergence writes the divergence of the fluxes of a layer, with its sign turned, at a
// row of wavenumbers to dst.
func (w *workspace) divergence(dst fft.Planes, kx int, g fft.Planes) {
	ny, k := w.grid.ny, w.grid.kx[kx]/2
	row, opposite := w.grid.row(kx)
	here, there := cut(g, row, ny), cut(g, opposite, ny)
	dstRe, dstIm := dst.Re[:ny], dst.Im[:ny]
	m := 0
	for j, l := range w.grid.ky[:ny] {
		l *= 0.5
		re, im, reStar, imStar := here.Re[j], here.Im[j], there.Re[m], there.Im[m]
		dstRe[j] = k*(im-imStar) + l*(reStar-re)
		dstIm[j] = -k*(re+reStar) - l*(im+imStar)
		if m--; m < 0 {
			m = ny - 1
		}
	}
}

// addForcing adds the constant tendency, if there is any, to that of a number of
// wavenumbers from i on.
func (w *workspace) addForcing(tendency pair, i int) {
	if f := w.tables.forcing; f[0].Re != nil {
		tendency.add(1, f.cut(i, len(tendency[0].Re)))
	}
}

// rightSide writes the tendency of q to dst. It leaves the spectra of w1, w2
// and z undefined.
func (w *workspace) rightSide(dst, q pair) {
	w.derive(q)
	w.addTopography()
	w.fluxes()
	w.tendency(dst, q)
	w.addForcing(dst, 0)
}
