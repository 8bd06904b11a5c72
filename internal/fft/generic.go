package fft

import "math"

// This file holds the portable twins of the assembly kernels.

// lane holds one value of each column of a block.
type lane = [lanes]float64

// frequencyGeneric runs a stage with twiddle factors at the outputs on n
// columns of src; outputs take the places of the inputs.
func (c *columns) frequencyGeneric(s *stage, strip Planes, src rows, n int) {
	for b := range s.blocks {
		for j := range s.span {
			row := b*s.radix*s.span + j
			c.load(src, row, s, n)
			re, im := c.butterfly(s)
			s.twiddle(re, im, j)
			s.put(strip, re, im, row)
		}
	}
}

// timeGeneric runs a stage with twiddle factors at the inputs.
func (c *columns) timeGeneric(s *stage, strip Planes) {
	for b := range s.blocks {
		for j := range s.span {
			row := b*s.radix*s.span + j
			c.load(rows{strip, lanes}, row, s, lanes)
			s.twiddle(c.work[0][:s.radix], c.work[0][s.radix:], j)
			re, im := c.butterfly(s)
			s.put(strip, re, im, row)
		}
	}
}

// plainGeneric runs a stage without twiddle factors.
func (c *columns) plainGeneric(s *stage, strip Planes) {
	for b := range s.blocks {
		c.load(rows{strip, lanes}, b*s.radix, s, lanes)
		re, im := c.butterfly(s)
		s.put(strip, re, im, b*s.radix)
	}
}

// transposeGeneric copies a strip to rows of strips: its row at from[k] to
// column k, its column l to the row at to[l].
func transposeGeneric(dst strips, to []int, strip Planes, from []int) {
	re, im := strip.Re[:cap(strip.Re)], strip.Im[:cap(strip.Im)] // with the padding
	for k, at := range from {
		first := k/lanes*dst.step() + k%lanes
		for l, row := range to[:lanes] {
			dst.Re[first+row], dst.Im[first+row] = re[at+l], im[at+l]
		}
	}
}

// spreadGeneric copies the columns first to end-1 of strips, which have row k at
// from[k], to planes.
func spreadGeneric(dst rows, src strips, from []int, first, end int) {
	for x := first; x < end; x += lanes {
		strip, n := src.strip(x/lanes), min(lanes, end-x)
		for k, at := range from[:src.height] {
			to := k*dst.pitch + x
			copy(dst.Re[to:to+n], strip.Re[at:])
			copy(dst.Im[to:to+n], strip.Im[at:])
		}
	}
}

// load gathers the inputs of a butterfly, from row on, in work[0].
func (c *columns) load(src rows, row int, s *stage, n int) {
	re, im := c.work[0][:s.radix], c.work[0][s.radix:]
	for i := range re {
		at := (row + i*s.span) * src.pitch
		if n == lanes {
			re[i], im[i] = lane(src.Re[at:]), lane(src.Im[at:])
			continue
		}
		re[i], im[i] = lane{}, lane{}
		copy(re[i][:n], src.Re[at:])
		copy(im[i][:n], src.Im[at:])
	}
}

func (s *stage) put(strip Planes, re, im []lane, row int) {
	for i := range s.radix {
		at := (row + i*s.span) * lanes
		*(*lane)(strip.Re[at:]) = re[i]
		*(*lane)(strip.Im[at:]) = im[i]
	}
}

// twiddle multiplies by the factors of place j in a block.
func (s *stage) twiddle(re, im []lane, j int) {
	for q := range s.radix {
		t := s.twiddles[2*(j*s.radix+q):]
		turn(&re[q], &im[q], t[0], t[1])
	}
}

// turn multiplies by c + is.
func turn(re, im *lane, c, s float64) {
	for l := range re {
		x, y := re[l], im[l]
		re[l], im[l] = x*c-y*s, x*s+y*c
	}
}

// butterfly transforms the values in work[0] and returns where the result is.
func (c *columns) butterfly(s *stage) (re, im []lane) {
	in, out := c.work[0], c.work[1]
	r := s.radix
	switch r {
	case 2:
		radix2(in[0:2], in[2:4])
	case 4:
		radix4(in[0:4], in[4:8])
	case 8:
		radix8(in[0:8], in[8:16])
	default:
		sum(out[:r], out[r:2*r], in[:r], in[r:2*r], s.roots)
		return out[:r], out[r:]
	}
	return in[:r], in[r:]
}

// sum is the transform by its definition.
func sum(outRe, outIm, re, im []lane, roots []float64) {
	r := len(re)
	for q := range r {
		var x, y lane
		for i := range r {
			at := 2 * (i * q % r)
			c, s := roots[at], roots[at+1]
			for l := range x {
				x[l] += re[i][l]*c - im[i][l]*s
				y[l] += re[i][l]*s + im[i][l]*c
			}
		}
		outRe[q], outIm[q] = x, y
	}
}

// cross replaces a, b by a+b, a-b.
func cross(a, b *lane) {
	for l := range a {
		x, y := a[l], b[l]
		a[l], b[l] = x+y, x-y
	}
}

func radix2(re, im []lane) {
	cross(&re[0], &re[1])
	cross(&im[0], &im[1])
}

func radix4(re, im []lane) {
	radix4At(re, im, [4]int{0, 1, 2, 3})
}

// radix4At transforms the values at the four places.
func radix4At(re, im []lane, at [4]int) {
	a, b, c, d := at[0], at[1], at[2], at[3]
	for _, v := range [2][]lane{re, im} {
		cross(&v[a], &v[c])
		cross(&v[b], &v[d])
		cross(&v[a], &v[b])
	}
	// v[b] now holds output 2 and v[c], v[d] the differences e, f: outputs 1
	// and 3 are e - if and e + if.
	for l := range re[a] {
		er, ei, fr, fi := re[c][l], im[c][l], re[d][l], im[d][l]
		two, twoIm := re[b][l], im[b][l]
		re[b][l], im[b][l] = er+fi, ei-fr
		re[c][l], im[c][l] = two, twoIm
		re[d][l], im[d][l] = er-fi, ei+fr
	}
}

func radix8(re, im []lane) {
	for i := range 4 {
		cross(&re[i], &re[i+4])
		cross(&im[i], &im[i+4])
	}
	turn(&re[5], &im[5], math.Sqrt2/2, -math.Sqrt2/2)
	turn(&re[6], &im[6], 0, -1)
	turn(&re[7], &im[7], -math.Sqrt2/2, -math.Sqrt2/2)
	radix4At(re, im, [4]int{0, 1, 2, 3})
	radix4At(re, im, [4]int{4, 5, 6, 7})
	// Even outputs are in 0-3 and odd ones in 4-7.
	for _, v := range [2][]lane{re, im} {
		v[1], v[2], v[3], v[4], v[5], v[6] = v[4], v[1], v[5], v[2], v[6], v[3]
	}
}
