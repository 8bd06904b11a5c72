package qg

import "retrace/internal/fft"

// Derivatives of the transition, as exact derivatives of the code: of the way
// from a state to potential vorticity, of each time step, and of the way back.
//
// Half spectra carry the inner product <A, B> = Re sum w conj(A) B / (nx ny),
// the weight w counting how often a wavenumber occurs in a whole spectrum. In
// it, and the plain one of the grid, Forward and Inverse are each other's
// transposes, a factor i k becomes -i k, and the real 2 x 2 matrices of the
// inversion are transposed.

// TangentLinear replaces dx by M(x) dx, M being the derivative of Step without
// its noise.
func (m *Model) TangentLinear(x, dx []float64) {
	t, d := m.borrow(), m.borrow()
	path := m.path(t, x)
	m.lift(d.workspace, d.q, dx)

	t.tangent(d.workspace, d.last, d.q, path[0])
	middle := d.borrow()
	middle.copyFrom(d.q)
	middle.add(m.dt/2, d.last)
	middle.scale(m.tables.filter)
	t.tangent(d.workspace, d.previous, middle, path[1])
	d.giveBack(middle)
	d.q.add(m.dt, d.previous)
	d.q.scale(m.tables.filter)

	now := d.borrow()
	d.previous.clear()
	for step := 1; step < m.steps; step++ {
		t.tangent(d.workspace, now, d.q, path[step+1])
		first, second, third := adamsBashforth(step)
		d.q.add(m.dt*first, now)
		d.q.add(m.dt*second, d.last)
		d.q.add(m.dt*third, d.previous)
		d.q.scale(m.tables.filter)
		now, d.last, d.previous = d.previous, now, d.last
	}
	d.giveBack(now)

	m.emit(d.workspace, dx, d.q)
	m.giveBackPath(t, path)
	m.giveBack(d)
}

// Adjoint replaces dx by M(x)^T dx.
func (m *Model) Adjoint(x, dx []float64) {
	t, d := m.borrow(), m.borrow()
	path := m.path(t, x)
	m.emitTransposed(d, dx)

	// d.q is the sensitivity to the state after a step; last and previous are
	// those to the two tendencies that the step leaves behind.
	last, previous := d.last, d.previous
	last.clear()
	previous.clear()
	now, pulled := d.borrow(), d.borrow()
	for step := m.steps - 1; step > 0; step-- {
		first, second, third := adamsBashforth(step)
		d.q.scale(m.tables.filter)
		now.copyFrom(last)
		now.add(m.dt*first, d.q)
		last, previous = previous, last
		last.add(m.dt*second, d.q)
		previous.clear()
		previous.add(m.dt*third, d.q)
		t.cotangent(d.workspace, pulled, now, path[step+1])
		d.q.add(1, pulled)
	}
	d.q.scale(m.tables.filter)
	now.clear()
	now.add(m.dt, d.q)
	t.cotangent(d.workspace, pulled, now, path[1])
	pulled.scale(m.tables.filter)
	d.q.add(1, pulled)
	now.copyFrom(last)
	now.add(m.dt/2, pulled)
	t.cotangent(d.workspace, pulled, now, path[0])
	d.q.add(1, pulled)
	d.giveBack(now)
	d.giveBack(pulled)

	clear(dx)
	m.liftTransposed(d.workspace, dx, d.q)
	m.giveBackPath(t, path)
	m.giveBack(d)
}

// path lists the potential vorticity at which Step, from state x, asks for a
// tendency: at the start, in the middle of the first step, and at the start of
// each later one.
func (m *Model) path(t *transition, x []float64) []pair {
	m.lift(t.workspace, t.q, x)
	t.steps = 0
	path := []pair{t.borrow(), t.borrow()}
	path[0].copyFrom(t.q)
	t.rightSide(t.last, t.q)
	path[1].copyFrom(t.q)
	path[1].add(m.dt/2, t.last)
	path[1].scale(m.tables.filter)
	m.firstStep(t)
	for step := 1; step < m.steps; step++ {
		at := t.borrow()
		at.copyFrom(t.q)
		path = append(path, at)
		t.fluxes()
		t.update(&t.multistep, m.dt, m.tables.filter)
	}
	return path
}

func (m *Model) giveBackPath(t *transition, path []pair) {
	for _, p := range path {
		t.giveBack(p)
	}
	m.giveBack(t)
}

// tangent writes the derivative of the tendency at q, applied to dq, to dst; d
// is scratch space beside w.
func (w *workspace) tangent(d *workspace, dst, dq, q pair) {
	w.derive(q)
	w.addTopography()
	d.derive(dq)
	w.plan.Products(
		[]fft.Planes{d.w1, d.w2},
		[]fft.Planes{w.w1, w.w2, w.z, d.w1, d.w2, d.z},
		w.multiplyTangent)
	d.tendency(dst, dq)
}

// multiplyTangent forms the linearised fluxes
// (u+U) dq + q du + i (v dq + q dv).
func (w *workspace) multiplyTangent(out, in []fft.Planes) {
	for layer := range 2 {
		background := w.tables.background[layer]
		q, dq := half(in[2], layer), half(in[5], layer)
		for i, q := range q {
			out[layer].Re[i] = (in[layer].Re[i]+background)*dq[i] + q*in[3+layer].Re[i]
			out[layer].Im[i] = in[layer].Im[i]*dq[i] + q*in[3+layer].Im[i]
		}
	}
}

