package fft

// Pairing is the order in which a Loop visits wavenumbers along y, in pairs of
// strips of eight columns: [pair][side][column] is an index ky. A wavenumber of
// the positive strip, side 0, has its partner in the same column of the negative
// one: ky = 1, 2, 3, ... are paired with -1, -2, -3, ... Then, in one column,
// follow ky = ny/2 (if ny is even) and ky = 0, which are their own partners.
// Columns that are left over hold -1.
type Pairing [][2][lanes]int

// NewPairing returns the pairing of ny wavenumbers.
func NewPairing(ny int) Pairing {
	var pairing Pairing
	for first := 0; first < (ny+1)/2; first += lanes {
		var pair [2][lanes]int
		for column := range lanes {
			pair[0][column], pair[1][column] = paired(ny, first+column)
		}
		pairing = append(pairing, pair)
	}
	return pairing
}

// paired returns the indices ky of column e of the positive strips, counted from
// the first, and of the negative ones.
func paired(ny, e int) (positive, negative int) {
	alone := (ny - 1) / 2
	switch {
	case e < alone:
		return e + 1, ny - 1 - e
	case e == alone && ny%2 == 0:
		return ny / 2, 0
	case e == alone:
		return -1, 0
	}
	return -1, -1
}

// Loop alternates between the grid and wavenumbers, for time stepping: Exchange
// takes the spectra of the products of the last step and gives those of the
// fields of the next, in parts that stay in the cache, and Products forms
// products of those fields. Whole spectra or fields are never stored.
//
// A loop has its own memory, but uses its plan's scratch: the two, or two loops
// of one plan, must not be used concurrently.
type Loop struct {
	plan    *Plan
	halfway halfway
	pairs   int
	place   []int    // where a strip has the rows ky of the columns of all strips
	in, out []Planes // the strips of a pair
}

// NewLoop returns a loop for products, out in number, of fields, in in number.
func (p *Plan) NewLoop(in, out int) *Loop {
	pairing := NewPairing(p.ny)
	l := &Loop{plan: p, pairs: len(pairing)}
	for _, pair := range pairing {
		for _, ky := range append(pair[0][:], pair[1][:]...) {
			at := p.ny * lanes // padding
			if ky >= 0 {
				at = p.alongY.natural[ky]
			}
			l.place = append(l.place, at)
		}
	}
	l.halfway.grow(p, in, out, len(l.place))
	for range 2 * in {
		l.in = append(l.in, newStrip(p.nx))
	}
	for range 2 * out {
		l.out = append(l.out, newStrip(p.nx))
	}
	return l
}

// Row returns where a plane of a strip has the eight values of wavenumber index
// kx.
func (l *Loop) Row(kx int) int { return l.plan.alongX.place[kx] }

// A Visit is what Exchange calls for every pair of strips; see Pairing. Strip
// 2*i of out and in is the positive strip of product or field i, strip 2*i+1 the
// negative one, and Row tells where they have a kx. It must set all of in, but
// the padding, and keep neither.
type Visit func(pair int, in, out []Planes)

// Fill starts the loop: it takes spectra of fields from visit, to which out is
// empty.
func (l *Loop) Fill(visit Visit) {
	for pair := range l.pairs {
		visit(pair, l.in, nil)
		l.push(pair)
	}
}

// Exchange hands the spectra of the products to visit and takes those of the
// fields of the next step from it.
func (l *Loop) Exchange(visit Visit) {
	for pair := range l.pairs {
		l.pull(pair)
		visit(pair, l.in, l.out)
		l.push(pair)
	}
}

// Products sets the products from the fields; see Plan.Products.
func (l *Loop) Products(product func(out, in []Planes)) {
	l.halfway.products(l.plan, l.place, product)
}

// pull completes the transform of the products of a pair of strips.
func (l *Loop) pull(pair int) {
	c, a := l.plan.columns, l.plan.alongX
	for i, strip := range l.out {
		c.forward(a, strip, rows{l.halfway.out[i/2].strip(2*pair + i%2), lanes}, lanes)
	}
}

// push starts the transform of the fields of a pair of strips.
func (l *Loop) push(pair int) {
	c, p := l.plan.columns, l.plan
	for i, strip := range l.in {
		strip = strip.swap()
		c.backward(p.inverseX, strip)
		to := l.place[(2*pair+i%2)*lanes:]
		c.transpose(l.halfway.in[i/2], to, strip, p.alongX.natural)
	}
}
