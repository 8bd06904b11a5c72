package scoresum

import (
	"retrace/internal/parallel"
)

// fieldProduct is the scratch space of a product with V(s): the trajectory in the
// directions of all wavenumbers, (wavenumber, state, direction), and the spectra of the
// state of each worker.
type fieldProduct struct {
	z      []complex128
	states [][]*spectrumWork
	series [][]complex128 // of each worker: the fields of a state at a wavenumber
}

func (v *fieldUncertainty) borrow() *fieldProduct {
	p, _ := v.spare.Get().(*fieldProduct)
	if p == nil {
		p = &fieldProduct{z: make([]complex128, v.total*v.length)}
	}
	g := v.transform.grid
	for len(p.states) < parallel.Workers(v.length) {
		var list []*spectrumWork
		for range (g.fields + 1) / 2 {
			list = append(list, newSpectrumWork(g.rows, g.columns))
		}
		p.states, p.series = append(p.states, list), append(p.series, make([]complex128, g.fields+1))
	}
	return p
}

// multiply sets dst to V x.
func (v *fieldUncertainty) multiply(dst, x []float64) {
	p := v.borrow()
	size := v.transform.grid.fields * v.transform.grid.cells()
	parallel.Run(v.length, func(worker, state int) {
		v.analyse(p, worker, state, x[state*size:][:size])
	})
	parallel.Run(v.transform.pieces(), func(_, piece int) {
		for k := piece * blocksAtOnce; k < min((piece+1)*blocksAtOnce, len(v.waves)); k++ {
			m := v.modes[k].m
			if m == 0 {
				continue
			}
			v.waves[k].multiply(p.z[v.modes[k].first*v.length:][:m*v.length], m)
		}
	})
	parallel.Run(v.length, func(worker, state int) {
		v.synthesise(p, worker, state, dst[state*size:][:size])
	})
	v.spare.Put(p)
}

// analyse writes the directions of a state to p.z.
func (v *fieldUncertainty) analyse(p *fieldProduct, worker, state int, x []float64) {
	spectra, series := p.states[worker], p.series[worker]
	for i, s := range spectra {
		s.forwardPair(x, 2*i)
	}
	for k, q := range v.transform.ks {
		for i, s := range spectra {
			a, b, c, d := s.split(q)
			series[2*i], series[2*i+1] = complex(a, b), complex(c, d)
		}
		w := &v.modes[k]
		z := p.z[w.first*v.length+state*w.m:][:w.m]
		clear(z)
		for c, value := range series[:v.transform.grid.fields] {
			for a, u := range w.directions[c*w.m:][:w.m] {
				z[a] += complex(real(u)*real(value)+imag(u)*imag(value), real(u)*imag(value)-imag(u)*real(value))
			}
		}
	}
}

// synthesise is the transpose of analyse.
func (v *fieldUncertainty) synthesise(p *fieldProduct, worker, state int, x []float64) {
	spectra, series := p.states[worker], p.series[worker]
	for k, q := range v.transform.ks {
		w := &v.modes[k]
		z := p.z[w.first*v.length+state*w.m:][:w.m]
		for c := range v.transform.grid.fields {
			var sum complex128
			for a, u := range w.directions[c*w.m:][:w.m] {
				sum += u * z[a]
			}
			series[c] = sum
		}
		for i, s := range spectra {
			a, b := series[2*i], series[2*i+1]
			s.merge(q, real(a), imag(a), real(b), imag(b))
		}
	}
	for i, s := range spectra {
		s.backwardPair(x, 2*i)
	}
}

// multiply replaces a trajectory of states of m values by V_k times it.
func (w *waveUncertainty) multiply(z []complex128, m int) {
	first, length := w.first.n/m, len(z)/m
	old := w.first.n - m
	row := func(state int) (inverse, gain []complex128) {
		r := min(length-1-state, w.rows-1)
		return w.inverses[r*m*m:][:m*m], w.gains[r*old*m:][:old*m]
	}
	for state := length - 1; state >= first; state-- {
		_, gain := row(state)
		subtractProduct(z[state*m-old:state*m], gain, z[state*m:(state+1)*m])
	}
	var memory [64]complex128
	scratch := memory[:]
	if w.first.n > len(scratch) {
		scratch = make([]complex128, w.first.n)
	}
	scratch = scratch[:w.first.n]
	product(scratch, w.first.v, z[:w.first.n])
	copy(z, scratch)
	for state := first; state < length; state++ {
		inverse, gain := row(state)
		x := z[state*m : (state+1)*m]
		product(scratch[:m], inverse, x)
		copy(x, scratch)
		subtractTransposed(x, gain, z[state*m-old:state*m])
	}
}

// forwardPair transforms fields number first and first+1 of a state, if there are both.
func (p *spectrumWork) forwardPair(x []float64, first int) {
	cells := p.plan.Len()
	copy(p.field.Re, x[first*cells:][:cells])
	if (first+1)*cells == len(x) {
		clear(p.field.Im)
	} else {
		copy(p.field.Im, x[(first+1)*cells:])
	}
	p.plan.Forward(p.field, p.field)
}

// backwardPair is the inverse of forwardPair.
func (p *spectrumWork) backwardPair(x []float64, first int) {
	cells := p.plan.Len()
	p.plan.Inverse(p.field, p.field)
	copy(x[first*cells:], p.field.Re)
	if (first+1)*cells < len(x) {
		copy(x[(first+1)*cells:], p.field.Im)
	}
}
