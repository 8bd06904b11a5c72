package dynamics

// The classical fourth-order Runge–Kutta method for dx/dt = f(x), step h:
//
//	k1 = f(x)
//	k2 = f(x + h/2 k1)
//	k3 = f(x + h/2 k2)
//	k4 = f(x + h k3)
//	x' = x + h/6 (k1 + 2 k2 + 2 k3 + k4)
//
// (Kutta 1901; Hairer, Nørsett & Wanner, Solving Ordinary Differential
// Equations I, table II.1.2.) The global error is O(h^4).

// RK4 integrates an autonomous ordinary differential equation over a fixed
// interval by a fixed number of classical Runge–Kutta steps. It is safe for
// concurrent use if its right-hand side is.
type RK4 struct {
	size, steps int
	h           float64
	f           func(dst, x []float64)
	stages      *scratch
	tangents    *scratch
	adjoints    *scratch
}

// NewRK4 returns an integrator for states of the given size that crosses the
// interval, a time in the units of f, in the given number of equal steps. f
// writes dx/dt at x to dst; the two never overlap. Size and steps must be
// positive.
func NewRK4(size int, interval float64, steps int, f func(dst, x []float64)) *RK4 {
	if size < 1 || steps < 1 {
		panic("dynamics: RK4 needs a positive size and number of steps")
	}
	return &RK4{
		size:     size,
		steps:    steps,
		h:        interval / float64(steps),
		f:        f,
		stages:   newScratch(3 * size),
		tangents: newScratch(7 * size),
		adjoints: newScratch((steps + 6) * size),
	}
}

// Advance moves x in place over one interval.
func (m *RK4) Advance(x []float64) {
	checkSize(x, m.size)
	buffer := m.stages.get()
	for range m.steps {
		m.step(x, *buffer)
	}
	m.stages.put(buffer)
}

// step moves x by h; work holds three states.
func (m *RK4) step(x, work []float64) {
	n, h := m.size, m.h
	x, k, sum, stage := x[:n], work[:n], work[n:2*n], work[2*n:3*n]
	m.f(k, x)
	for i := range n {
		sum[i] = k[i]
		stage[i] = x[i] + h/2*k[i]
	}
	for _, length := range [2]float64{h / 2, h} {
		m.f(k, stage)
		for i := range n {
			sum[i] += 2 * k[i]
			stage[i] = x[i] + length*k[i]
		}
	}
	m.f(k, stage)
	for i := range n {
		x[i] += h / 6 * (sum[i] + k[i])
	}
}
