package variational

// conjugateGradients solves A x = b for a positive semidefinite A, from the x that
// it is given, until the residual is tolerance times b (Hestenes & Stiefel 1952,
// J. Res. Natl. Bur. Stand. 49, 409). apply writes A v to its first argument, and
// right writes b. It returns the number of iterations.
func conjugateGradients(x []float64, apply func(dst, v []float64), right func(dst []float64), tolerance float64) int {
	n := len(x)
	r, p, image := make([]float64, n), make([]float64, n), make([]float64, n)
	right(r)
	goal := tolerance * tolerance * dot(r, r)
	apply(image, x)
	addScaled(r, -1, image)
	copy(p, r)
	squares := dot(r, r)
	for iteration := range mostIterations(n) {
		if !(squares > goal) {
			return iteration
		}
		apply(image, p)
		curvature := dot(p, image)
		if !(curvature > 0) {
			return iteration
		}
		addScaled(x, squares/curvature, p)
		addScaled(r, -squares/curvature, image)
		next := dot(r, r)
		for i := range p {
			p[i] = r[i] + next/squares*p[i]
		}
		squares = next
	}
	return mostIterations(n)
}

// mostIterations bounds the iterations for n unknowns: in exact arithmetic n are
// enough, rounding takes more.
func mostIterations(n int) int { return min(4*n+20, 1000) }
