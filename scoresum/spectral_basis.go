package scoresum

import (
	"errors"
	"sync"

	"gonum.org/v1/gonum/mat"

	"retrace/internal/kernel"
	"retrace/internal/parallel"
)

// spectralTransform turns windows of fields into the coordinates of their Gaussian:
// Fourier transforms in space, then, for each wavenumber, the eigenvectors of its
// covariance. All cores share a call. Coordinates follow each other by wavenumber.
type spectralTransform struct {
	grid   grid
	series int // fields of a window
	ks     []wavenumber
	blocks []spectralBlock
	works  sync.Pool // *transformWork
}

// spectralBlock is the basis of one wavenumber: of re and im of all series, or of re
// alone.
type spectralBlock struct {
	first, size int // of its coordinates
	into, out   *kernel.Panels
}

// transformWork is the scratch space of a call.
type transformWork struct {
	plans   []*spectrumWork
	spectra []float32 // (wavenumber, row, size)
	results [][]float32
}

// blocksAtOnce is the number of wavenumbers of a piece of work.
const blocksAtOnce = 32

func newSpectralBasis(c *SpectralCovariance, length int) (*basis, error) {
	t := &spectralTransform{
		grid: grid{fields: c.Fields, rows: c.Rows, columns: c.Columns}, series: length * c.Fields,
		ks: wavenumbers(c.Rows, c.Columns),
	}
	n := t.series * t.grid.cells()
	b := &basis{n: n, padded: kernel.RoundUp(n, kernel.ColumnUnit), transform: t, values: make([]float64, n), classes: make([]int32, n)}
	t.blocks = make([]spectralBlock, len(t.ks))
	first := 0
	for k, q := range t.ks {
		size := 2 * t.series
		if q.own {
			size = t.series
		}
		t.blocks[k] = spectralBlock{first: first, size: size}
		for j := range size {
			rank := j * t.series / size
			b.classes[first+j] = int32(q.shell*t.series + rank)
			b.classCount = max(b.classCount, (q.shell+1)*t.series)
		}
		first += size
	}
	failed := make([]bool, len(t.ks))
	parallel.Run(len(t.ks), func(_, k int) { failed[k] = !t.decompose(k, c.block(k, length), b.values) })
	for _, f := range failed {
		if f {
			return nil, errors.New("scoresum: the eigendecomposition of the window covariance did not converge")
		}
	}
	return b, nil
}

