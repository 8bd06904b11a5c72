package qg

import (
	"math"

	"retrace/internal/fft"
)

// grid is a doubly periodic plane of ny rows of nx cells. Spectra are halves in
// the layout of package fft, kx = 0..nx/2 and all ky, [kx][ky]. As in pyqg, a
// half spectrum means the real field of its Hermitian part: the rows kx = 0 and
// kx = nx/2, which hold a wavenumber and its partner both, need not agree with
// each other.
type grid struct {
	nx, ny         int
	lengthX, width float64   // periods eastward and northward, m
	kx, ky         []float64 // wavenumbers of the rows and of the columns of a half spectrum, 1/m
}

func newGrid(nx, ny int, lengthX, lengthY float64) *grid {
	g := &grid{nx: nx, ny: ny, lengthX: lengthX, width: lengthY}
	for i := range nx/2 + 1 {
		g.kx = append(g.kx, 2*math.Pi/lengthX*float64(i))
	}
	for j := range ny {
		g.ky = append(g.ky, 2*math.Pi/lengthY*float64(fft.Wavenumber(j, ny)))
	}
	return g
}

// size is the number of cells.
func (g *grid) size() int { return g.nx * g.ny }

// half is the number of elements of a half spectrum.
func (g *grid) half() int { return len(g.kx) * g.ny }

// dx and dy are the sides of a cell.
func (g *grid) dx() float64 { return g.lengthX / float64(g.nx) }
func (g *grid) dy() float64 { return g.width / float64(g.ny) }

// alone reports whether row kx of a half spectrum holds the partners of its own
// wavenumbers.
func (g *grid) alone(row int) bool { return row == 0 || row == g.nx/2 }

// weight is how often the wavenumbers of a row occur in a whole spectrum, half
// spectra holding one of two partners.
func (g *grid) weight(row int) float64 {
	if g.alone(row) {
		return 1
	}
	return 2
}

// row is where row kx of a half spectrum starts, and opposite where that of the
// wavenumbers of opposite sign does in a whole spectrum.
func (g *grid) row(kx int) (row, opposite int) {
	return kx * g.ny, fft.Partner(kx, g.nx) * g.ny
}

// pair is a spectrum or tendency of both layers: half spectra.
type pair [2]fft.Planes

func (g *grid) newPair() pair {
	return pair{fft.NewPlanes(g.half()), fft.NewPlanes(g.half())}
}

// cut returns the n elements from i on.
func (p pair) cut(i, n int) pair { return pair{cut(p[0], i, n), cut(p[1], i, n)} }

func cut(z fft.Planes, i, n int) fft.Planes {
	return fft.Planes{Re: z.Re[i : i+n : i+n], Im: z.Im[i : i+n : i+n]}
}

func (p pair) copyFrom(q pair) {
	for layer := range p {
		copy(p[layer].Re, q[layer].Re)
		copy(p[layer].Im, q[layer].Im)
	}
}

// add adds factor times q.
func (p pair) add(factor float64, q pair) {
	for layer := range p {
		for i, re := range q[layer].Re {
			p[layer].Re[i] += factor * re
		}
		for i, im := range q[layer].Im {
			p[layer].Im[i] += factor * im
		}
	}
}

// scale multiplies every wavenumber by a real factor.
func (p pair) scale(factors []float64) {
	for layer := range p {
		for i, f := range factors {
			p[layer].Re[i] *= f
			p[layer].Im[i] *= f
		}
	}
}

func (p pair) clear() {
	for layer := range p {
		clear(p[layer].Re)
		clear(p[layer].Im)
	}
}
