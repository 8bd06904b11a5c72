package dynamics

import "gonum.org/v1/gonum/mat"

// Moments of linear-Gaussian systems.
//
// The stationary covariance of x' = F x + w, w ~ N(0, Q), solves the discrete
// Lyapunov equation P = F P F^T + Q, that is P = sum_i F^i Q (F^i)^T. Smith's
// doubling adds as many terms as it already has at each pass (Smith 1968,
// SIAM J. Appl. Math. 16, 198-201):
//
//	P <- P + A P A^T,  A <- A^2,  from P = Q, A = F
//
// Every term is positive semi-definite, so nothing cancels. Along a trajectory,
//
//	E x_{t+1}         = F E x_t
//	Cov x_{t+1}       = F Cov(x_t) F^T + Q
//	Cov(x_{s+1}, x_t) = F Cov(x_s, x_t)  for s >= t

// Stationary returns the covariance P of the stationary law of
// x' = F x + N(0, Q), the solution of P = F P F^T + Q. The error is
// ErrNotStable if there is none, or if an eigenvalue of F is closer to the unit
// circle than double precision can tell.
func Stationary(transition *mat.Dense, noise *mat.SymDense) (*mat.SymDense, error) {
	// 2^50 terms: beyond them the modulus of an eigenvalue rounds to one.
	const passes = 50
	power, covariance := transition, noise
	for range passes {
		sum := forecast(power, covariance, covariance)
		if unchanged(sum, covariance) {
			return sum, nil
		}
		covariance = sum
		var square mat.Dense
		square.Mul(power, power)
		power = &square
	}
	return nil, ErrNotStable
}

// unchanged reports whether no variance of b grew by more than rounding to
// that of a. Each variance is compared with itself, since components may have
// very different scales.
func unchanged(a, b *mat.SymDense) bool {
	for i := range a.SymmetricDim() {
		if growth := a.At(i, i) - b.At(i, i); !(growth <= 1e-16*b.At(i, i)) {
			return false
		}
	}
	return true
}

// forecast returns F P F^T + Q.
func forecast(f *mat.Dense, p, q *mat.SymDense) *mat.SymDense {
	var half, product mat.Dense
	half.Mul(f, p)
	product.Mul(&half, f.T())
	sum := copySym(q)
	for i := range q.SymmetricDim() {
		for j := range i + 1 {
			// The mean of the two triangles, because they round differently.
			sum.SetSym(i, j, q.At(i, j)+(product.At(i, j)+product.At(j, i))/2)
		}
	}
	return sum
}

// Moments returns the mean and covariance of the joint Gaussian law of a
// trajectory of the given length, counted in states, that starts from the
// initial law. Both are ordered as trajectories are, time outermost:
// component i of state t is at t n + i. Length must be positive.
func (m *Linear) Moments(length int) (mean []float64, covariance *mat.SymDense) {
	if length < 1 {
		panic("dynamics: a trajectory has at least one state")
	}
	n := len(m.law.Mean)
	mean = make([]float64, length*n)
	covariance = mat.NewSymDense(length*n, nil)
	state := m.law.Initial
	copy(mean, m.law.Mean)
	for t := range length {
		if t > 0 {
			copy(mean[t*n:], mean[(t-1)*n:t*n])
			m.Flow(mean[t*n : (t+1)*n])
			state = forecast(m.law.Transition, state, m.law.Noise)
		}
		m.setColumn(covariance, state, t)
	}
	return mean, covariance
}

// setColumn writes the covariances of states t, t+1, ... with state t, whose
// own covariance is given.
func (m *Linear) setColumn(covariance, state *mat.SymDense, t int) {
	n := state.SymmetricDim()
	length := covariance.SymmetricDim() / n
	block := mat.DenseCopyOf(state)
	for s := t; s < length; s++ {
		for i := range n {
			for j := range n {
				if s > t || j <= i {
					covariance.SetSym(s*n+i, t*n+j, block.At(i, j))
				}
			}
		}
		var next mat.Dense
		next.Mul(m.law.Transition, block)
		block = &next
	}
}
