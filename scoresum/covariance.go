package scoresum

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"retrace/internal/safetensors"
)

// The Gaussian prior of a window of w states is N(0, C_w), with C_w the second
// moments of windows of the training trajectories. With C_w = Q diag(l) Q^T,
// y = x + s n and v = l + s^2, its exact denoiser is
//
//	E[x | y] = Q diag(l / v) Q^T y,   Cov[x | y] = Q diag(l s^2 / v) Q^T .
//
// The smallest eigenvalues are the variance of what makes a trajectory rough,
// often a millionth of the largest. So C is estimated from the same windows
// for every lag, which keeps it positive, and kept as a Cholesky factor, which
// float32 can hold without drowning them.

// Covariance is the covariance of windows of Window states of Dim values, in
// standardised units; the leading blocks are those of shorter windows.
type Covariance struct {
	Window, Dim int
	// Factor is the lower Cholesky factor, row-major, square of side
	// Window*Dim.
	Factor []float32
}

// covarianceWindows is the number of windows that an estimate is made of, as
// far as there are that many.
const covarianceWindows = 40000

// EstimateCovariance averages over windows evenly spread over trajectories of
// zero mean, (count, length, dim) row-major.
func EstimateCovariance(data []float32, length, dim, window int) (Covariance, error) {
	n := window * dim
	count := len(data) / (length * dim)
	positions := length - window + 1
	stride := max(1, count*positions/covarianceWindows)
	sum := mat.NewSymDense(n, nil)
	block := mat.NewDense(512, n, nil)
	rows, total := 0, 0
	for k := 0; k < count*positions; k += stride {
		start := (k/positions*length + k%positions) * dim
		row := block.RawRowView(rows)
		for j, v := range data[start : start+n] {
			row[j] = float64(v)
		}
		total++
		if rows++; rows == 512 {
			sum.SymRankK(sum, 1, block.T())
			rows = 0
		}
	}
	if rows > 0 {
		sum.SymRankK(sum, 1, block.Slice(0, rows, 0, n).T())
	}
	sum.ScaleSym(1/float64(total), sum)
	return factorise(sum, window, dim)
}

// factorise adds a ten-millionth of the mean variance, so that directions
// without any variance do not stop the factorisation.
func factorise(c *mat.SymDense, window, dim int) (Covariance, error) {
	n := window * dim
	floor := 1e-7 * mat.Trace(c) / float64(n)
	for i := range n {
		c.SetSym(i, i, c.At(i, i)+floor)
	}
	var cholesky mat.Cholesky
	if !cholesky.Factorize(c) {
		return Covariance{}, errors.New("scoresum: the covariance of the training windows is not positive: are the trajectories constant or not finite?")
	}
	var lower mat.TriDense
	cholesky.LTo(&lower)
	covariance := Covariance{window, dim, make([]float32, n*n)}
	for i := range n {
		for j := range i + 1 {
			covariance.Factor[i*n+j] = float32(lower.At(i, j))
		}
	}
	return covariance, nil
}

// law is the Gaussian prior of windows.
type law interface {
	// basis is that of windows of length states.
	basis(length int) (*basis, error)
	tensor() safetensors.Tensor
}

// basis implements law.
func (c Covariance) basis(length int) (*basis, error) {
	spectrum, err := c.Spectrum(length)
	if err != nil {
		return nil, err
	}
	return newBasis(spectrum), nil
}

// tensor implements law.
func (c Covariance) tensor() safetensors.Tensor {
	side := c.Window * c.Dim
	return safetensors.Tensor{Name: factorName, Shape: []int{side, side}, Data: c.Factor}
}

// Spectrum is the eigendecomposition of the covariance of a window.
type Spectrum struct {
	Values  []float64 // ascending, positive
	Vectors []float32 // row-major (n, n); column j belongs to Values[j]
}

// Spectrum decomposes the covariance of a window of length states, at most
// Window.
func (c Covariance) Spectrum(length int) (Spectrum, error) {
	if length > c.Window {
		return Spectrum{}, fmt.Errorf("scoresum: a window of %d states is longer than the %d states whose covariance is known", length, c.Window)
	}
	side, n := c.Window*c.Dim, length*c.Dim
	var eigen mat.EigenSym
	if !eigen.Factorize(c.block(n, side), true) {
		return Spectrum{}, errors.New("scoresum: the eigendecomposition of the window covariance did not converge")
	}
	values := eigen.Values(nil)
	for i, v := range values {
		values[i] = math.Max(v, 1e-9*values[n-1])
	}
	var q mat.Dense
	eigen.VectorsTo(&q)
	vectors := make([]float32, n*n)
	for i := range n {
		for j := range n {
			vectors[i*n+j] = float32(q.At(i, j))
		}
	}
	return Spectrum{values, vectors}, nil
}

// block multiplies the leading n rows of the factor out.
func (c Covariance) block(n, side int) *mat.SymDense {
	lower := mat.NewDense(n, n, nil)
	for i := range n {
		for j := range i + 1 {
			lower.Set(i, j, float64(c.Factor[i*side+j]))
		}
	}
	var product mat.SymDense
	product.SymOuterK(1, lower)
	return &product
}
