package dynamics

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// A linear-Gaussian system of n components:
//
//	x_1     ~ N(m, P)
//	x_{t+1} = F x_t + w_t,  w_t ~ N(0, Q)
//
// Its trajectories are jointly Gaussian, with moments known in closed form
// (moments.go), so that posteriors under Gaussian observations are exact
// linear algebra.

// What can be wrong with the matrices of a linear system.
var (
	// ErrNotFinite means that a value is NaN or infinite.
	ErrNotFinite = errors.New("dynamics: linear system has a value that is not finite")
	// ErrNotPositiveDefinite means that a covariance is singular or indefinite.
	ErrNotPositiveDefinite = errors.New("dynamics: covariance is not positive definite")
	// ErrNotStable means that there is no stationary law: an eigenvalue of the
	// transition matrix is not inside the unit circle.
	ErrNotStable = errors.New("dynamics: linear system is not stable, so it has no stationary law")
)

// LinearLaw holds the matrices of a linear-Gaussian system.
type LinearLaw struct {
	Transition *mat.Dense    // F, n by n
	Noise      *mat.SymDense // Q, n by n, positive definite
	Mean       []float64     // m, n values; nil means zero
	// Initial is P, n by n and positive definite; nil means the stationary
	// covariance, which exists if every eigenvalue of F is inside the unit
	// circle.
	Initial *mat.SymDense
}

// Linear is a linear-Gaussian system with exact moments. It is a Model with
// [TransitionDensity] and is [Linearisable]; [IndependentLinear] is
// [AdditiveNoise] as well.
type Linear struct {
	space       Space
	clock       Clock
	law         LinearLaw
	transition  []float64 // F, row-major
	noiseRoot   []float64 // lower Cholesky factor of Q, row-major
	initialRoot []float64 // lower Cholesky factor of P
	logNorm     float64   // log-density of the noise at zero
	work        *scratch
}

// NewLinear makes a model of a linear-Gaussian system, whose state is described
// by space. The matrices are copied. The error wraps ErrNotFinite,
// ErrNotPositiveDefinite, or, if the stationary law is asked for and does not
// exist, ErrNotStable. Matrices of the wrong size panic.
func NewLinear(space Space, clock Clock, law LinearLaw) (*Linear, error) {
	n := space.Size()
	law, err := complete(law, n)
	if err != nil {
		return nil, err
	}
	noiseRoot, err := choleskyRoot(law.Noise)
	if err != nil {
		return nil, fmt.Errorf("noise of a linear system: %w", err)
	}
	initialRoot, err := choleskyRoot(law.Initial)
	if err != nil {
		return nil, fmt.Errorf("initial law of a linear system: %w", err)
	}
	logNorm := -float64(n) * halfLogTwoPi
	for i := range n {
		logNorm -= math.Log(noiseRoot[i*n+i])
	}
	return &Linear{
		space: space, clock: clock, law: law,
		transition: law.Transition.RawMatrix().Data,
		noiseRoot:  noiseRoot, initialRoot: initialRoot, logNorm: logNorm,
		work: newScratch(n),
	}, nil
}

// complete copies a law of n components and fills in what is left out.
func complete(law LinearLaw, n int) (LinearLaw, error) {
	if law.Mean == nil {
		law.Mean = make([]float64, n)
	}
	rows, columns := law.Transition.Dims()
	if rows != n || columns != n || law.Noise.SymmetricDim() != n || len(law.Mean) != n ||
		(law.Initial != nil && law.Initial.SymmetricDim() != n) {
		panic("dynamics: matrices of a linear system do not fit its space")
	}
	whole := LinearLaw{mat.DenseCopyOf(law.Transition), copySym(law.Noise), slices.Clone(law.Mean), nil}
	finite := allFinite(whole.Transition.RawMatrix().Data, whole.Noise.RawSymmetric().Data, whole.Mean)
	if law.Initial != nil {
		whole.Initial = copySym(law.Initial)
		finite = finite && allFinite(whole.Initial.RawSymmetric().Data)
	}
	if !finite {
		return LinearLaw{}, ErrNotFinite
	}
	if whole.Initial == nil {
		var err error
		if whole.Initial, err = Stationary(whole.Transition, whole.Noise); err != nil {
			return LinearLaw{}, err
		}
	}
	return whole, nil
}

func allFinite(arrays ...[]float64) bool {
	for _, a := range arrays {
		for _, v := range a {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return false
			}
		}
	}
	return true
}

