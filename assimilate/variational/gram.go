package variational

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"

	"retrace/internal/triangular"
)

// gram solves with I + A A^T, A having vectors as its rows, by a Cholesky factor.
// It is safe for concurrent use once factorised.
type gram struct {
	count, length int       // of the vectors
	data          []float64 // count x length
	factor        []float64 // count x count, lower triangle
}

// reserve makes room for so many vectors.
func (g *gram) reserve(count, length int) {
	g.count, g.length = count, length
	if len(g.data) < count*length {
		g.data = make([]float64, count*length)
	}
	if len(g.factor) < count*count {
		g.factor = make([]float64, count*count)
	}
}

// vector is vector i.
func (g *gram) vector(i int) []float64 { return g.data[i*g.length : (i+1)*g.length] }

// factorise computes the factor of the vectors at hand.
func (g *gram) factorise() {
	n := g.count
	if n == 0 {
		return
	}
	for i := range n {
		clear(g.factor[i*n : (i+1)*n])
		g.factor[i*n+i] = 1
	}
	square := blas64.Symmetric{Uplo: blas.Lower, N: n, Data: g.factor, Stride: n}
	if g.length > 0 {
		blas64.Syrk(blas.NoTrans, 1, blas64.General{Rows: n, Cols: g.length, Data: g.data, Stride: g.length}, 1, square)
	}
	lapack64.Potrf(square) // positive definite, being at least I; NaN shows in the results
}

// lower is the factor.
func (g *gram) lower() []float64 { return g.factor[:g.count*g.count] }

// divide replaces x by (I + A A^T)^-1 x.
func (g *gram) divide(x []float64) {
	triangular.Solve(g.lower(), x)
	triangular.SolveTransposed(g.lower(), x)
}

// addTransposed adds A^T x to dst.
func (g *gram) addTransposed(dst, x []float64) {
	for i, v := range x {
		addScaled(dst, v, g.vector(i))
	}
}

// byRows solves (I + G^T G) x = z + G^T e with the rows of G, in the space of the
// observations: x = z + G^T (I + G G^T)^-1 (e - G z).
type byRows struct{ *gram }

func (s byRows) solve(dst, z, e []float64) {
	right := make([]float64, s.count)
	for i := range right {
		right[i] = e[i] - dot(s.vector(i), z)
	}
	s.divide(right)
	copy(dst, z)
	s.addTransposed(dst, right)
}

// byColumns solves (I + G^T G) x = z + G^T e with the columns of G, in the space of
// the control.
type byColumns struct{ *gram }

func (s byColumns) solve(dst, z, e []float64) {
	for i := range dst {
		dst[i] = z[i] + dot(s.vector(i), e)
	}
	s.divide(dst)
}
