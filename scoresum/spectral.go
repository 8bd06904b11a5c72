package scoresum

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"retrace/internal/fft"
	"retrace/internal/parallel"
	"retrace/internal/rng"
	"retrace/internal/safetensors"
)

// A window of w states of fields has too many values for a dense covariance. Where the
// law of the fields is the same everywhere, different wavenumbers k are uncorrelated:
// with the unitary transform x(k) of each of the n fields of a window,
//
//	E x(k) x(k)^H = C_k ,  Hermitian, n x n,  C_(-k) = conj C_k ,
//
// holds all there is to know. Phases count: velocity and stream function differ by i k,
// and waves travel. Of k and -k one is kept; a wavenumber that is its own opposite has a
// real transform. As real numbers, re and im of field after field, sqrt 2 x(k) has the
// covariance
//
//	C_k (i, j)  ->  [ re -im ]
//	                [ im  re ]
//
// if no phase is preferred, which homogeneity says. Its Cholesky factor has the same
// pattern, that of the complex factor, and its leading blocks are those of shorter
// windows. On grids that do not close the coordinates are still orthonormal, and the
// covariance lacks what correlates wavenumbers.

// SpectralCovariance is the covariance of windows of Window states of Fields fields on
// Rows x Columns cells, in standardised units.
type SpectralCovariance struct {
	Window, Fields, Rows, Columns int
	// Factor holds the lower Cholesky factors of C_k, (wavenumber, row, column, re and
	// im), row-major, in the order of the half of wavenumbers that is kept.
	Factor []float32
}

// wavenumber is one of the kept half.
type wavenumber struct {
	index, partner int // in a spectrum of package fft
	own            bool
	shell          int // length of the wavenumber, in units of the longest wave's
}

// wavenumbers lists the half that is kept.
func wavenumbers(rows, columns int) []wavenumber {
	var list []wavenumber
	for kx := range columns/2 + 1 {
		for ky := range rows {
			i, j := kx*rows+ky, fft.Partner(kx, columns)*rows+fft.Partner(ky, rows)
			if i > j {
				continue
			}
			x, y := float64(fft.Wavenumber(kx, columns)), float64(fft.Wavenumber(ky, rows))
			shell := int(math.Round(math.Hypot(x, y)))
			list = append(list, wavenumber{i, j, i == j, min(shell, max(rows, columns)/2)})
		}
	}
	return list
}

const (
	// spectralWindows is the number of windows that an estimate is made of.
	spectralWindows = 512
	spectralBatch   = 16
	// spectralFloor is added to the variances of a wavenumber, as a share of their
	// mean there, and globalFloor as a share of the mean of all.
	spectralFloor = 1e-6
	globalFloor   = 1e-10
)

// estimateSpectral averages over windows drawn from a source, with their images under
// its symmetries.
func estimateSpectral(source *windowSource, g grid, window int, seed int64) (*SpectralCovariance, error) {
	n := window * g.fields
	ks := wavenumbers(g.rows, g.columns)
	side := 2 * n
	sums := make([]float64, len(ks)*side*side)
	batch := make([]float64, len(ks)*spectralBatch*side)
	row := make([]float32, n*g.cells())
	r := rng.Stream(seed, "covariance")
	total := 0
	for total < spectralWindows {
		for i := range spectralBatch {
			source.window(row, window, r)
			analyse(batch, row, g, ks, i)
		}
		total += spectralBatch
		parallel.Run(len(ks), func(_, k int) {
			block := blas64.General{Rows: spectralBatch, Cols: side, Stride: side, Data: batch[k*spectralBatch*side:][:spectralBatch*side]}
			blas64.Syrk(blas.Trans, 1, block, 1, blas64.Symmetric{N: side, Stride: side, Uplo: blas.Lower, Data: sums[k*side*side:][:side*side]})
		})
	}
	c := &SpectralCovariance{window, g.fields, g.rows, g.columns, make([]float32, len(ks)*n*n*2)}
	return c, c.factorise(sums, float64(total), ks)
}

// analyse writes the spectra of the fields of a window to row i of a batch,
// (wavenumber, row, field, re and im).
func analyse(batch []float64, x []float32, g grid, ks []wavenumber, i int) {
	n := len(x) / g.cells()
	pairs := (n + 1) / 2
	plans := make([]*spectrumWork, parallel.Workers(pairs))
	for w := range plans {
		plans[w] = newSpectrumWork(g.rows, g.columns)
	}
	parallel.Run(pairs, func(worker, pair int) {
		p := plans[worker]
		p.forward(x, 2*pair, n)
		for k, q := range ks {
			out := batch[(k*spectralBatch+i)*2*n:][:2*n]
			a, b, c, d := p.split(q)
			out[4*pair], out[4*pair+1] = a, b
			if 2*pair+1 < n {
				out[4*pair+2], out[4*pair+3] = c, d
			}
		}
	})
}