// decompose sets the basis of wavenumber k and the variances of its coordinates.
func (t *spectralTransform) decompose(k int, c *mat.SymDense, values []float64) bool {
	b := &t.blocks[k]
	if t.ks[k].own {
		real := mat.NewSymDense(b.size, nil)
		for i := range b.size {
			for j := range i + 1 {
				real.SetSym(i, j, c.At(2*i, 2*j))
			}
		}
		c = real
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(c, true) {
		return false
	}
	var q mat.Dense
	eigen.VectorsTo(&q)
	list := eigen.Values(nil)
	vectors := make([]float32, b.size*b.size)
	for i := range b.size {
		values[b.first+i] = max(list[i], 1e-9*list[b.size-1])
		for j := range b.size {
			vectors[i*b.size+j] = float32(q.At(i, j))
		}
	}
	b.into, b.out = kernel.NewPanels(b.size, b.size), kernel.NewPanels(b.size, b.size)
	b.into.Pack(0, kernel.Block{Data: vectors, Rows: b.size, Columns: b.size, RowStep: b.size, ColumnStep: 1})
	b.out.Pack(0, kernel.Block{Data: vectors, Rows: b.size, Columns: b.size, RowStep: 1, ColumnStep: b.size})
	return true
}

func (t *spectralTransform) pieces() int { return (len(t.blocks) + blocksAtOnce - 1) / blocksAtOnce }

func (t *spectralTransform) pairs() int { return (t.series + 1) / 2 }

// borrow returns scratch space for rows windows.
func (t *spectralTransform) borrow(rows int) *transformWork {
	w, _ := t.works.Get().(*transformWork)
	if w == nil {
		w = &transformWork{}
	}
	for len(w.plans) < parallel.Workers(max(t.pieces(), rows*t.pairs())) {
		w.plans = append(w.plans, newSpectrumWork(t.grid.rows, t.grid.columns))
		w.results = append(w.results, nil)
	}
	result := rows * kernel.RoundUp(2*t.series, kernel.ColumnUnit)
	for i := range w.results {
		if len(w.results[i]) < result {
			w.results[i] = kernel.Slab(result)
		}
	}
	if size := rows * t.series * t.grid.cells(); len(w.spectra) < size {
		w.spectra = kernel.Slab(size)
	}
	return w
}

// toCoordinates implements transform.
func (t *spectralTransform) toCoordinates(z, y []float32, rows, stride int) {
	w := t.borrow(rows)
	n, padded := t.series*t.grid.cells(), len(z)/rows
	parallel.Run(rows*t.pairs(), func(worker, piece int) {
		row, pair := piece/t.pairs(), piece%t.pairs()
		p := w.plans[worker]
		p.forward(y[row*stride:][:n], 2*pair, t.series)
		for k, q := range t.ks {
			a, b, c, d := p.split(q)
			t.put(w.spectra, k, rows, row, 2*pair, a, b, q.own)
			if 2*pair+1 < t.series {
				t.put(w.spectra, k, rows, row, 2*pair+1, c, d, q.own)
			}
		}
	})
	parallel.Run(t.pieces(), func(worker, piece int) {
		for k := piece * blocksAtOnce; k < min((piece+1)*blocksAtOnce, len(t.blocks)); k++ {
			b := &t.blocks[k]
			t.multiply(w.results[worker], w.spectra[b.first*rows:], b.size, rows, b.into)
			for row := range rows {
				copy(z[row*padded+b.first:][:b.size], w.results[worker][row*kernel.RoundUp(b.size, kernel.ColumnUnit):])
			}
		}
	})
	for row := range rows {
		clear(z[row*padded+n : (row+1)*padded])
	}
	t.works.Put(w)
}

// fromCoordinates implements transform.
func (t *spectralTransform) fromCoordinates(y, z []float32, rows int) {
	w := t.borrow(rows)
	n, padded := t.series*t.grid.cells(), len(z)/rows
	parallel.Run(t.pieces(), func(worker, piece int) {
		for k := piece * blocksAtOnce; k < min((piece+1)*blocksAtOnce, len(t.blocks)); k++ {
			b := &t.blocks[k]
			source := w.spectra[b.first*rows:][:rows*b.size]
			for row := range rows {
				copy(source[row*b.size:][:b.size], z[row*padded+b.first:])
			}
			t.multiply(w.results[worker], source, b.size, rows, b.out)
			for row := range rows {
				copy(source[row*b.size:][:b.size], w.results[worker][row*kernel.RoundUp(b.size, kernel.ColumnUnit):])
			}
		}
	})
	parallel.Run(rows*t.pairs(), func(worker, piece int) {
		row, pair := piece/t.pairs(), piece%t.pairs()
		p := w.plans[worker]
		for k, q := range t.ks {
			a, b := t.get(w.spectra, k, rows, row, 2*pair, q.own)
			var c, d float64
			if 2*pair+1 < t.series {
				c, d = t.get(w.spectra, k, rows, row, 2*pair+1, q.own)
			}
			p.merge(q, a, b, c, d)
		}
		p.backward(y[row*padded:][:n], 2*pair, t.series)
	})
	for row := range rows {
		clear(y[row*padded+n : (row+1)*padded])
	}
	t.works.Put(w)
}

func (t *spectralTransform) multiply(c, a []float32, size, rows int, b *kernel.Panels) {
	padded := kernel.RoundUp(size, kernel.ColumnUnit)
	kernel.Multiply(kernel.Matrix{Data: c[:rows*padded], Rows: rows, Columns: padded, Stride: padded},
		kernel.Matrix{Data: a[:rows*size], Rows: rows, Columns: size, Stride: size}, b, nil, false)
}

// put stores the transform of one series at wavenumber k.
func (t *spectralTransform) put(spectra []float32, k, rows, row, series int, re, im float64, own bool) {
	b := &t.blocks[k]
	at := spectra[b.first*rows+row*b.size:][:b.size]
	if own {
		at[series] = float32(re)
		return
	}
	at[2*series], at[2*series+1] = float32(re), float32(im)
}

func (t *spectralTransform) get(spectra []float32, k, rows, row, series int, own bool) (re, im float64) {
	b := &t.blocks[k]
	at := spectra[b.first*rows+row*b.size:][:b.size]
	if own {
		return float64(at[series]), 0
	}
	return float64(at[2*series]), float64(at[2*series+1])
}
