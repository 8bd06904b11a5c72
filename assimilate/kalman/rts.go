package kalman

// The Rauch-Tung-Striebel smoother, and draws of whole trajectories. Given the
// next state and all observations up to its own, state t is Gaussian:
//
//	J_t = P_t F^T P_f^-1,   C_t = P_t - J_t P_f J_t^T
//	x_t | x_(t+1)  ~  N(m_t + J_t (x_(t+1) - m_f), C_t)
//
// m_f and P_f being the forecast of t+1, after inflation. Averaged over x_(t+1)
// this is the smoother,
//
//	m_s <- m_t + J_t (m_s - m_f),   P_s <- C_t + J_t P_s J_t^T ,
//
// and drawn from the last state back it gives exact draws of the joint law of
// all states (Carter & Kohn 1994; Fruehwirth-Schnatter 1994). C_t is computed as
// the sum of positive terms (I - J F) P (I - J F)^T + J Q J^T, Q being P_f -
// F P F^T.

import (
	"context"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"

	"retrace/assimilate"
	"retrace/internal/parallel"
	"retrace/internal/rng"
)

// pass is what a filter leaves behind of one state for the way back.
type pass struct {
	mean, forecast []float64 // m_t, and m_f of state t itself
	gain           []float64 // J_t; nil for the last state
	cov            []float64 // C_t; P_t for the last state

	smoothed, variance []float64 // after the way back
}

// smoother runs a filter and keeps what the way back needs: two n by n matrices
// a state.
type smoother struct {
	*gaussian
	passes   []pass
	analysis []float64 // P_t of the state before
	spectrum *eigen    // for forecasts that are singular; nil until needed
}

func newSmoother(g *gaussian) *smoother {
	return &smoother{gaussian: g, analysis: make([]float64, g.n*g.n)}
}

func clone(x []float64) []float64 { return append([]float64(nil), x...) }

// filter runs the filter, telling visit of each stage.
func (s *smoother) filter(ctx context.Context, visit func(stage assimilate.Stage) error) error {
	err := s.run(ctx, func(stage assimilate.Stage) error {
		if stage == assimilate.Forecast {
			if s.state > 0 {
				s.link()
			}
			s.passes = append(s.passes, pass{forecast: clone(s.mean)})
		} else {
			s.passes[s.state].mean = clone(s.mean)
			copy(s.analysis, s.cov)
		}
		return visit(stage)
	})
	if err == nil {
		s.passes[s.state].cov = clone(s.cov)
	}
	return err
}

// link computes J and C of the state before, from P there, the Jacobian of the
// step and the forecast here.
func (s *smoother) link() {
	n := s.n
	before := &s.passes[len(s.passes)-1]
	product := make([]float64, n*n) // F P
	multiply(product, 1, s.jacobian, s.analysis, 0, n, n, n)
	solve := clone(product) // P_f^-1 F P, the transpose of J
	s.solveForecast(solve)
	gain := make([]float64, n*n)
	for i := range n {
		for j := range n {
			gain[i*n+j] = solve[j*n+i]
		}
	}
	// P - J F P - P F^T J^T + J (F P F^T) J^T + J Q J^T, the first four as one
	// square and Q = P_f - F P F^T.
	remains := make([]float64, n*n) // I - J F
	multiply(remains, -1, gain, s.jacobian, 0, n, n, n)
	for i := range n {
		remains[i*n+i]++
	}
	cov := make([]float64, n*n)
	sandwich(cov, remains, s.analysis, solve, n)
	noise := clone(s.cov)
	multiplyTransposed(noise, -1, product, s.jacobian, 1, n, n, n)
	sandwich(product, gain, noise, solve, n)
	axpy(cov, 1, product)
	symmetrise(cov, n)
	before.gain, before.cov = gain, cov
}

// sandwich writes A B A^T to dst; work is scratch.
func sandwich(dst, a, b, work []float64, n int) {
	multiply(work, 1, a, b, 0, n, n, n)
	multiplyTransposed(dst, 1, work, a, 0, n, n, n)
}