// factorise turns sums of products into the factors of their means.
func (c *SpectralCovariance) factorise(sums []float64, total float64, ks []wavenumber) error {
	n := c.Window * c.Fields
	side := 2 * n
	hermitian := func(k int) *mat.SymDense {
		s := mat.NewSymDense(side, nil)
		sum := func(i, j int) float64 {
			if i < j {
				i, j = j, i
			}
			return sums[(k*side+i)*side+j] / total
		}
		for i := range n {
			for j := range i + 1 {
				re := (sum(2*i, 2*j) + sum(2*i+1, 2*j+1)) / 2
				im := (sum(2*i+1, 2*j) - sum(2*i, 2*j+1)) / 2
				if ks[k].own {
					re, im = sum(2*i, 2*j), 0
				}
				s.SetSym(2*i, 2*j, re)
				s.SetSym(2*i+1, 2*j+1, re)
				s.SetSym(2*i+1, 2*j, im)
				if i != j {
					s.SetSym(2*i, 2*j+1, -im)
				}
			}
		}
		return s
	}
	traces := make([]float64, len(ks))
	parallel.Run(len(ks), func(_, k int) { traces[k] = mat.Trace(hermitian(k)) / float64(side) })
	var mean float64
	for _, t := range traces {
		mean += t / float64(len(ks))
	}
	bad := make([]bool, len(ks))
	parallel.Run(len(ks), func(_, k int) {
		s := hermitian(k)
		floor := spectralFloor*traces[k] + globalFloor*mean
		for i := range side {
			s.SetSym(i, i, s.At(i, i)+floor)
		}
		var factor mat.Cholesky
		if bad[k] = !factor.Factorize(s); bad[k] {
			return
		}
		var lower mat.TriDense
		factor.LTo(&lower)
		for i := range n {
			for j := range i + 1 {
				at := c.Factor[((k*n+i)*n+j)*2:]
				at[0], at[1] = float32(lower.At(2*i, 2*j)), float32(lower.At(2*i+1, 2*j))
			}
		}
	})
	for _, b := range bad {
		if b {
			return errors.New("scoresum: the covariance of the training windows is not positive: are the trajectories constant or not finite?")
		}
	}
	return nil
}

// block returns the real covariance of wavenumber k of windows of length states.
func (c *SpectralCovariance) block(k, length int) *mat.SymDense {
	whole, n := c.Window*c.Fields, length*c.Fields
	lower := mat.NewDense(2*n, 2*n, nil)
	for i := range n {
		for j := range i + 1 {
			at := c.Factor[((k*whole+i)*whole+j)*2:]
			re, im := float64(at[0]), float64(at[1])
			lower.Set(2*i, 2*j, re)
			lower.Set(2*i+1, 2*j+1, re)
			lower.Set(2*i+1, 2*j, im)
			lower.Set(2*i, 2*j+1, -im)
		}
	}
	var s mat.SymDense
	s.SymOuterK(1, lower)
	return &s
}

// basis implements law.
func (c *SpectralCovariance) basis(length int) (*basis, error) {
	if length > c.Window {
		return nil, fmt.Errorf("scoresum: a window of %d states is longer than the %d states whose covariance is known", length, c.Window)
	}
	return newSpectralBasis(c, length)
}

// tensor implements law.
func (c *SpectralCovariance) tensor() safetensors.Tensor {
	n := c.Window * c.Fields
	return safetensors.Tensor{Name: spectrumName, Shape: []int{len(c.Factor) / (2 * n * n), n, n, 2}, Data: c.Factor}
}

// spectrumWork transforms pairs of fields of a window.
type spectrumWork struct {
	plan  *fft.Plan
	field fft.Planes
	// unit makes the transform unitary.
	unit float64
}

func newSpectrumWork(rows, columns int) *spectrumWork {
	return &spectrumWork{fft.NewPlan(rows, columns), fft.NewPlanes(rows * columns), 1 / math.Sqrt(float64(rows*columns))}
}

// forward transforms fields number first and first+1 of n.
func (p *spectrumWork) forward(x []float32, first, n int) {
	cells := p.plan.Len()
	for i, v := range x[first*cells:][:cells] {
		p.field.Re[i] = float64(v)
	}
	clear(p.field.Im)
	if first+1 < n {
		for i, v := range x[(first+1)*cells:][:cells] {
			p.field.Im[i] = float64(v)
		}
	}
	p.plan.Forward(p.field, p.field)
}

// split returns the real coordinates of a wavenumber of both fields, re and im.
func (p *spectrumWork) split(q wavenumber) (a, b, c, d float64) {
	f := p.field
	re, im, reStar, imStar := f.Re[q.index], f.Im[q.index], f.Re[q.partner], f.Im[q.partner]
	if q.own {
		return re * p.unit, 0, im * p.unit, 0
	}
	h := p.unit / math.Sqrt2
	return (re + reStar) * h, (im - imStar) * h, (im + imStar) * h, (reStar - re) * h
}

// merge is the inverse of split.
func (p *spectrumWork) merge(q wavenumber, a, b, c, d float64) {
	f := p.field
	if q.own {
		f.Re[q.index], f.Im[q.index] = a/p.unit, c/p.unit
		return
	}
	h := 1 / (p.unit * math.Sqrt2)
	f.Re[q.index], f.Im[q.index] = (a-d)*h, (b+c)*h
	f.Re[q.partner], f.Im[q.partner] = (a+d)*h, (c-b)*h
}

// backward transforms back to fields number first and first+1 of n.
func (p *spectrumWork) backward(x []float32, first, n int) {
	p.plan.Inverse(p.field, p.field)
	cells := p.plan.Len()
	for i := range x[first*cells:][:cells] {
		x[first*cells+i] = float32(p.field.Re[i])
	}
	if first+1 < n {
		for i := range x[(first+1)*cells:][:cells] {
			x[(first+1)*cells+i] = float32(p.field.Im[i])
		}
	}
}
