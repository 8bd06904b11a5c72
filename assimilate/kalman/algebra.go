package kalman

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// Matrices are row-major slices. The products below give the same bytes
// whatever the number of workers: each block of a result is summed in order.

// multiply writes alpha A B + beta C to C, A being m by k and B k by n.
func multiply(c []float64, alpha float64, a, b []float64, beta float64, m, k, n int) {
	blas64.Implementation().Dgemm(blas.NoTrans, blas.NoTrans, m, n, k, alpha, a, k, b, n, beta, c, n)
}

// multiplyTransposed is multiply for B^T, B being n by k.
func multiplyTransposed(c []float64, alpha float64, a, b []float64, beta float64, m, k, n int) {
	blas64.Implementation().Dgemm(blas.NoTrans, blas.Trans, m, n, k, alpha, a, k, b, k, beta, c, n)
}

// transposedMultiply is multiply for A^T, A being k by m.
func transposedMultiply(c []float64, alpha float64, a, b []float64, beta float64, m, k, n int) {
	blas64.Implementation().Dgemm(blas.Trans, blas.NoTrans, m, n, k, alpha, a, m, b, n, beta, c, n)
}

// dot is the inner product of a and the first len(a) values of b.
func dot(a, b []float64) float64 {
	b = b[:len(a)]
	var even, odd float64
	i := 0
	for ; i+1 < len(a); i += 2 {
		even += a[i] * b[i]
		odd += a[i+1] * b[i+1]
	}
	if i < len(a) {
		even += a[i] * b[i]
	}
	return even + odd
}

// axpy adds s x to y.
func axpy(y []float64, s float64, x []float64) {
	x = x[:len(y)]
	for i, v := range x {
		y[i] += s * v
	}
}

// centre writes the mean of the rows of a, of n values each, to mean, and
// subtracts it from each.
func centre(mean, a []float64, n int) {
	columnMeans(mean, a, n)
	for row := 0; row < len(a); row += n {
		for j, m := range mean {
			a[row+j] -= m
		}
	}
}

// columnMeans writes the mean of the rows of a, of n values each, to mean.
func columnMeans(mean, a []float64, n int) {
	mean = mean[:n]
	clear(mean)
	for row := 0; row < len(a); row += n {
		for j, v := range a[row : row+n] {
			mean[j] += v
		}
	}
	scale := float64(n) / float64(len(a))
	for j := range mean {
		mean[j] *= scale
	}
}

// addRow adds v to each row of a.
func addRow(a, v []float64) {
	for row := 0; row < len(a); row += len(v) {
		for j, x := range v {
			a[row+j] += x
		}
	}
}

func finite(x []float64) bool {
	for _, v := range x {
		if v-v != 0 {
			return false
		}
	}
	return true
}

// square is x^2.
func square(x float64) float64 { return x * x }

// clip is x, or the nearer end of [low, high]; low if x is NaN.
func clip(x, low, high float64) float64 {
	if !(x > low) {
		return low
	}
	return math.Min(x, high)
}
