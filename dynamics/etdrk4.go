package dynamics

import (
	"math"
	"math/cmplx"
	"sync"

	"gonum.org/v1/gonum/dsp/fourier"
)

// Exponential time differencing of fourth order (Cox & Matthews 2002, J. Comput. Phys.
// 176, 430) for u_t = L u + N(u) with L diagonal in Fourier space; stages as in
// Kassam & Trefethen (2005, SIAM J. Sci. Comput. 26, 1214):
//
//	a  = e u + q N(u)              e = exp(hL/2)
//	b  = e u + q N(a)
//	c  = e a + q (2 N(b) - N(u))
//	u' = e^2 u + f1 N(u) + 2 f2 (N(a) + N(b)) + f3 N(c)
//
// with, for z = h L,
//
//	q  = h (exp(z/2) - 1)/z
//	f1 = h (-4 - z + exp(z) (4 - 3z + z^2))/z^3
//	f2 = h (2 + z + exp(z) (z - 2))/z^3
//	f3 = h (-4 - 3z - z^2 + exp(z) (4 - z))/z^3,
//
// which cancel for small z. They are computed as means over a circle of radius 1
// around z, on which nothing cancels; their value at the centre follows by Cauchy's
// theorem.
//
// All these are real, even in the wavenumber and so symmetric operators of the grid.
// With N(u) = -(u^2)_x/2, the derivative of N is v -> -(u v)_x, its transpose
// w -> u w_x; so the transpose of a step applies the same operators to cotangents in
// the opposite order. Tangent and adjoint differentiate the discrete step.

// etdrk4 steps the periodic equation u_t = L u - u u_x on n points.
type etdrk4 struct {
	n, steps      int
	half, full    []float64 // e and e^2, for each wavenumber
	q, f1, f2, f3 []float64
	slope         []float64 // wavenumber, zero for the highest, whose slope the grid does not see
	work          sync.Pool // of *etdrk4Work
}

// newETDRK4 crosses an interval in so many steps; linear gives L of a wavenumber, n is
// even.
func newETDRK4(n int, length, interval float64, steps int, linear func(k float64) float64) *etdrk4 {
	m := &etdrk4{n: n, steps: steps}
	h := interval / float64(steps)
	for j := range n/2 + 1 {
		k := 2 * math.Pi * float64(j) / length
		z := h * linear(k)
		m.half, m.full = append(m.half, math.Exp(z/2)), append(m.full, math.Exp(z))
		q, f1, f2, f3 := contourMeans(z)
		m.q, m.f1, m.f2, m.f3 = append(m.q, h*q), append(m.f1, h*f1), append(m.f2, h*f2), append(m.f3, h*f3)
		if j == n/2 {
			k = 0
		}
		m.slope = append(m.slope, k)
	}
	m.work.New = func() any { return newETDRK4Work(n, steps) }
	return m
}

// contourMeans are q, f1, f2 and f3 over h at z.
func contourMeans(z float64) (q, f1, f2, f3 float64) {
	const points = 32
	for p := range points {
		angle := math.Pi * (float64(p) + 0.5) / points // of the upper half: the lower one conjugates
		w := complex(z, 0) + cmplx.Exp(complex(0, angle))
		e, cube := cmplx.Exp(w), w*w*w
		q += real((cmplx.Exp(w/2)-1)/w) / points
		f1 += real((-4-w+e*(4-3*w+w*w))/cube) / points
		f2 += real((2+w+e*(w-2))/cube) / points
		f3 += real((-4-3*w-w*w+e*(4-w))/cube) / points
	}
	return q, f1, f2, f3
}

// etdrk4Work is the scratch space of one caller.
type etdrk4Work struct {
	fft                *fourier.FFT
	u, a, b, c         []complex128 // spectra of the stages
	nu, na, nb, nc     []complex128 // of their nonlinear terms
	du, da, db, dc, dn []complex128
	grid, other        []float64
	path               []complex128 // spectra before each step
	stages             [4][]float64 // of one step, on the grid
}

func newETDRK4Work(n, steps int) *etdrk4Work {
	w := &etdrk4Work{fft: fourier.NewFFT(n), grid: make([]float64, n), other: make([]float64, n)}
	half := n/2 + 1
	for _, spectrum := range []*[]complex128{
		&w.u, &w.a, &w.b, &w.c, &w.nu, &w.na, &w.nb, &w.nc, &w.du, &w.da, &w.db, &w.dc, &w.dn,
	} {
		*spectrum = make([]complex128, half)
	}
	w.path = make([]complex128, steps*half)
	for i := range w.stages {
		w.stages[i] = make([]float64, n)
	}
	return w
}

// values writes the field of a spectrum to dst.
func (w *etdrk4Work) values(dst []float64, spectrum []complex128) {
	w.fft.Sequence(dst, spectrum)
	for i := range dst {
		dst[i] /= float64(len(dst))
	}
}

// flow advances x by the interval.
func (m *etdrk4) flow(x []float64) {
	checkSize(x, m.n)
	w := m.work.Get().(*etdrk4Work)
	w.fft.Coefficients(w.u, x)
	for range m.steps {
		m.step(w)
	}
	w.values(x, w.u)
	m.work.Put(w)
}

// step advances w.u by h; the fields of its stages are left in w.stages.
func (m *etdrk4) step(w *etdrk4Work) {
	m.nonlinear(w.nu, w.stages[0], w.u, w)
	for j, e := range m.half {
		w.a[j] = scale(e, w.u[j]) + scale(m.q[j], w.nu[j])
	}
	m.nonlinear(w.na, w.stages[1], w.a, w)
	for j, e := range m.half {
		w.b[j] = scale(e, w.u[j]) + scale(m.q[j], w.na[j])
	}
	m.nonlinear(w.nb, w.stages[2], w.b, w)
	for j, e := range m.half {
		w.c[j] = scale(e, w.a[j]) + scale(m.q[j], 2*w.nb[j]-w.nu[j])
	}
	m.nonlinear(w.nc, w.stages[3], w.c, w)
	for j, e := range m.full {
		w.u[j] = scale(e, w.u[j]) + scale(m.f1[j], w.nu[j]) + scale(2*m.f2[j], w.na[j]+w.nb[j]) + scale(m.f3[j], w.nc[j])
	}
}

// nonlinear writes the spectrum of -(u^2)_x/2 to dst and the field u to field.
func (m *etdrk4) nonlinear(dst []complex128, field []float64, spectrum []complex128, w *etdrk4Work) {
	w.values(field, spectrum)
	for i, u := range field {
		w.grid[i] = u * u
	}
	w.fft.Coefficients(dst, w.grid)
	for j, k := range m.slope {
		dst[j] = rotate(-k/2, dst[j])
	}
}

// scale is a z without the products with the imaginary zero of complex(a, 0).
func scale(a float64, z complex128) complex128 { return complex(a*real(z), a*imag(z)) }

// rotate is i a z.
func rotate(a float64, z complex128) complex128 { return complex(-a*imag(z), a*real(z)) }
