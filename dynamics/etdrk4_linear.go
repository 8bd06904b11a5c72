package dynamics

// tangent replaces the perturbation dx of x by its image under the derivative of flow
// at x.
func (m *etdrk4) tangent(x, dx []float64) {
	checkSize(x, m.n)
	checkSize(dx, m.n)
	w := m.work.Get().(*etdrk4Work)
	w.fft.Coefficients(w.u, x)
	w.fft.Coefficients(w.du, dx)
	for range m.steps {
		m.step(w)
		m.tangentStep(w)
	}
	w.values(dx, w.du)
	m.work.Put(w)
}

// tangentStep advances w.du by the derivative of the step whose stages are at hand.
func (m *etdrk4) tangentStep(w *etdrk4Work) {
	nu, na, nb, nc := w.nu, w.na, w.nb, w.nc // of the step, which are not needed any more
	m.bend(nu, w.stages[0], w.du, w)
	for j, e := range m.half {
		w.da[j] = scale(e, w.du[j]) + scale(m.q[j], nu[j])
	}
	m.bend(na, w.stages[1], w.da, w)
	for j, e := range m.half {
		w.db[j] = scale(e, w.du[j]) + scale(m.q[j], na[j])
	}
	m.bend(nb, w.stages[2], w.db, w)
	for j, e := range m.half {
		w.dc[j] = scale(e, w.da[j]) + scale(m.q[j], 2*nb[j]-nu[j])
	}
	m.bend(nc, w.stages[3], w.dc, w)
	for j, e := range m.full {
		w.du[j] = scale(e, w.du[j]) + scale(m.f1[j], nu[j]) + scale(2*m.f2[j], na[j]+nb[j]) + scale(m.f3[j], nc[j])
	}
}

// bend writes the spectrum of -(u v)_x to dst, v being given by its spectrum.
func (m *etdrk4) bend(dst []complex128, u []float64, v []complex128, w *etdrk4Work) {
	w.values(w.grid, v)
	for i := range w.grid {
		w.grid[i] *= u[i]
	}
	w.fft.Coefficients(dst, w.grid)
	for j, k := range m.slope {
		dst[j] = rotate(-k, dst[j])
	}
}

// adjoint replaces the cotangent v of the advanced state by its image under the
// transpose of the derivative of flow at x.
func (m *etdrk4) adjoint(x, v []float64) {
	checkSize(x, m.n)
	checkSize(v, m.n)
	w := m.work.Get().(*etdrk4Work)
	half := len(w.u)
	w.fft.Coefficients(w.u, x)
	for s := range m.steps {
		copy(w.path[s*half:], w.u)
		if s < m.steps-1 {
			m.step(w)
		}
	}
	w.fft.Coefficients(w.du, v)
	for s := m.steps - 1; s >= 0; s-- {
		copy(w.u, w.path[s*half:])
		m.step(w)
		m.adjointStep(w)
	}
	w.values(v, w.du)
	m.work.Put(w)
}

// adjointStep takes the cotangent w.du back through the step whose stages are at hand.
// The cotangents of N(u), N(a), ... are collected in w.nu, w.na, ...; those of the
// stages in w.da, w.db, w.dc.
func (m *etdrk4) adjointStep(w *etdrk4Work) {
	for j, v := range w.du {
		w.nc[j] = scale(m.f3[j], v)
		w.nb[j] = scale(2*m.f2[j], v)
		w.na[j] = w.nb[j]
		w.nu[j] = scale(m.f1[j], v)
		w.du[j] = scale(m.full[j], v)
	}
	m.unbend(w.dc, w.stages[3], w.nc, w)
	for j, v := range w.dc { // c = e a + q (2 N(b) - N(u))
		w.da[j] = scale(m.half[j], v)
		w.nb[j] += scale(2*m.q[j], v)
		w.nu[j] -= scale(m.q[j], v)
	}
	m.unbend(w.db, w.stages[2], w.nb, w)
	for j, v := range w.db { // b = e u + q N(a)
		w.du[j] += scale(m.half[j], v)
		w.na[j] += scale(m.q[j], v)
	}
	m.unbend(w.dn, w.stages[1], w.na, w)
	for j := range w.da { // a = e u + q N(u)
		v := w.da[j] + w.dn[j]
		w.du[j] += scale(m.half[j], v)
		w.nu[j] += scale(m.q[j], v)
	}
	m.unbend(w.dn, w.stages[0], w.nu, w)
	for j, v := range w.dn {
		w.du[j] += v
	}
}

// unbend writes the spectrum of u v_x to dst, v being given by its spectrum: the
// transpose of bend.
func (m *etdrk4) unbend(dst []complex128, u []float64, v []complex128, w *etdrk4Work) {
	for j, k := range m.slope {
		dst[j] = rotate(k, v[j])
	}
	w.values(w.grid, dst)
	for i := range w.grid {
		w.grid[i] *= u[i]
	}
	w.fft.Coefficients(dst, w.grid)
}
