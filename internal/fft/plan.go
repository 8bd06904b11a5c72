package fft

import (
	"fmt"

	"retrace/internal/kernel"
)

// Planes is a complex field or spectrum: the real and the imaginary parts.
type Planes struct {
	Re, Im []float64
}

// NewPlanes allocates n zeroed complex values; both planes start on a cache
// line.
func NewPlanes(n int) Planes { return Planes{Re: aligned(n), Im: aligned(n)} }

// from returns the elements from i on.
func (p Planes) from(i int) Planes { return Planes{Re: p.Re[i:], Im: p.Im[i:]} }

// swap exchanges the real and the imaginary parts, which turns a forward
// transform into an unscaled inverse one.
func (p Planes) swap() Planes { return Planes{Re: p.Im, Im: p.Re} }

// Plan transforms fields of one shape. It is not safe for concurrent use: every
// goroutine needs its own.
type Plan struct {
	ny, nx         int
	alongY, alongX *axis // scaled by 1
	inverseX       *axis // scaled by 1/(nx*ny)
	columns        *columns
	between        Planes // the matrix between the two passes of a transform
	halfway        halfway
}

// NewPlan returns a plan for ny rows of nx values, both at least one.
func NewPlan(ny, nx int) *Plan {
	if ny < 1 || nx < 1 {
		panic("fft: shape must be positive")
	}
	level := kernel.Level()
	if !vectorises(ny) || !vectorises(nx) {
		level = kernel.Generic
	}
	return &Plan{
		ny: ny, nx: nx,
		alongY:   newAxis(ny, 1),
		alongX:   newAxis(nx, 1),
		inverseX: newAxis(nx, 1/float64(nx*ny)),
		columns:  newColumns(max(nx, ny), level),
		between:  NewPlanes(max(stripsLen(nx, ny), stripsLen(ny, nx))),
	}
}

// vectorises reports whether the assembly can transform n values: whole blocks
// of columns, stages of the radices it has, and more than one of them.
func vectorises(n int) bool { return n%lanes == 0 && n > lanes && smooth(n) }

// Shape returns the number of rows and of columns of the plan's fields.
func (p *Plan) Shape() (ny, nx int) { return p.ny, p.nx }

// Len is the number of elements of a field or of a spectrum.
func (p *Plan) Len() int { return p.ny * p.nx }

// HalfLen is the number of elements of a half spectrum, (nx/2+1)*ny.
func (p *Plan) HalfLen() int { return (p.nx/2 + 1) * p.ny }

// Forward transforms field, [y][x], to spectrum, [kx][ky], without a factor. The
// two may be the same memory.
func (p *Plan) Forward(spectrum, field Planes) {
	p.check(spectrum)
	p.check(field)
	between := strips{p.between, p.nx}
	p.firstPass(p.alongY, p.alongX, between, field)
	p.secondPass(p.alongX, spectrum, between)
}

// Inverse transforms spectrum, [kx][ky], to field, [y][x], and divides by
// nx*ny. The two may be the same memory.
func (p *Plan) Inverse(field, spectrum Planes) {
	p.check(spectrum)
	p.check(field)
	between := strips{p.between, p.ny}
	p.firstPass(p.inverseX, p.alongY, between, spectrum.swap())
	p.secondPass(p.alongY, field.swap(), between)
}

// firstPass transforms the columns of src along axis a, and makes them the rows
// of dst; they lie across.
func (p *Plan) firstPass(a, across *axis, dst strips, src Planes) {
	c := p.columns
	for x := 0; x < across.n; x += lanes {
		c.forward(a, c.scratch, rows{src.from(x), across.n}, min(lanes, across.n-x))
		c.transpose(dst, across.natural[x:], c.scratch, a.place)
	}
}

// secondPass transforms the columns of src along axis a, and writes them to dst;
// src is used up.
func (p *Plan) secondPass(a *axis, dst Planes, src strips) {
	width := p.Len() / a.n
	for first := 0; first < width; first += spreadColumns {
		end := min(first+spreadColumns, width)
		for x := first; x < end; x += lanes {
			strip := src.strip(x / lanes)
			p.columns.forward(a, strip, rows{strip, lanes}, lanes)
		}
		p.columns.spread(rows{dst, width}, src, a.place, first, end)
	}
}

// spreadColumns are written to planes at a time: enough to fill adjacent cache
// lines, few enough to be in the first-level cache still.
const spreadColumns = 2 * lanes

func (p *Plan) check(z Planes) {
	if len(z.Re) != p.Len() || len(z.Im) != p.Len() {
		panic(fmt.Sprintf("fft: planes of %d and %d values where %d belong", len(z.Re), len(z.Im), p.Len()))
	}
}

// Wavenumber returns the signed wavenumber of index i of n, in
// -n/2..(n-1)/2: i itself in the lower half, i-n in the upper one. The Nyquist
// wavenumber of even n comes out negative.
func Wavenumber(i, n int) int {
	if 2*i >= n {
		return i - n
	}
	return i
}

// Partner returns the index of the opposite wavenumber of index i of n.
func Partner(i, n int) int {
	if i == 0 {
		return 0
	}
	return n - i
}
