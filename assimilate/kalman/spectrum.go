package kalman

// The symmetric square-root analysis (Bishop, Etherton & Majumdar 2001; Hunt,
// Kostelich & Szunyogh 2007, Physica D 230, 112) in units of the noise:
//
//	w = (Y Y^T + z I)^-1 Y d                  weights of the mean
//	T = sqrt(N-1) (Y Y^T + z I)^-1/2          transform of the anomalies
//
// with z = N-1; a smaller z inflates the prior anomalies by sqrt((N-1)/z), as
// the finite-size filter does. Only the spectrum of the Gram matrix is needed,
// and only in the smaller of the two spaces. In that of members,
// Y Y^T = V diag(l) V^T gives
//
//	w = V (l + z)^-1 V^T Y d,    T = sqrt(N-1) V (l + z)^-1/2 V^T ;
//
// in that of observations, Y^T Y = U diag(l) U^T gives, with s = sqrt(1 + l/z),
//
//	w = Y U (l + z)^-1 U^T d,    T = sqrt((N-1)/z) (I - Y U [z s (s+1)]^-1 U^T Y^T) ,
//
// which divides by no small l.

import "math"

// spectrum is the eigendecomposition of a Gram matrix.
type spectrum struct {
	*eigen
	members   int
	primal    bool // always in the space of members
	order     int
	dual      bool      // in the space of observations
	projected []float64 // V^T Y d, or U^T d

	gram, scaled, vector []float64
}

// newSpectrum makes room for ensembles of so many members and for up to most
// observed values.
func newSpectrum(members, most int) *spectrum { return newSpectrumOf(members, min(members, most)) }

// newPrimalSpectrum makes room for spectra that are always in the space of
// members.
func newPrimalSpectrum(members int) *spectrum {
	s := newSpectrumOf(members, members)
	s.primal = true
	return s
}

func newSpectrumOf(members, order int) *spectrum {
	return &spectrum{
		eigen: newEigen(order), members: members, projected: make([]float64, order),
		gram: make([]float64, order*order), scaled: make([]float64, order*order), vector: make([]float64, members),
	}
}

// decompose finds the spectrum of p anomalies and projects the innovations on
// it; false if they are not finite.
func (s *spectrum) decompose(anomalies, residual []float64, p int) bool {
	n := s.members
	s.dual = p < n && !s.primal
	s.order = n
	if s.dual {
		s.order = p
	}
	s.projected = s.projected[:s.order]
	gram := s.gram[:s.order*s.order]
	if s.dual {
		transposedMultiply(gram, 1, anomalies, anomalies, 0, p, n, p)
	} else {
		multiplyTransposed(gram, 1, anomalies, anomalies, 0, n, p, n)
	}
	if !s.eigen.decompose(gram, s.order) {
		return false
	}
	for k, l := range s.values { // rounding must not make them negative
		s.values[k] = math.Max(l, 0)
	}
	if s.dual {
		multiply(s.projected, 1, s.vectors, residual, 0, p, p, 1)
		return true
	}
	product := s.vector
	multiply(product, 1, anomalies, residual, 0, n, p, 1)
	multiply(s.projected, 1, s.vectors, product, 0, n, n, 1)
	return true
}

// function writes V^T diag(f(l)) V to dst, the vectors being the rows of V.
func (s *spectrum) function(dst []float64, f func(l float64) float64) {
	n := s.order
	scaled := s.scaled[:n*n]
	for k, l := range s.values {
		factor := f(l)
		for i, v := range s.vectors[k*n : (k+1)*n] {
			scaled[k*n+i] = factor * v
		}
	}
	transposedMultiply(dst, 1, s.vectors, scaled, 0, n, n, n)
}

// coefficients writes V^T (l + z)^-1 of the projected innovations to dst: the
// weights of the mean, of members or of observations.
func (s *spectrum) coefficients(dst []float64, z float64) {
	clear(dst)
	for k, l := range s.values {
		axpy(dst, s.projected[k]/(l+z), s.vectors[k*s.order:(k+1)*s.order])
	}
}

// squareRoot makes the transform of the symmetric square root from the spectrum
// of anomalies.
func (s *spectrum) squareRoot(t *transform, anomalies []float64, z float64) {
	mean := s.vector[:s.order]
	s.coefficients(mean, z)
	inflated := math.Sqrt(float64(s.members-1) / z)
	if !s.dual {
		left := t.weights(s.order, nil)
		s.function(left, func(l float64) float64 { return inflated / math.Sqrt(1+l/z) })
		addRow(left, mean)
		t.scale = 0
		return
	}
	left := t.weights(s.order, anomalies)
	inner := s.gram[:s.order*s.order]
	s.function(inner, func(l float64) float64 {
		root := math.Sqrt(1 + l/z)
		return -inflated / (z * root * (root + 1))
	})
	multiply(left, 1, anomalies, inner, 0, s.members, s.order, s.order)
	addRow(left, mean)
	t.scale = inflated
}
