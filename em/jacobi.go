package em

import "math"

// diagonalise turns the leading n x n block of the symmetric matrix a, rows stride
// apart, into a diagonal one by Jacobi's rotations, and sets the columns of v to the
// eigenvectors. It is for a handful of rows: it does not allocate.
func diagonalise(a, v []float64, n, stride int) {
	for i := range n {
		for j := range n {
			v[i*stride+j] = 0
		}
		v[i*stride+i] = 1
	}
	const sweeps = 30
	for range sweeps {
		var off, on float64
		for i := range n {
			on += a[i*stride+i] * a[i*stride+i]
			for j := range i {
				off += a[i*stride+j] * a[i*stride+j]
			}
		}
		if off <= 1e-28*on {
			return
		}
		for p := range n {
			for q := p + 1; q < n; q++ {
				rotate(a, v, rotation{p, q, n, stride})
			}
		}
	}
}

type rotation struct{ p, q, n, stride int }

// rotate makes element (p, q) zero (Golub & Van Loan, algorithm 8.4.1).
func rotate(a, v []float64, r rotation) {
	p, q, s := r.p, r.q, r.stride
	if a[p*s+q] == 0 {
		return
	}
	tau := (a[q*s+q] - a[p*s+p]) / (2 * a[p*s+q])
	t := 1 / (math.Abs(tau) + math.Sqrt(1+tau*tau))
	if tau < 0 {
		t = -t
	}
	cos := 1 / math.Sqrt(1+t*t)
	sin := t * cos
	for k := range r.n { // columns
		x, y := a[k*s+p], a[k*s+q]
		a[k*s+p], a[k*s+q] = cos*x-sin*y, sin*x+cos*y
		x, y = v[k*s+p], v[k*s+q]
		v[k*s+p], v[k*s+q] = cos*x-sin*y, sin*x+cos*y
	}
	for k := range r.n { // rows
		x, y := a[p*s+k], a[q*s+k]
		a[p*s+k], a[q*s+k] = cos*x-sin*y, sin*x+cos*y
	}
}
