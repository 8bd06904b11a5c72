package fft

import "unsafe"

// lanes is the number of columns that are transformed together: one AVX-512
// register, one cache line.
const lanes = 8

// A rows value addresses up to lanes adjacent columns of planes: row r is at
// [r*pitch].
type rows struct {
	Planes
	pitch int
}

// A strips value holds a matrix in strips of eight columns, one strip after the
// other. A strip is contiguous, unlike columns of planes, whose lines would
// compete for the same places in the caches. Columns beyond the width are
// padding, and so are eight rows after each strip: they let strips of a power
// of two of rows spread over the caches.
type strips struct {
	Planes
	height int // rows
}

// newStrips allocates a matrix.
func newStrips(height, width int) strips {
	return strips{NewPlanes(stripsLen(height, width)), height}
}

// stripsLen is the number of elements of a matrix in strips.
func stripsLen(height, width int) int { return roundUp(width) * (height + lanes) }

// stripsOf is the number of strips of a matrix with so many columns.
func stripsOf(width int) int { return roundUp(width) / lanes }

// step is the distance of two strips.
func (s strips) step() int { return (s.height + lanes) * lanes }

// strip returns strip i, without padding.
func (s strips) strip(i int) Planes {
	at, n := i*s.step(), s.height*lanes
	return Planes{Re: s.Re[at : at+n], Im: s.Im[at : at+n]}
}

// newStrip allocates a strip; there is a row of padding beyond its length.
func newStrip(height int) Planes {
	n := height * lanes
	padded := NewPlanes(n + lanes)
	return Planes{Re: padded.Re[:n], Im: padded.Im[:n]}
}

// columns transforms strips.
type columns struct {
	level   string
	scratch Planes // a strip
	work    [2][]lane
}

// newColumns returns the scratch for strips of up to n rows.
func newColumns(n int, level string) *columns {
	c := &columns{level: level, scratch: newStrip(n)}
	for i := range c.work {
		c.work[i] = make([]lane, 2*n)
	}
	return c
}

// forward transforms n columns to a strip, which may be src. Frequency k is
// left at a.place[k].
func (c *columns) forward(a *axis, strip Planes, src rows, n int) {
	for i := range a.stages {
		s := &a.stages[i]
		if s.twiddles == nil {
			c.plain(s, strip)
		} else {
			c.frequency(s, strip, src, n)
		}
		src, n = rows{strip, lanes}, lanes
	}
}

// backward transforms a strip, in place, that has element j at a.place[j].
// Frequencies are left in their order.
func (c *columns) backward(a *axis, strip Planes) {
	for i := range a.stages {
		s := &a.stages[len(a.stages)-1-i]
		if s.twiddles == nil {
			c.plain(s, strip)
		} else {
			c.time(s, strip)
		}
	}
}

// aligned allocates n zeroed values that start on a cache line.
func aligned(n int) []float64 {
	const line = 64
	raw := make([]float64, n+line/8)
	skip := 0
	if over := uintptr(unsafe.Pointer(unsafe.SliceData(raw))) % line; over != 0 {
		skip = int(line-over) / 8
	}
	return raw[skip : skip+n : skip+n]
}
