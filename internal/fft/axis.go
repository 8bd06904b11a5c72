package fft

import "math"

// A transform of length n = r1 r2 ... rs runs in s stages, in place, by
// decimation in frequency. Stage t sees blocks of r*m values, r its radix: for
// every j < m it takes the r values j, j+m, j+2m, ... of the block, replaces
// them by their transform of length r, and multiplies output q by
// exp(-2 pi i jq/(rm)). Output q of all j is a block of the next stage. After
// the last stage (m = 1) the frequency k = q1 + r1 q2 + r1 r2 q3 + ... is found
// at q1 n/r1 + q2 n/(r1 r2) + ...: at reversed digits.
//
// The same stages in reverse, with the factors applied to the inputs
// (decimation in time), take values at reversed digits to frequencies in order.

// axis is a transform of one length.
type axis struct {
	n       int
	stages  []stage
	place   []int // where a strip has frequency k after the stages
	natural []int // where a strip has row k
}

// stage is one pass over the rows of a block of columns.
type stage struct {
	radix, blocks, span int // n = radix * blocks * span

	// twiddles has 2*radix values for every j < span: the factors of the
	// outputs, cosine and sine. The first stage carries the scale of the
	// transform. The last stage of several has none.
	twiddles []float64
	// roots are the cosines and sines of the radix, for the plain sum.
	roots []float64
}

// newAxis prepares the transform of length n times scale.
func newAxis(n int, scale float64) *axis {
	a := &axis{n: n, place: newPlaces(n), natural: newPlaces(n)}
	span, blocks := n, 1
	for _, r := range factors(n) {
		span /= r
		a.stages = append(a.stages, stage{radix: r, blocks: blocks, span: span, roots: roots(r)})
		blocks *= r
	}
	for i := range a.stages {
		if i == 0 || i < len(a.stages)-1 {
			a.stages[i].setTwiddles(scale)
			scale = 1
		}
	}
	for row := range n {
		a.place[a.frequency(row)] = row * lanes
		a.natural[row] = row * lanes
	}
	return a
}

// newPlaces returns a table of places in a strip of n rows, of whole groups of
// eight, that all point to the row of padding after the last.
func newPlaces(n int) []int {
	places := make([]int, roundUp(n))
	for i := range places {
		places[i] = n * lanes
	}
	return places
}

// roundUp returns the smallest multiple of eight that is not below n.
func roundUp(n int) int { return (n + lanes - 1) / lanes * lanes }

// frequency returns the frequency that the stages leave in row.
func (a *axis) frequency(row int) int {
	k := 0
	for _, s := range a.stages {
		k += s.blocks * (row / s.span)
		row %= s.span
	}
	return k
}

func (s *stage) setTwiddles(scale float64) {
	for j := range s.span {
		for q := range s.radix {
			c, sn := root(j*q, s.radix*s.span)
			s.twiddles = append(s.twiddles, scale*c, scale*sn)
		}
	}
}

// roots returns the n-th roots of unity, exp(-2 pi i k/n).
func roots(n int) []float64 {
	var r []float64
	for k := range n {
		c, s := root(k, n)
		r = append(r, c, s)
	}
	return r
}

// root returns exp(-2 pi i k/n), exact on the axes and the diagonals: the angle
// is taken from the nearest multiple of an eighth of a turn.
func root(k, n int) (c, s float64) {
	k %= n
	octant := (8*k + n/2) / n
	rest := 2 * math.Pi * (float64(8*k-octant*n) / float64(8*n))
	s, c = math.Sincos(rest)
	if octant%2 == 1 {
		s, c = (s+c)*math.Sqrt2/2, (c-s)*math.Sqrt2/2
	}
	switch octant / 2 % 4 {
	case 1:
		c, s = -s, c
	case 2:
		c, s = -c, -s
	case 3:
		c, s = s, -c
	}
	return c, -s
}

// factors splits n into the radices of the stages: as many eights as leave no
// two alone, then fours or a two, then odd primes.
func factors(n int) []int {
	var f []int
	twos := 0
	for n%2 == 0 {
		n, twos = n/2, twos+1
	}
	for twos >= 5 || twos == 3 {
		f, twos = append(f, 8), twos-3
	}
	switch twos {
	case 1:
		f = append(f, 2)
	case 2:
		f = append(f, 4)
	case 4:
		f = append(f, 4, 4)
	}
	for p := 3; n > 1; p += 2 {
		for n%p == 0 {
			f, n = append(f, p), n/p
		}
	}
	if f == nil {
		f = []int{1}
	}
	return f
}

// smooth reports whether n has no prime factor above five.
func smooth(n int) bool {
	for _, p := range [...]int{2, 3, 5} {
		for n%p == 0 {
			n /= p
		}
	}
	return n == 1
}
