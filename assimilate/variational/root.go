package variational

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// A root is a factor S of a covariance B = S S^T: a matrix of so many rows as a
// state has values.
type root interface {
	// rank is the number of columns.
	rank() int
	// times writes S v to dst.
	times(dst, v []float64)
	// transposed writes S^T x to dst.
	transposed(dst, x []float64)
	// variance writes the diagonal of S S^T to dst.
	variance(dst []float64)
	// reach writes to dst the least v with S v nearest to x.
	reach(dst, x []float64)
}

// diagonal is the root of independent components.
type diagonal struct{ sd []float64 }

func (d *diagonal) rank() int { return len(d.sd) }

func (d *diagonal) times(dst, v []float64) {
	for i, s := range d.sd {
		dst[i] = s * v[i]
	}
}

func (d *diagonal) transposed(dst, x []float64) { d.times(dst, x) }

func (d *diagonal) variance(dst []float64) { d.times(dst, d.sd) }

func (d *diagonal) reach(dst, x []float64) {
	for i, s := range d.sd {
		dst[i] = 0
		if s > 0 {
			dst[i] = x[i] / s
		}
	}
}

// even is the diagonal root of n components of one standard deviation.
func even(n int, sd float64) *diagonal {
	d := &diagonal{make([]float64, n)}
	for i := range d.sd {
		d.sd[i] = sd
	}
	return d
}

// dense is a root without structure, row-major.
type dense struct {
	columns int
	data    []float64
}

func (d *dense) rank() int { return d.columns }

func (d *dense) row(i int) []float64 { return d.data[i*d.columns : (i+1)*d.columns] }

func (d *dense) times(dst, v []float64) {
	for i := range dst {
		dst[i] = dot(d.row(i), v)
	}
}

func (d *dense) transposed(dst, x []float64) {
	clear(dst)
	for i, v := range x {
		if v != 0 {
			addScaled(dst, v, d.row(i))
		}
	}
}

func (d *dense) variance(dst []float64) {
	for i := range dst {
		dst[i] = dot(d.row(i), d.row(i))
	}
}

// reach solves S^T S v = S^T x by conjugate gradients (Hestenes & Stiefel 1952).
func (d *dense) reach(dst, x []float64) {
	clear(dst)
	image := make([]float64, len(x))
	conjugateGradients(dst, func(y, v []float64) {
		d.times(image, v)
		d.transposed(y, image)
	}, func(right []float64) { d.transposed(right, x) }, 1e-12)
}

// dot is the inner product of a and the first len(a) values of b.
func dot(a, b []float64) float64 { return floats.Dot(a, b[:len(a)]) }

// addScaled adds s times the first len(dst) values of x to dst.
func addScaled(dst []float64, s float64, x []float64) { floats.AddScaled(dst, s, x[:len(dst)]) }

// norm is the Euclidean length.
func norm(x []float64) float64 { return math.Sqrt(dot(x, x)) }