// solveForecast replaces b, n by n, by P_f^-1 b, or by the least-squares
// solution if the forecast is singular.
func (s *smoother) solveForecast(b []float64) {
	n := s.n
	copy(s.work, s.cov)
	symmetric := blas64.Symmetric{N: n, Stride: n, Data: s.work, Uplo: blas.Upper}
	if triangle, ok := lapack64.Potrf(symmetric); ok {
		lapack64.Potrs(triangle, blas64.General{Rows: n, Cols: n, Stride: n, Data: b})
		return
	}
	if s.spectrum == nil {
		s.spectrum = newEigen(n)
	}
	copy(s.work, s.cov)
	if !s.spectrum.decompose(s.work, n) {
		return // not finite, which check has reported
	}
	inverse := pseudoinverse(s.spectrum.values)
	scaled := make([]float64, n*n)
	multiply(scaled, 1, s.spectrum.vectors, b, 0, n, n, n)
	for k, l := range s.spectrum.values {
		factor := inverse(l)
		for j := range n {
			scaled[k*n+j] *= factor
		}
	}
	transposedMultiply(b, 1, s.spectrum.vectors, scaled, 0, n, n, n)
}

// smooth finds the smoothed mean and variances of each state.
func (s *smoother) smooth() {
	n, last := s.n, len(s.passes)-1
	cov, next, work := clone(s.passes[last].cov), make([]float64, n*n), make([]float64, n*n)
	difference := make([]float64, n)
	for t := last; t >= 0; t-- {
		p := &s.passes[t]
		p.smoothed, p.variance = clone(p.mean), make([]float64, n)
		if t < last {
			after := s.passes[t+1]
			for i, m := range after.smoothed {
				difference[i] = m - after.forecast[i]
			}
			multiply(p.smoothed, 1, p.gain, difference, 1, n, n, 1)
			sandwich(next, p.gain, cov, work, n)
			axpy(next, 1, p.cov)
			cov, next = next, cov
		}
		for i := range n {
			p.variance[i] = math.Max(cov[i*n+i], 0)
		}
	}
}

// draw draws the trajectories of all members, handing each state to write. It
// replaces each C_t by its root.
func (s *smoother) draw(ctx context.Context, write func(member, t int, x []float64)) error {
	for _, p := range s.passes {
		root(p.cov, s.n)
	}
	n := s.n
	return parallel.For(ctx, s.problem.Members, func(_, member int) error {
		r := rng.Stream(s.problem.Seed, "kalman/draw", uint64(s.problem.Case), uint64(member))
		x, next, z := make([]float64, n), make([]float64, n), make([]float64, n)
		for t := len(s.passes) - 1; t >= 0; t-- {
			p := s.passes[t]
			for i := range z {
				z[i] = r.NormFloat64()
			}
			x, next = next, x
			copy(x, p.mean)
			if p.gain != nil {
				axpy(next, -1, s.passes[t+1].forecast)
				multiply(x, 1, p.gain, next, 1, n, n, 1)
			}
			multiply(x, 1, p.cov, z, 1, n, n, 1)
			write(member, t, x)
		}
		return nil
	})
}

// root replaces a covariance by its lower Cholesky factor; directions without
// variance, up to rounding, get none.
func root(a []float64, n int) {
	var scale float64
	for i := range n {
		scale = math.Max(scale, a[i*n+i])
	}
	for j := range n {
		row := a[j*n : j*n+j]
		pivot := a[j*n+j] - dot(row, row)
		if pivot <= 1e-14*scale {
			pivot = 0
		}
		diagonal := math.Sqrt(pivot)
		a[j*n+j] = diagonal
		for i := j + 1; i < n; i++ {
			a[j*n+i] = 0
			if pivot == 0 {
				a[i*n+j] = 0
				continue
			}
			a[i*n+j] = (a[i*n+j] - dot(a[i*n:i*n+j], row)) / diagonal
		}
	}
}
