package dynamics

// The tangent-linear map of one Runge–Kutta step differentiates every stage:
// with x1..x4 the points at which f is evaluated and J the Jacobian of f,
//
//	d1 = J(x1) dx
//	d2 = J(x2) (dx + h/2 d1)
//	d3 = J(x3) (dx + h/2 d2)
//	d4 = J(x4) (dx + h d3)
//	dx' = dx + h/6 (d1 + 2 d2 + 2 d3 + d4)
//
// Its transpose runs the stages backwards. For a cotangent v of x':
//
//	u4 = J(x4)^T (h/6 v)
//	u3 = J(x3)^T (h/3 v + h u4)
//	u2 = J(x2)^T (h/3 v + h/2 u3)
//	u1 = J(x1)^T (h/6 v + h/2 u2)
//	v' = v + u1 + u2 + u3 + u4
//
// Both are exact derivatives of the discrete flow, not discretisations of the
// continuous tangent and adjoint equations, so the dot-product test
// <M dx, v> = <dx, M^T v> holds to rounding.

// Tangent replaces the perturbation dx of x by its image under the
// tangent-linear map of Advance at x. jacobian writes J(x) dx to dst, J being
// the Jacobian of the right-hand side. x is left as it is.
func (m *RK4) Tangent(x, dx []float64, jacobian func(dst, x, dx []float64)) {
	checkSize(x, m.size)
	checkSize(dx, m.size)
	buffer := m.tangents.get()
	n := m.size
	at := (*buffer)[6*n:]
	copy(at, x)
	for range m.steps {
		m.tangentStep(at, dx, (*buffer)[:6*n], jacobian)
	}
	m.tangents.put(buffer)
}

// tangentStep moves x and its perturbation dx by h; work holds six states.
func (m *RK4) tangentStep(x, dx, work []float64, jacobian func(dst, x, dx []float64)) {
	n := m.size
	k, sum, stage := work[:n], work[n:2*n], work[2*n:3*n]
	dk, dsum, dstage := work[3*n:4*n], work[4*n:5*n], work[5*n:6*n]
	m.f(k, x)
	jacobian(dk, x, dx)
	for i := range n {
		sum[i], dsum[i] = k[i], dk[i]
		stage[i] = x[i] + m.h/2*k[i]
		dstage[i] = dx[i] + m.h/2*dk[i]
	}
	for _, length := range [2]float64{m.h / 2, m.h} {
		m.f(k, stage)
		jacobian(dk, stage, dstage)
		for i := range n {
			sum[i] += 2 * k[i]
			dsum[i] += 2 * dk[i]
			stage[i] = x[i] + length*k[i]
			dstage[i] = dx[i] + length*dk[i]
		}
	}
	m.f(k, stage)
	jacobian(dk, stage, dstage)
	for i := range n {
		x[i] += m.h / 6 * (sum[i] + k[i])
		dx[i] += m.h / 6 * (dsum[i] + dk[i])
	}
}

// Adjoint replaces the cotangent v of the advanced state by its image under
// the transpose of the tangent-linear map of Advance at x. transpose writes
// J(x)^T v to dst. x is left as it is. The state before each step is kept
// meanwhile: memory grows with the number of steps.
func (m *RK4) Adjoint(x, v []float64, transpose func(dst, x, v []float64)) {
	checkSize(x, m.size)
	checkSize(v, m.size)
	buffer := m.adjoints.get()
	n := m.size
	path, work := (*buffer)[:m.steps*n], (*buffer)[m.steps*n:]
	copy(path[:n], x)
	for s := 1; s < m.steps; s++ {
		at := path[s*n : (s+1)*n]
		copy(at, path[(s-1)*n:s*n])
		m.step(at, work[:3*n])
	}
	for s := m.steps - 1; s >= 0; s-- {
		m.adjointStep(path[s*n:(s+1)*n], v, work, transpose)
	}
	m.adjoints.put(buffer)
}

// adjointStep pulls v back through the step that starts at x; work holds six
// states.
func (m *RK4) adjointStep(x, v, work []float64, transpose func(dst, x, v []float64)) {
	n, h := m.size, m.h
	x2, x3, x4 := work[:n], work[n:2*n], work[2*n:3*n]
	k, u, sum := work[3*n:4*n], work[4*n:5*n], work[5*n:6*n]
	m.f(k, x)
	addScaled(x2, x, h/2, k)
	m.f(k, x2)
	addScaled(x3, x, h/2, k)
	m.f(k, x3)
	addScaled(x4, x, h, k)

	clear(u)
	copy(sum, v)
	for _, stage := range [4]struct {
		at                 []float64
		weight, downstream float64 // of v and of the later stage's u
	}{{x4, h / 6, 0}, {x3, h / 3, h}, {x2, h / 3, h / 2}, {x, h / 6, h / 2}} {
		for i := range k {
			k[i] = stage.weight*v[i] + stage.downstream*u[i]
		}
		transpose(u, stage.at, k)
		for i := range sum {
			sum[i] += u[i]
		}
	}
	copy(v, sum)
}

// addScaled writes x + a y to dst.
func addScaled(dst, x []float64, a float64, y []float64) {
	for i := range dst {
		dst[i] = x[i] + a*y[i]
	}
}
