package kalman

// The eigenvalues and eigenvectors of a small symmetric matrix, in the two
// classical stages: Householder reflections H_k = I - b_k v_k v_k^T make it
// tridiagonal, and implicitly shifted QL rotations make that diagonal (Bowdler,
// Martin, Reinsch & Wilkinson 1968; Golub & Van Loan, Matrix Computations,
// 8.3). Ensembles have tens of members and a cycle needs one such matrix, or
// one for each local analysis; at that size this is several times as fast as a
// blocked LAPACK.

import "math"

// eigen is the workspace for symmetric matrices of up to a certain order.
type eigen struct {
	// values are the eigenvalues of the last matrix; row k of vectors is the
	// unit eigenvector of value k.
	values, vectors []float64

	off, v, w []float64
}

func newEigen(order int) *eigen {
	return &eigen{
		values: make([]float64, order), vectors: make([]float64, order*order),
		off: make([]float64, order), v: make([]float64, order), w: make([]float64, order),
	}
}

// decompose finds the eigenvalues and eigenvectors of a, of order n and
// row-major, which it overwrites. It reports false if a is not finite.
func (e *eigen) decompose(a []float64, n int) bool {
	e.values, e.vectors = e.values[:n], e.vectors[:n*n]
	e.tridiagonalise(a, n)
	e.accumulate(a, n)
	return e.diagonalise(n)
}

// tridiagonalise leaves the diagonal in values, the subdiagonal in off[1:] and
// v_k, scaled so that b_k = 1, in row k of a, behind the diagonal.
func (e *eigen) tridiagonalise(a []float64, n int) {
	for k := range n - 1 {
		e.values[k] = a[k*n+k]
		row := a[k*n+k+1 : k*n+n] // equals the column below the diagonal
		e.off[k+1] = reflector(row)
		if n-k-1 < 2 {
			continue
		}
		e.reflectBothSides(a, row, k+1, n)
	}
	e.values[n-1] = a[n*n-1]
}

// reflector replaces x by v such that (I - v v^T) x = (beta, 0, ..., 0), and
// returns beta; v is zero if x is of that form already.
func reflector(x []float64) (beta float64) {
	tail := dot(x[1:], x[1:])
	if tail == 0 {
		beta = x[0]
		x[0] = 0
		return beta
	}
	norm := math.Sqrt(x[0]*x[0] + tail)
	beta = -math.Copysign(norm, x[0])
	x[0] -= beta
	scale := math.Sqrt(2 / (x[0]*x[0] + tail))
	for i := range x {
		x[i] *= scale
	}
	return beta
}

// reflectBothSides applies I - v v^T to both sides of the trailing block of a:
// with p = A v and w = p - (p^T v/2) v it becomes A - v w^T - w v^T.
func (e *eigen) reflectBothSides(a, v []float64, begin, n int) {
	w := e.w[:n-begin]
	for i := range w {
		w[i] = dot(a[(begin+i)*n+begin:(begin+i+1)*n], v)
	}
	half := dot(w, v) / 2
	for i := range w {
		w[i] -= half * v[i]
	}
	for i := range w {
		row := a[(begin+i)*n+begin : (begin+i+1)*n]
		vi, wi := v[i], w[i]
		for j := range row {
			row[j] -= vi*w[j] + wi*v[j]
		}
	}
}

// accumulate writes the transpose of H_0 H_1 ... to vectors.
func (e *eigen) accumulate(a []float64, n int) {
	q := e.vectors
	clear(q)
	for i := range n {
		q[i*n+i] = 1
	}
	for k := n - 3; k >= 0; k-- {
		v := a[k*n+k+1 : k*n+n]
		u := e.v[:n-k-1]
		clear(u)
		for i, vi := range v {
			axpy(u, vi, q[(k+1+i)*n+k+1:(k+2+i)*n])
		}
		for i, vi := range v {
			axpy(q[(k+1+i)*n+k+1:(k+2+i)*n], -vi, u)
		}
	}
	for i := range n {
		for j := range i {
			q[i*n+j], q[j*n+i] = q[j*n+i], q[i*n+j]
		}
	}
}

// diagonalise applies QL sweeps until the subdiagonal vanishes, up to rounding
// of the largest value.
func (e *eigen) diagonalise(n int) bool {
	d, off := e.values, e.off[:n]
	copy(off, off[1:])
	off[n-1] = 0
	var scale float64
	for i := range n {
		scale = math.Max(scale, math.Abs(d[i])+math.Abs(off[i]))
	}
	for l := range n {
		for sweep := 0; ; sweep++ {
			m := l
			for m < n-1 && math.Abs(off[m]) > 0x1p-53*scale {
				m++
			}
			if m == l {
				break
			}
			if sweep == 60 {
				return false
			}
			e.sweep(l, m, n)
		}
		if d[l]-d[l] != 0 {
			return false
		}
	}
	return true
}

// sweep is one implicit QL step on the block from l to m.
func (e *eigen) sweep(l, m, n int) {
	d, off := e.values, e.off
	g := (d[l+1] - d[l]) / (2 * off[l])
	r := math.Sqrt(g*g + 1)
	g = d[m] - d[l] + off[l]/(g+math.Copysign(r, g))
	s, c, p := 1., 1., 0.
	for i := m - 1; i >= l; i-- {
		f, b := s*off[i], c*off[i]
		r = math.Sqrt(f*f + g*g)
		off[i+1] = r
		if r == 0 { // the block splits here
			d[i+1] -= p
			off[m] = 0
			return
		}
		s, c = f/r, g/r
		g = d[i+1] - p
		r = (d[i]-g)*s + 2*c*b
		p = s * r
		d[i+1] = g + p
		g = c*r - b
		rotate(e.vectors[i*n:(i+1)*n], e.vectors[(i+1)*n:(i+2)*n], c, s)
	}
	d[l] -= p
	off[l], off[m] = g, 0
}

// rotate turns the rows x and y by the angle of cosine c and sine s.
func rotate(x, y []float64, c, s float64) {
	y = y[:len(x)]
	for k, a := range x {
		b := y[k]
		y[k] = s*a + c*b
		x[k] = c*a - s*b
	}
}