// Law returns the matrices of the system, Mean and Initial filled in. The
// caller must not change them.
func (m *Linear) Law() LinearLaw { return m.law }

// Space describes a state.
func (m *Linear) Space() Space { return m.space }

// Clock gives the sampling interval.
func (m *Linear) Clock() Clock { return m.clock }

// SpinUp is zero: trajectories start from the law that was asked for.
func (m *Linear) SpinUp() int { return 0 }

// Initial draws a state from N(m, P) into x.
func (m *Linear) Initial(x []float64, r *rand.Rand) {
	copy(x, m.law.Mean)
	m.addNoise(x, m.initialRoot, r)
}

// Flow replaces x by F x.
func (m *Linear) Flow(x []float64) {
	checkSize(x, len(m.law.Mean))
	n := len(x)
	buffer := m.work.get()
	old := *buffer
	copy(old, x)
	for i := range x {
		x[i] = dot(m.transition[i*n:(i+1)*n], old)
	}
	m.work.put(buffer)
}

// Step replaces x by a draw from N(F x, Q).
func (m *Linear) Step(x []float64, r *rand.Rand) {
	m.Flow(x)
	m.addNoise(x, m.noiseRoot, r)
}

// addNoise adds root z, z ~ N(0, I), to x; root is lower triangular.
func (m *Linear) addNoise(x, root []float64, r *rand.Rand) {
	n := len(x)
	buffer := m.work.get()
	z := *buffer
	for i := range z {
		z[i] = r.NormFloat64()
		x[i] += dot(root[i*n:i*n+i+1], z)
	}
	m.work.put(buffer)
}

// LogTransition is log N(next; F x, Q).
func (m *Linear) LogTransition(x, next []float64) float64 {
	n := len(m.law.Mean)
	checkSize(x, n)
	checkSize(next, n)
	buffer := m.work.get()
	z := *buffer
	density := m.logNorm
	for i := range z {
		residual := next[i] - dot(m.transition[i*n:(i+1)*n], x)
		row := m.noiseRoot[i*n : i*n+i+1]
		z[i] = (residual - dot(row[:i], z)) / row[i]
		density -= z[i] * z[i] / 2
	}
	m.work.put(buffer)
	return density
}

// TangentLinear replaces dx by F dx; x is not used.
func (m *Linear) TangentLinear(x, dx []float64) { m.Flow(dx) }

// Adjoint replaces dx by F^T dx; x is not used.
func (m *Linear) Adjoint(x, dx []float64) {
	checkSize(dx, len(m.law.Mean))
	n := len(dx)
	buffer := m.work.get()
	old := *buffer
	copy(old, dx)
	clear(dx)
	for i, v := range old {
		for j, f := range m.transition[i*n : (i+1)*n] {
			dx[j] += f * v
		}
	}
	m.work.put(buffer)
}

// IndependentLinear is a [Linear] whose noise is independent between
// components, which makes it an [AdditiveNoise].
type IndependentLinear struct {
	*Linear
	sd []float64
}

// Independent returns the system as an AdditiveNoise; ok is false if Q is not
// diagonal.
func (m *Linear) Independent() (system *IndependentLinear, ok bool) {
	n := len(m.law.Mean)
	sd := make([]float64, n)
	for i := range n {
		for j := range i {
			if m.law.Noise.At(i, j) != 0 {
				return nil, false
			}
		}
		sd[i] = m.noiseRoot[i*n+i]
	}
	return &IndependentLinear{m, sd}, true
}

// NoiseSd is the standard deviation of the noise of each component. The caller
// must not change it.
func (m *IndependentLinear) NoiseSd() []float64 { return m.sd }

// dot is the inner product of a and the first len(a) values of b.
func dot(a, b []float64) float64 {
	var sum float64
	b = b[:len(a)]
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// choleskyRoot returns the lower Cholesky factor of a, row-major.
func choleskyRoot(a *mat.SymDense) ([]float64, error) {
	var factor mat.Cholesky
	if !factor.Factorize(a) {
		return nil, ErrNotPositiveDefinite
	}
	var root mat.TriDense
	factor.LTo(&root)
	return mat.DenseCopyOf(&root).RawMatrix().Data, nil
}

func copySym(a *mat.SymDense) *mat.SymDense {
	b := mat.NewSymDense(a.SymmetricDim(), nil)
	b.CopySym(a)
	return b
}
