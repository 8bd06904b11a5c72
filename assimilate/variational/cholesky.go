package variational

import "math"

// cholesky replaces the lower triangle of the n by n matrix a, row-major, by its
// Cholesky factor. Directions without variance get none: pivots below 1e-14 of the
// largest variance are taken for zero.
func cholesky(a []float64, n int) {
	var largest float64
	for i := range n {
		largest = max(largest, a[i*n+i])
	}
	for i := range n {
		row := a[i*n : i*n+i+1]
		for k := range row {
			sum := row[k] - dot(row[:k], a[k*n:])
			switch pivot := a[k*n+k]; {
			case k == i && sum > 1e-14*largest:
				row[k] = math.Sqrt(sum)
			case k < i && pivot > 0:
				row[k] = sum / pivot
			default:
				row[k] = 0
			}
		}
	}
}

// forwardSolve replaces z by L^-1 z, L being the lower triangle of l.
func forwardSolve(l, z []float64) {
	n := len(z)
	for i := range z {
		z[i] = (z[i] - dot(l[i*n:i*n+i], z)) / l[i*n+i]
	}
}

// backwardSolve replaces z by L^-T z.
func backwardSolve(l, z []float64) {
	n := len(z)
	for i := n - 1; i >= 0; i-- {
		z[i] /= l[i*n+i]
		addScaled(z[:i], -z[i], l[i*n:i*n+i])
	}
}
