// Anderson's acceleration of a fixed-point iteration x <- g(x) (Anderson 1965, J. ACM
// 12, 547; Walker & Ni 2011, SIAM J. Numer. Anal. 49, 1715). With residuals f_k =
// g(x_k) - x_k and the last m differences dF and dG of f and g, the next point is
//
//	x_(k+1) = g(x_k) - dG c,  c = argmin |f_k - dF c| :
//
// for a linear g this is GMRES, and it needs no value of a function to descend on.

package variational

import (
	"math"

	"retrace/internal/triangular"
)

// anderson holds the last points of an iteration; depth is m.
type anderson struct {
	depth        int
	x, f         []float64 // of the last point
	dg, df       [][]float64
	gram, system []float64
	best         float64 // least residual so far
}

func newAnderson(n, depth int) *anderson {
	return &anderson{
		depth: depth, x: make([]float64, n), f: make([]float64, n),
		gram: make([]float64, depth*depth), system: make([]float64, depth), best: math.Inf(1),
	}
}

// forget drops what it knows of earlier points.
func (a *anderson) forget() {
	a.dg, a.df, a.best = a.dg[:0], a.df[:0], math.Inf(1)
}

// advance replaces x, of which g is the image, by the next point, and returns the
// root mean square of the residual at x. If residuals grew to twice the least one,
// the next point is plainly g.
func (a *anderson) advance(x, g []float64) float64 {
	f := make([]float64, len(x))
	for i := range x {
		f[i] = g[i] - x[i]
	}
	residual := norm(f) / math.Sqrt(float64(len(f)))
	known := !math.IsInf(a.best, 1)
	if residual > 2*a.best {
		a.forget()
		known = false
	}
	if known {
		a.remember(x, f)
	}
	a.best = min(a.best, residual)
	copy(a.x, x)
	copy(a.f, f)
	copy(x, g)
	a.extrapolate(x, f)
	return residual
}

// remember adds the differences from the last point.
func (a *anderson) remember(x, f []float64) {
	var dg, df []float64
	if len(a.df) == a.depth { // the oldest make room
		dg, df = a.dg[0], a.df[0]
		a.dg, a.df = append(a.dg[:0], a.dg[1:]...), append(a.df[:0], a.df[1:]...)
	} else {
		dg, df = make([]float64, len(x)), make([]float64, len(x))
	}
	for i := range f {
		df[i] = f[i] - a.f[i]
		dg[i] = df[i] + x[i] - a.x[i]
	}
	a.dg, a.df = append(a.dg, dg), append(a.df, df)
}

// extrapolate takes dG c off x.
func (a *anderson) extrapolate(x, f []float64) {
	m := len(a.df)
	if m == 0 {
		return
	}
	gram, c := a.gram[:m*m], a.system[:m]
	var trace float64
	for i, d := range a.df {
		c[i] = dot(d, f)
		for j := range i + 1 {
			gram[i*m+j] = dot(d, a.df[j])
		}
		trace += gram[i*m+i]
	}
	for i := range m { // against differences that depend on each other
		gram[i*m+i] += 1e-12*trace + math.SmallestNonzeroFloat64
	}
	triangular.Factorise(gram, m)
	triangular.Solve(gram, c)
	triangular.SolveTransposed(gram, c)
	for i, d := range a.dg {
		if c[i]-c[i] == 0 {
			addScaled(x, -c[i], d)
		}
	}
}
