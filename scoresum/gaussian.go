package scoresum

import (
	"iter"
	"math"

	"retrace/internal/kernel"
)

// basis turns windows of one length into the coordinates in which their
// Gaussian prior is diagonal and back. It is immutable and shared by workers.
type basis struct {
	n      int // values of a window
	padded int // columns of the coordinates: n rounded up, the rest zero
	values []float64
	// classes are of coordinates whose errors are alike; nil if each is its own.
	classes    []int32
	classCount int
	transform
}

// transform is the orthonormal map to coordinates and back.
type transform interface {
	// toCoordinates computes z = y Q for rows of n values, stride apart; z has
	// padded columns.
	toCoordinates(z, y []float32, rows, stride int)
	// fromCoordinates computes y = z Q^T; y has padded columns too.
	fromCoordinates(y, z []float32, rows int)
}

// class is that of coordinate j.
func (b *basis) class(j int) int {
	if b.classes == nil {
		return j
	}
	return int(b.classes[j])
}

// denseTransform holds all of Q.
type denseTransform struct {
	n, padded int
	into      *kernel.Panels // row y -> row y Q
	out       *kernel.Panels // row z -> row z Q^T
	vectors   []float32
}

func newBasis(s Spectrum) *basis {
	n := len(s.Values)
	b := &denseTransform{n: n, padded: kernel.RoundUp(n, kernel.ColumnUnit), vectors: s.Vectors}
	b.into, b.out = kernel.NewPanels(n, n), kernel.NewPanels(n, n)
	b.into.Pack(0, kernel.Block{Data: s.Vectors, Rows: n, Columns: n, RowStep: n, ColumnStep: 1})
	b.out.Pack(0, kernel.Block{Data: s.Vectors, Rows: n, Columns: n, RowStep: 1, ColumnStep: n})
	return &basis{n: n, padded: b.padded, values: s.Values, classCount: n, transform: b}
}

func (b *denseTransform) toCoordinates(z, y []float32, rows, stride int) {
	kernel.Multiply(kernel.Matrix{Data: z, Rows: rows, Columns: b.padded, Stride: b.padded},
		kernel.Matrix{Data: y, Rows: rows, Columns: b.n, Stride: stride}, b.into, nil, false)
}

func (b *denseTransform) fromCoordinates(y, z []float32, rows int) {
	kernel.Multiply(kernel.Matrix{Data: y, Rows: rows, Columns: b.padded, Stride: b.padded},
		kernel.Matrix{Data: z, Rows: rows, Columns: b.n, Stride: b.padded}, b.out, nil, false)
}

// filters are the diagonal factors of the preconditioned denoiser at noise
// ratio s, one for each coordinate j with prior variance l, v = l + s^2:
//
//	mean = Q (skip (Q^T y) + gain (Q^T F(Q white (Q^T y))))
//
// where F is the network. skip = l/v is the Gaussian's own answer, white =
// 1/sqrt(v) gives the network inputs of unit variance, and gain = s sqrt(l/v) is
// the standard deviation that the Gaussian leaves: the network can move a
// coordinate only as far as the prior allows. With l = 1 these are the factors
// of Karras et al. (2022), table 1.
type filters struct {
	white, skip, gain []float32
	unit              float32 // 1/sqrt(1 + s^2), which scales y itself to unit variance
}

// views yields the numbers of the views of a token that are linear filters of
// y, with their factors.
func (f *filters) views() iter.Seq2[int, []float32] {
	return func(yield func(int, []float32) bool) {
		_ = yield(1, f.skip) && yield(2, f.white)
	}
}

// newFilters returns filters of padded values in memory of at least three times
// as many, all zero.
func newFilters(padded int, memory []float32) filters {
	clear(memory)
	return filters{white: memory[:padded], skip: memory[padded : 2*padded], gain: memory[2*padded : 3*padded]}
}

// at sets the factors for noise ratio s.
func (f *filters) at(values []float64, s float64) {
	f.unit = float32(1 / math.Sqrt(1+s*s))
	for j, l := range values {
		v := l + s*s
		f.white[j] = float32(1 / math.Sqrt(v))
		f.skip[j] = float32(l / v)
		f.gain[j] = float32(s * math.Sqrt(l/v))
	}
}

// scaleRows multiplies every row of z by the factors.
func scaleRows(dst, z, factors []float32) {
	width := len(factors)
	for start := 0; start < len(z); start += width {
		row, out := z[start:start+width], dst[start:start+width]
		for j, f := range factors {
			out[j] = f * row[j]
		}
	}
}

// addScaledRows adds every row of z times the factors to dst.
func addScaledRows(dst, factors, z []float32) {
	width := len(factors)
	for start := 0; start < len(z); start += width {
		row, out := z[start:start+width], dst[start:start+width]
		for j, f := range factors {
			out[j] += f * row[j]
		}
	}
}

// scale sets dst to factor times x.
func scale(dst, x []float32, factor float32) {
	for j, v := range x {
		dst[j] = factor * v
	}
}

// combineRows sets every row of dst to a x + b y.
func combineRows(dst, a, x, b, y []float32) {
	width := len(a)
	for start := 0; start < len(x); start += width {
		rx, ry, out := x[start:start+width], y[start:start+width], dst[start:start+width]
		for j := range a {
			out[j] = a[j]*rx[j] + b[j]*ry[j]
		}
	}
}
