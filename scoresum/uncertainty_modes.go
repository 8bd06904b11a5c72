package scoresum

import (
	"math"

	"gonum.org/v1/gonum/mat"

	"retrace/internal/kernel"
	"retrace/internal/parallel"
)

// fieldModes is what V(s) of fields needs of the Gaussian prior at every noise level:
// for each wavenumber the eigenvectors z_j of the covariance of a window as complex
// vectors, so that variances c_j make the covariance
//
//	C = share * sum_j c_j z_j z_j^H ,
//
// share being 1/2, as a complex eigenvector is two real ones, and 1 where a wavenumber is
// its own opposite and real.
//
// Fields often follow from each other wavenumber by wavenumber, as velocities do from
// potential vorticity. So at each wavenumber the states are written in the few
// directions U, orthonormal combinations of fields, that have variance: of two layers
// seen by six fields there are two, and all that follows is nine times cheaper. What is
// left out has at most negligible times the variance of the wavenumber's largest
// direction, or faint times the mean of all: models filter their smallest scales away.
type fieldModes struct {
	transform *spectralTransform
	modes     []waveModes
	total     int // directions of all wavenumbers
}

// waveModes are those of one wavenumber.
type waveModes struct {
	m, first   int          // directions, and those of the wavenumbers before
	directions []complex128 // U, (field, direction)
	vectors    []complex64  // U^H z_j, (state and direction, j)
	share      float64
}

const (
	// negligible lies just above spectralFloor, which is all the variance that
	// directions have that follow from others.
	negligible = 3e-6
	faint      = 1e-6
)

func newFieldModes(c *SpectralCovariance, b *basis) *fieldModes {
	t := b.transform.(*spectralTransform)
	f := &fieldModes{transform: t, modes: make([]waveModes, len(t.ks))}
	failed := make([]bool, len(t.ks))
	var mean float64
	for _, l := range b.values {
		mean += l / float64(b.n)
	}
	parallel.Run(t.pieces(), func(_, piece int) {
		for k := piece * blocksAtOnce; k < min((piece+1)*blocksAtOnce, len(t.ks)); k++ {
			w := &f.modes[k]
			var ok bool
			if w.directions, ok = directionsOf(c.block(k, 1), faint*mean); !ok {
				failed[k] = true
				continue
			}
			w.m = len(w.directions) / c.Fields
			w.project(t, k, c.Window)
		}
	})
	for k := range f.modes {
		if failed[k] {
			return nil
		}
		f.modes[k].first = f.total
		f.total += f.modes[k].m
	}
	return f
}

// directionsOf returns the complex directions, (field, direction), that have more than
// the least variance under a covariance of re and im of fields. Each is an eigenvector twice, times 1 and times i: what earlier ones
// explain of a later one is taken out, and a copy leaves nothing.
func directionsOf(c *mat.SymDense, least float64) (u []complex128, ok bool) {
	var eigen mat.EigenSym
	if !eigen.Factorize(c, true) {
		return nil, false
	}
	values := eigen.Values(nil)
	side, fields := len(values), len(values)/2
	var q mat.Dense
	eigen.VectorsTo(&q)
	var found [][]complex128
	least = max(least, negligible*values[side-1])
	for j := side - 1; j >= 0 && values[j] > least; j-- {
		z := make([]complex128, fields)
		for i := range z {
			z[i] = complex(q.At(2*i, j), q.At(2*i+1, j))
		}
		for range 2 { // the second pass repairs what rounding leaves of the first
			for _, other := range found {
				along := dot(z, other)
				for i := range z {
					z[i] -= along * other[i]
				}
			}
		}
		const copied = 0.01 // of the square of an eigenvector, that is left of a copy at most
		square := real(dot(z, z))
		if square < copied || len(found) == fields {
			continue
		}
		for i := range z {
			z[i] *= complex(1/math.Sqrt(square), 0)
		}
		found = append(found, z)
	}
	u = make([]complex128, fields*len(found))
	for a, z := range found {
		for i, v := range z {
			u[i*len(found)+a] = v
		}
	}
	return u, true
}

// project sets the vectors of wavenumber k.
func (w *waveModes) project(t *spectralTransform, k, window int) {
	b, fields := &t.blocks[k], t.grid.fields
	padded := kernel.RoundUp(b.size, kernel.ColumnUnit)
	unit, vectors := kernel.Slab(b.size*b.size), kernel.Slab(b.size*padded)
	for i := range b.size {
		unit[i*b.size+i] = 1
	}
	t.multiply(vectors, unit, b.size, b.size, b.into)
	w.share = 0.5
	if t.ks[k].own {
		w.share = 1
	}
	w.vectors = make([]complex64, window*w.m*b.size)
	for state := range window {
		for a := range w.m {
			out := w.vectors[(state*w.m+a)*b.size:][:b.size]
			for j := range out {
				var sum complex128
				for c := range fields {
					u := w.directions[c*w.m+a]
					sum += complex(real(u), -imag(u)) * t.vector(vectors, k, state*fields+c, j)
				}
				out[j] = complex64(sum)
			}
		}
	}
}

// vector is element series of eigenvector j of wavenumber k.
func (t *spectralTransform) vector(vectors []float32, k, series, j int) complex128 {
	padded := kernel.RoundUp(t.blocks[k].size, kernel.ColumnUnit)
	if t.ks[k].own {
		return complex(float64(vectors[series*padded+j]), 0)
	}
	return complex(float64(vectors[2*series*padded+j]), float64(vectors[(2*series+1)*padded+j]))
}

// covariance is that of a window whose coordinates have the variances c.
func (w *waveModes) covariance(c []float64) hermitian {
	scaled, width := make([]complex128, len(w.vectors)), len(c)
	for j, variance := range c {
		root := math.Sqrt(variance)
		for i := j; i < len(scaled); i += width {
			v := complex128(w.vectors[i])
			scaled[i] = complex(root*real(v), root*imag(v))
		}
	}
	return gram(scaled, width, w.share)
}
