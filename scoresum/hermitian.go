package scoresum

import (
	"math"
	"math/cmplx"
)

// Small dense complex matrices, row-major, for the algebra of one wavenumber, which is
// complex where that of gonum is real: four times less work than with real twins.

// hermitian is a positive Hermitian matrix or its lower Cholesky factor.
type hermitian struct {
	n int
	v []complex128
}

func newHermitian(n int) hermitian { return hermitian{n, make([]complex128, n*n)} }

func (h hermitian) row(i int) []complex128 { return h.v[i*h.n : (i+1)*h.n] }

// block copies the square of side n whose first row and column is first.
func (h hermitian) block(first, n int) hermitian {
	b := newHermitian(n)
	for i := range n {
		copy(b.row(i), h.row(first + i)[first:])
	}
	return b
}

// factorise replaces h by its lower factor L, h = L L^H, and reports whether h was
// positive. Only the lower triangle is read; the upper one becomes zero.
func (h hermitian) factorise() bool {
	for i := range h.n {
		a := h.row(i)
		for j := range i + 1 {
			b, sum := h.row(j), a[j]
			for k := range j {
				sum -= a[k] * cmplx.Conj(b[k])
			}
			if j < i {
				a[j] = sum / b[j]
				continue
			}
			if !(real(sum) > 0) || math.IsInf(real(sum), 0) {
				return false
			}
			a[i] = complex(math.Sqrt(real(sum)), 0)
		}
		clear(a[i+1:])
	}
	return true
}

// solve replaces every row b of columns, of n values, by the solution of L L^H x = b.
func (h hermitian) solve(columns []complex128) {
	for first := 0; first < len(columns); first += h.n {
		x := columns[first : first+h.n]
		h.solveLower(x)
		for i := h.n - 1; i >= 0; i-- {
			sum := x[i]
			for k := i + 1; k < h.n; k++ {
				sum -= cmplx.Conj(h.v[k*h.n+i]) * x[k]
			}
			x[i] = sum / h.v[i*h.n+i]
		}
	}
}

// solveLower replaces x by the solution of L y = x.
func (h hermitian) solveLower(x []complex128) {
	for i := range h.n {
		sum, l := x[i], h.row(i)
		for k := range i {
			sum -= l[k] * x[k]
		}
		x[i] = sum / l[i]
	}
}

// inverse is that of L L^H.
func (h hermitian) inverse() hermitian {
	inverse := newHermitian(h.n)
	for i := range h.n {
		// Row i of the conjugate, which is row i of the transpose: column i.
		inverse.v[i*h.n+i] = 1
		h.solve(inverse.row(i))
		for j, x := range inverse.row(i) {
			inverse.row(i)[j] = cmplx.Conj(x)
		}
	}
	return inverse
}

// gram is a a^H for rows of a of width values, times factor.
func gram(a []complex128, width int, factor float64) hermitian {
	g := newHermitian(len(a) / width)
	for i := range g.n {
		x := a[i*width : (i+1)*width]
		for j := range i + 1 {
			v := complex(factor, 0) * dot(x, a[j*width:(j+1)*width])
			g.v[i*g.n+j], g.v[j*g.n+i] = v, cmplx.Conj(v)
		}
	}
	return g
}

// dot is the sum of x conj(y).
func dot(x, y []complex128) (sum complex128) {
	for k, v := range x {
		w := y[k]
		sum += complex(real(v)*real(w)+imag(v)*imag(w), imag(v)*real(w)-real(v)*imag(w))
	}
	return sum
}

// product sets dst to m x for a matrix of len(x) columns.
func product(dst, m, x []complex128) {
	for i := range dst {
		var sum complex128
		for k, w := range m[i*len(x):][:len(x)] {
			sum += w * x[k]
		}
		dst[i] = sum
	}
}

// subtractProduct subtracts m x from dst.
func subtractProduct(dst, m, x []complex128) {
	for i := range dst {
		sum := dst[i]
		for k, w := range m[i*len(x):][:len(x)] {
			sum -= w * x[k]
		}
		dst[i] = sum
	}
}

// subtractTransposed subtracts m^H x from dst for a matrix of len(dst) columns.
func subtractTransposed(dst, m, x []complex128) {
	for i, v := range x {
		for k, w := range m[i*len(dst):][:len(dst)] {
			dst[k] -= complex(real(w)*real(v)+imag(w)*imag(v), real(w)*imag(v)-imag(w)*real(v))
		}
	}
}
