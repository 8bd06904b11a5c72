package kalman

// The iterations of the iterative smoother, in the space of the N members. The
// ensemble at the start of a window is x0 + (w + T) X0, row by row: w, the same
// for all members, moves the mean and T the anomalies X0. With Y and d the
// anomalies and the innovations of the observations at the end of the window,
// predicted from there, Y0 = T^-1 Y and z = N-1:
//
//	w <- w + (Y0 Y0^T + z)^-1 (Y0 d - z w)
//
//	etkf    T  = sqrt(N-1) (Y0 Y0^T + z)^-1/2
//	enkf    T <- T + (-(Y + D) Y0^T + (N-1)(I - T)) (Y0 Y0^T + z)^-1
//	denkf   T <- T + (-Y Y0^T/2     + (N-1)(I - T)) (Y0 Y0^T + z)^-1
//
// the Gauss-Newton iteration of Bocquet & Sakov 2012, 2014, and its stochastic
// form of Raanes, Stordal & Evensen 2019 (Nonlin. Processes Geophys. 26, 325),
// where D are perturbations drawn once. T^-1 is known for the first; for the
// others (T + 1 1^T)^-1 does the same to anomalies, and exists.
//
// Multiple data assimilation (Emerick & Reynolds 2012) instead assimilates the
// observations as many times as there are iterations, with their variance
// multiplied by that number, each time from the ensemble it has: then Y0 = Y, z
// is multiplied likewise, and with C = (Y Y^T + z)^-1
//
//	w <- w + T^T C Y d
//	etkf  T <- sqrt(z) C^1/2 T;  enkf  T <- T - (Y + D) Y^T C T;  denkf  T <- T - Y Y^T C T/2 .

import (
	"math"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// newton holds the iterates.
type newton struct {
	settings IEnKS
	members  int
	spectrum *spectrum

	w, change   []float64 // w and its last change
	t, old      []float64 // T and the one before
	inverse     []float64 // T^-1
	conditioned []float64 // Y0
	difference  []float64 // Y + D, or what stands for it
	perturbed   *perturbations

	square, root, vector []float64
	pivots               []int
}

func newNewton(settings IEnKS, seed int64, members, most int) *newton {
	matrix := func() []float64 { return make([]float64, members*members) }
	g := &newton{
		settings: settings, members: members, spectrum: newPrimalSpectrum(members),
		w: make([]float64, members), change: make([]float64, members),
		t: matrix(), old: matrix(), inverse: matrix(),
		conditioned: make([]float64, members*most), difference: make([]float64, members*most),
		square: matrix(), root: matrix(), vector: make([]float64, members), pivots: make([]int, members),
	}
	if settings.Update == "enkf" {
		g.perturbed = newPerturbations(seed, members, most)
	}
	return g
}

// reset starts at the ensemble as it is.
func (g *newton) reset() {
	clear(g.w)
	identity(g.t, g.members)
	identity(g.inverse, g.members)
}

// iterate improves w and T by the anomalies y and innovations d of p values. It
// reports false if they are not finite.
func (g *newton) iterate(y, d []float64, p int, at drawAt) bool {
	n := g.members
	copy(g.old, g.t)
	y0 := g.conditioned[:n*p]
	multiply(y0, 1, g.inverse, y, 0, n, n, p)
	if !g.spectrum.decompose(y0, d, p) {
		return false
	}
	z := float64(n - 1)
	if g.settings.XN > 0 {
		z = newHyperprior(g.spectrum, g.settings.XN).given(dot(g.w, g.w))
	}
	if g.settings.MDA {
		g.anneal(y, p, z*float64(g.settings.Iterations), at)
	} else {
		g.descend(y, y0, p, z, at)
	}
	for i := range g.w {
		g.w[i] += g.change[i]
	}
	return true
}

// converged reports whether w has ceased to change.
func (g *newton) converged() bool {
	return dot(g.change, g.change) < g.settings.Tolerance*float64(g.members)
}

// descend is a step of Gauss-Newton.
func (g *newton) descend(y, y0 []float64, p int, z float64, at drawAt) {
	n, one := g.members, float64(g.members-1)
	s := g.spectrum
	// (Y0 Y0^T + z)^-1 (Y0 d - z w), the first part from the projections.
	s.coefficients(g.change, z)
	inverse := g.square
	s.function(inverse, func(l float64) float64 { return 1 / (l + z) })
	multiply(g.change, -z, inverse, g.w, 1, n, n, 1)
	if g.settings.Update == "etkf" {
		s.function(g.t, func(l float64) float64 { return math.Sqrt(one / (l + z)) })
		s.function(g.inverse, func(l float64) float64 { return math.Sqrt((l + z) / one) })
		return
	}
	at.repetition = 0
	gradient := g.root
	multiplyTransposed(gradient, -1, g.differences(y, p, at), y0, 0, n, p, n)
	for i := range g.t {
		gradient[i] -= one * g.t[i]
	}
	for i := range n {
		gradient[i*n+i] += one
	}
	multiply(g.t, 1, gradient, inverse, 1, n, n, n)
	for i := range g.t {
		g.inverse[i] = g.t[i] + 1
	}
	invert(g.inverse, g.pivots, g.vector)
}

// anneal is a share of multiple data assimilation.
func (g *newton) anneal(y []float64, p int, z float64, at drawAt) {
	n, s := g.members, g.spectrum
	s.coefficients(g.vector, z)
	transposedMultiply(g.change, 1, g.old, g.vector, 0, n, n, 1)
	inverse := g.square
	if g.settings.Update == "etkf" {
		s.function(inverse, func(l float64) float64 { return 1 / math.Sqrt(1+l/z) })
		multiply(g.t, 1, inverse, g.old, 0, n, n, n)
		return
	}
	s.function(inverse, func(l float64) float64 { return 1 / (l + z) })
	product := g.root
	multiplyTransposed(product, 1, g.differences(y, p, at), y, 0, n, p, n)
	multiply(g.inverse, 1, product, inverse, 0, n, n, n)
	multiply(g.t, -1, g.inverse, g.old, 1, n, n, n)
	identity(g.inverse, n)
}

// differences are Y + D, or Y/2.
func (g *newton) differences(y []float64, p int, at drawAt) []float64 {
	difference := g.difference[:g.members*p]
	if g.perturbed == nil {
		for i := range difference {
			difference[i] = y[i] / 2
		}
		return difference
	}
	scale := 1.
	if g.settings.MDA {
		scale = math.Sqrt(float64(g.settings.Iterations))
	}
	copy(difference, y)
	axpy(difference, scale, g.perturbed.draw(p, at.problem, at.state, at.repetition))
	return difference
}

// drawAt addresses the perturbations of an iteration.
type drawAt struct{ problem, state, repetition int }

// invert replaces a square matrix by its inverse.
func invert(a []float64, pivots []int, work []float64) {
	n := len(pivots)
	matrix := blas64.General{Rows: n, Cols: n, Stride: n, Data: a}
	if lapack64.Getrf(matrix, pivots) {
		lapack64.Getri(matrix, pivots, work, len(work))
	}
}
