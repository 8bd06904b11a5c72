package twolayer

import (
	"math/cmplx"

	"retrace/internal/fft"
)

// strips is a row of a pair of strips, as the portable twin of the assembly
// goes through it.
type strips struct {
	*Stepper
	pair, row int
	in, out   []fft.Planes
}

// point is a wavenumber: a column of one side of the row.
type point struct {
	strips
	side, column int
	k            complex128 // kx + i ky
	record       []float64  // of the state, from the column on
	factors      []float64  // of the tables, likewise
}

// visitRow makes the step at a row; without products it only sets the fields.
func (s *Stepper) visitRow(r strips) {
	if r.out != nil {
		r.points((*point).advance)
	}
	r.derive()
}

// points goes through the wavenumbers of a row.
func (r strips) points(visit func(p *point)) {
	t := r.tables
	for side, columns := range t.pairing[r.pair] {
		record := t.record(r.pair, r.row, side)
		for column, ky := range columns {
			if ky < 0 {
				continue
			}
			p := &r.point // there, so that it is not allocated
			*p = point{strips: r, side: side, column: column}
			p.k = complex(t.Kx[r.row], t.Ky[ky])
			p.record = r.state[record*recordLen+column:]
			p.factors = t.factors[record*tableLen+column:]
			visit(p)
		}
	}
}

// value is a complex number of the record: vectors n and n+1.
func (p *point) value(n int) complex128 {
	return complex(p.record[n*lanes], p.record[(n+1)*lanes])
}

func (p *point) set(n int, z complex128) {
	p.record[n*lanes], p.record[(n+1)*lanes] = real(z), imag(z)
}

// scale is f z.
func scale(f float64, z complex128) complex128 { return complex(f*real(z), f*imag(z)) }

// streamFunction returns psi of both layers.
func (p *point) streamFunction() [2]complex128 {
	p11, p12, p22 := p.factors[0], p.factors[lanes], p.factors[2*lanes]
	q1, q2 := p.value(0), p.value(2)
	return [2]complex128{scale(p11, q1) + scale(p12, q2), scale(p.tables.Delta*p12, q1) + scale(p22, q2)}
}

// partner is the side on which the partner of the wavenumber is.
func (p *point) partner() int {
	if p.tables.masks[p.pair][0][p.column] != 0 {
		return p.side
	}
	return 1 - p.side
}

// advance makes the step.
func (p *point) advance() {
	t := p.tables
	psi := p.streamFunction()
	here, there := p.rows[p.row]+p.column, p.opposites[p.row]+p.column
	oldest := p.oldest()
	for layer := range psi {
		own, other := p.out[2*layer+p.side], p.out[2*layer+p.partner()]
		flux, star := complex(own.Re[here], own.Im[here]), complex(other.Re[there], other.Im[there])
		tendency := -0.5i * (cmplx.Conj(p.k)*flux + p.k*cmplx.Conj(star))
		tendency -= scale(t.Gradient[layer]*real(p.k), 1i*psi[layer])
		if layer == 1 {
			tendency += scale(t.Drag*real(p.k*cmplx.Conj(p.k)), psi[layer])
		}
		q := p.value(2*layer) + scale(p.weights[0], tendency) +
			scale(p.weights[1], p.value(p.last+2*layer)) + scale(p.weights[2], p.value(oldest+2*layer))
		p.set(oldest+2*layer, tendency)
		p.set(2*layer, scale(p.factors[3*lanes], q))
	}
}

// derive sets the spectra of the fields at the wavenumbers of the row and at
// those of opposite sign.
func (r strips) derive() {
	alone := r.rows[r.row] == r.opposites[r.row]
	if alone {
		r.clear()
	}
	r.points(func(p *point) {
		psi, q1, q2 := p.streamFunction(), p.value(0), p.value(2)
		for layer := range psi {
			p.put(layer, -p.k*psi[layer], p.k*cmplx.Conj(psi[layer]), alone)
		}
		p.put(2, q1+1i*q2, cmplx.Conj(q1)+1i*cmplx.Conj(q2), alone)
	})
}

// clear sets the fields at a row to zero.
func (r strips) clear() {
	at := r.rows[r.row]
	for _, strip := range r.in {
		clear(strip.Re[at : at+lanes])
		clear(strip.Im[at : at+lanes])
	}
}

// put sets a field at the wavenumber and at its partner. In a row that has the
// partners of its own wavenumbers, half of each of the two values that a
// wavenumber receives counts.
func (p *point) put(field int, here, there complex128, alone bool) {
	own, other := p.in[2*field+p.side], p.in[2*field+p.partner()]
	i, j := p.rows[p.row]+p.column, p.opposites[p.row]+p.column
	if !alone {
		own.Re[i], own.Im[i] = real(here), imag(here)
		other.Re[j], other.Im[j] = real(there), imag(there)
		return
	}
	own.Re[i] += real(here) / 2
	own.Im[i] += imag(here) / 2
	other.Re[j] += real(there) / 2
	other.Im[j] += imag(there) / 2
}