// half is the field of a layer in a complex field that holds one of each.
func half(z fft.Planes, layer int) []float64 {
	if layer == 0 {
		return z.Re
	}
	return z.Im
}

// cotangent writes the transpose of the derivative of the tendency at q, applied
// to v, to dst; d is scratch space beside w. The sensitivities to the fluxes of
// a layer, a and b, give those to its velocities, q a and q b, and to its
// potential vorticity, (u+U) a + v b.
func (w *workspace) cotangent(d *workspace, dst, v, q pair) {
	w.derive(q)
	w.addTopography()
	gradient := d.borrow()
	for layer, z := range []fft.Planes{d.w1, d.w2} {
		d.velocity(gradient, v[layer])
		d.merge(z, gradient[1], gradient[0]) // a - i b
	}
	w.plan.Products(
		[]fft.Planes{d.w1, d.w2, d.z},
		[]fft.Planes{w.w1, w.w2, w.z, d.w1, d.w2},
		w.multiplyCotangent)
	for layer, z := range []fft.Planes{d.w1, d.w2} {
		d.plan.Split(gradient[0], gradient[1], z)
		d.velocityTransposed(dst[layer], gradient)
	}
	d.addLinearTransposed(dst, v)
	w.tables.streamFunctionTransposed(dst)
	d.plan.Split(gradient[0], gradient[1], d.z)
	dst.add(1, gradient)
	d.giveBack(gradient)
}

func (w *workspace) multiplyCotangent(out, in []fft.Planes) {
	for layer := range 2 {
		background := w.tables.background[layer]
		q, toQ := half(in[2], layer), half(out[2], layer)
		for i, q := range q {
			a, b := in[3+layer].Re[i], -in[3+layer].Im[i]
			out[layer].Re[i], out[layer].Im[i] = q*a, q*b
			toQ[i] = (in[layer].Re[i]+background)*a + in[layer].Im[i]*b
		}
	}
}

// velocityTransposed sets psi to the transpose of velocity.
func (w *workspace) velocityTransposed(psi fft.Planes, uv pair) {
	for kx, k := range w.grid.kx {
		row, _ := w.grid.row(kx)
		for j, l := range w.grid.ky {
			i := row + j
			psi.Re[i] = k*uv[1].Im[i] - l*uv[0].Im[i]
			psi.Im[i] = l*uv[0].Re[i] - k*uv[1].Re[i]
		}
	}
}

// addLinearTransposed adds, to the sensitivity to the stream functions, what
// comes from the background gradients and from drag.
func (w *workspace) addLinearTransposed(psi, v pair) {
	t := w.tables
	for kx, k := range w.grid.kx {
		row, _ := w.grid.row(kx)
		for i := row; i < row+w.grid.ny; i++ {
			for layer := range psi {
				b := k * t.gradient[layer]
				psi[layer].Re[i] -= b * v[layer].Im[i]
				psi[layer].Im[i] += b * v[layer].Re[i]
			}
			drag := t.drag * t.k2[i]
			psi[1].Re[i] += drag * v[1].Re[i]
			psi[1].Im[i] += drag * v[1].Im[i]
		}
	}
}

// emitTransposed sets t.q to the transpose of emit, applied to v.
func (m *Model) emitTransposed(t *transition, v []float64) {
	if len(v) != m.space.Size() {
		panic("qg: a state of the wrong length")
	}
	t.q.clear()
	n := m.view.coarse.size()
	for g := range groups {
		var pair [2][]float64
		for c, channel := range m.view.channels {
			if channel.group == g {
				pair[channel.part] = v[c*n : (c+1)*n]
			}
		}
		if pair[0] != nil || pair[1] != nil {
			m.gather(t, g, pair)
		}
	}
}

// gather adds the transpose of evaluate and mean, applied to a pair of fields of
// a state of which one may be nil, to t.q.
func (m *Model) gather(t *transition, g group, fields [2][]float64) {
	for part, to := range [2][]float64{t.field.Re, t.field.Im} {
		if fields[part] == nil {
			clear(to)
		} else {
			m.view.spread(to, fields[part])
		}
	}
	t.plan.Forward(t.z, t.field)
	half := t.borrow()
	defer t.giveBack(half)
	t.plan.Split(half[0], half[1], t.z)
	switch g {
	case stream:
		m.tables.streamFunctionTransposed(half)
	case upper, lower:
		psi := t.borrow()
		defer t.giveBack(psi)
		psi.clear()
		t.velocityTransposed(psi[g-upper], half)
		m.tables.streamFunctionTransposed(psi)
		half.copyFrom(psi)
	}
	t.q.add(1, half)
}

// liftTransposed adds the transpose of lift, applied to q, to x. It truncates q.
func (m *Model) liftTransposed(w *workspace, x []float64, q pair) {
	m.truncate(q)
	var fields [2][]float64
	if m.view.factor == 1 {
		fields[0], fields[1] = w.toGrid(q[0], q[1])
	} else {
		c := w.coarseWork(m.view.coarse)
		c.q.clear()
		m.view.each(func(i, k int, factor complex128) {
			for layer := range q {
				z := complex(real(factor), -imag(factor)) * complex(q[layer].Re[i], q[layer].Im[i])
				c.q[layer].Re[k], c.q[layer].Im[k] = real(z), imag(z)
			}
		})
		fields[0], fields[1] = c.toGrid(c.q[0], c.q[1])
	}
	n := m.view.coarse.size()
	for layer, field := range fields {
		for i, value := range field {
			x[m.view.pv[layer]*n+i] += value
		}
	}
}
