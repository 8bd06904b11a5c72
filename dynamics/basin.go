package dynamics

import (
	"math"
	"sync"

	"gonum.org/v1/gonum/dsp/fourier"
)

// walled is a field on n by n points, y outermost, whose outer ones stand on the walls
// and are zero.
type walled struct {
	data []float64
	n    int
}

// set writes the inner points.
func (f walled) set(x []float64) {
	m := f.n - 2
	for j := range m {
		copy(f.data[(j+1)*f.n+1:(j+1)*f.n+1+m], x[j*m:(j+1)*m])
	}
}

// get reads the inner points.
func (f walled) get(x []float64) {
	m := f.n - 2
	for j := range m {
		copy(x[j*m:(j+1)*m], f.data[(j+1)*f.n+1:])
	}
}

// laplacian writes weight times the sum of differences to the four neighbours, less
// stretching times the field, to the inner points of dst.
func laplacian(dst, src walled, weight, stretching float64) {
	n := src.n
	centre := -4*weight - stretching
	for j := 1; j < n-1; j++ {
		south, here, north := src.data[(j-1)*n:j*n], src.data[j*n:(j+1)*n], src.data[(j+1)*n:(j+2)*n]
		out := dst.data[j*n : (j+1)*n]
		for i := 1; i < n-1; i++ {
			out[i] = weight*(here[i-1]+here[i+1]+south[i]+north[i]) + centre*here[i]
		}
	}
}

// addJacobian adds factor times 12 h^2 J(a, b), J being Arakawa's, to the inner points
// dst.
func addJacobian(dst []float64, factor float64, a, b walled) {
	n := a.n
	m := n - 2
	for j := range m {
		as, ah, an := a.data[j*n:(j+1)*n], a.data[(j+1)*n:(j+2)*n], a.data[(j+2)*n:(j+3)*n]
		bs, bh, bn := b.data[j*n:(j+1)*n], b.data[(j+1)*n:(j+2)*n], b.data[(j+2)*n:(j+3)*n]
		out := dst[j*m : (j+1)*m]
		for w := range out { // west, middle and east of a point are w, w+1 and w+2
			c, e := w+1, w+2
			sum := (ah[e]-ah[w])*(bn[c]-bs[c]) - (an[c]-as[c])*(bh[e]-bh[w])
			sum += ah[e]*(bn[e]-bs[e]) - ah[w]*(bn[w]-bs[w]) - an[c]*(bn[e]-bn[w]) + as[c]*(bs[e]-bs[w])
			sum += bn[c]*(an[e]-an[w]) - bs[c]*(as[e]-as[w]) - bh[e]*(an[e]-as[e]) + bh[w]*(an[w]-as[w])
			out[w] += factor * sum
		}
	}
}

// helmholtz solves (lap - F) p = q on a square with p = 0 on its walls, lap being the
// sum over four neighbours: by sine transforms along x, and for each of their
// wavenumbers a tridiagonal system along y, whose factors are prepared. The solution is
// exact to rounding.
type helmholtz struct {
	m        int
	couple   float64   // of neighbours in y, 1/h^2
	inverse  []float64 // of the pivots: row, wavenumber
	forwards []float64 // couple times inverse
	work     sync.Pool // of *fourier.DST
}

func newHelmholtz(m int, stretching float64) *helmholtz {
	h := 1 / float64(m+1)
	s := &helmholtz{m: m, couple: 1 / (h * h), inverse: make([]float64, m*m), forwards: make([]float64, m*m)}
	for k := range m {
		sin := math.Sin(math.Pi * float64(k+1) * h / 2)
		diagonal := -4/(h*h)*sin*sin - 2/(h*h) - stretching
		pivot := diagonal
		for j := range m {
			s.inverse[j*m+k], s.forwards[j*m+k] = 1/pivot, s.couple/pivot
			pivot = diagonal - s.couple*s.couple/pivot
		}
	}
	s.work.New = func() any { return fourier.NewDST(m) }
	return s
}

// solve replaces the inner points x of q by those of p.
func (s *helmholtz) solve(x []float64) {
	transform := s.work.Get().(*fourier.DST)
	m := s.m
	for j := range m {
		row := x[j*m : (j+1)*m]
		transform.Transform(row, row)
	}
	for j := range m {
		row, inverse := x[j*m:(j+1)*m], s.inverse[j*m:(j+1)*m]
		if j == 0 {
			for k := range row {
				row[k] *= inverse[k]
			}
			continue
		}
		before := x[(j-1)*m : j*m]
		for k := range row {
			row[k] = (row[k] - s.couple*before[k]) * inverse[k]
		}
	}
	for j := m - 2; j >= 0; j-- {
		row, after, forwards := x[j*m:(j+1)*m], x[(j+1)*m:(j+2)*m], s.forwards[j*m:(j+1)*m]
		for k := range row {
			row[k] -= forwards[k] * after[k]
		}
	}
	scale := 1 / float64(2*(m+1)) // of a transform and its inverse
	for j := range m {
		row := x[j*m : (j+1)*m]
		transform.Transform(row, row)
		for i := range row {
			row[i] *= scale
		}
	}
	s.work.Put(transform)
}
