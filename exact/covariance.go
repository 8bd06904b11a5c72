package exact

import "math"

// Covariance is a symmetric positive semi-definite matrix C. It is immutable and
// safe for concurrent use.
type Covariance interface {
	// Dim is the number of rows.
	Dim() int
	// Smooth writes C (C + variance)^-1 v to dst, which may be v. The variance is
	// positive.
	Smooth(dst, v []float64, variance float64) error
	// LogDet is log det (C + variance).
	LogDet(variance float64) (float64, error)
}

// Diagonal is the covariance of independent values: their variances.
type Diagonal []float64

// Isotropic returns the covariance of n independent values of one variance.
func Isotropic(n int, variance float64) Diagonal {
	d := make(Diagonal, n)
	for i := range d {
		d[i] = variance
	}
	return d
}

// Dim implements Covariance.
func (d Diagonal) Dim() int { return len(d) }

// Smooth implements Covariance.
func (d Diagonal) Smooth(dst, v []float64, variance float64) error {
	for i, c := range d {
		dst[i] = c / (c + variance) * v[i]
	}
	return nil
}

// LogDet implements Covariance.
func (d Diagonal) LogDet(variance float64) (float64, error) {
	var sum float64
	for _, c := range d {
		sum += math.Log(c + variance)
	}
	return sum, nil
}
