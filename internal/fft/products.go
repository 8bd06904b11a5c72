package fft

// Products computes spectra of products of fields that are known by their
// spectra. It transforms every spectrum of in to the grid, lets product fill
// the planes of out from the planes of in, and transforms those. A spectrum of
// out may be one of in.
//
// product is called for parts of the grid: its planes hold the same points
// each, in an order that is not specified; if nx is not a multiple of eight
// there are further points at which all inputs are zero. It must set every
// element of its out, which does not overlap its in, and keep neither.
func (p *Plan) Products(out, in []Planes, product func(out, in []Planes)) {
	p.halfway.grow(p, len(in), len(out), p.ny)
	h := p.halfway.part(len(in), len(out))
	for i, spectrum := range in {
		p.check(spectrum)
		p.firstPass(p.inverseX, p.alongY, h.in[i], spectrum.swap())
	}
	h.products(p, p.alongY.natural, product)
	for i, spectrum := range out {
		p.check(spectrum)
		p.secondPass(p.alongX, spectrum, h.out[i])
	}
}

// halfway holds fields that are transformed along x but not along y: those to
// be multiplied, with real and imaginary parts exchanged, in strips of x, the
// products in strips of ky.
type halfway struct {
	in, out           []strips
	inStrip, outStrip []Planes // the fields in a strip of the grid
}

// grow makes room for so many inputs and outputs; the outputs have so many
// columns.
func (h *halfway) grow(p *Plan, in, out, width int) {
	for len(h.in) < in {
		h.in = append(h.in, newStrips(p.ny, p.nx))
		h.inStrip = append(h.inStrip, newStrip(p.ny))
	}
	for len(h.out) < out {
		h.out = append(h.out, newStrips(p.nx, width))
		h.outStrip = append(h.outStrip, newStrip(p.ny))
	}
}

// part returns the first inputs and outputs.
func (h *halfway) part(in, out int) halfway {
	return halfway{h.in[:in], h.out[:out], h.inStrip[:in], h.outStrip[:out]}
}

// products transforms the inputs along y, multiplies, and transforms the
// products. Column k of the result is the wavenumber ky at from[k].
func (h *halfway) products(p *Plan, from []int, product func(out, in []Planes)) {
	c := p.columns
	for i := range stripsOf(p.nx) {
		n := min(lanes, p.nx-i*lanes)
		for f, strip := range h.inStrip {
			// Rows are left at reversed digits, where the way back starts from.
			c.forward(p.alongY, strip.swap(), rows{h.in[f].strip(i), lanes}, n)
		}
		product(h.outStrip, h.inStrip)
		for f, strip := range h.outStrip {
			c.backward(p.alongY, strip)
			c.transpose(h.out[f], p.alongX.natural[i*lanes:], strip, from)
		}
	}
}
