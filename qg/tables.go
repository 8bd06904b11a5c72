package qg

import (
	"math"

	"retrace/internal/fft"
	"retrace/internal/twolayer"
)

// Wavenumber by wavenumber, potential vorticity and stream function are related
// by q = M psi,
//
//	M = [-(K2+F1)   F1    ]     K2 = kx^2 + ky^2
//	    [  F2     -(K2+F2)]     F1 = 1/(rd^2 (1+delta)),  F2 = delta F1
//
// whose determinant is D = K2 (K2+F1+F2), so that
//
//	psi1 = -((K2+F2) q1 + F1 q2)/D
//	psi2 = -(F2 q1 + (K2+F1) q2)/D
//
// and psi = 0 at K2 = 0, where the mean of q is inert. Three tables hold the
// inverse, since its off-diagonal elements differ by the factor delta.
//
// The filter is 1 up to 0.65 of the grid's Nyquist wavenumber, and from there on
// exp(-s (r - 0.65 pi)^4), r = sqrt((kx dx)^2 + (ky dy)^2), with the strength
// s = 23.6 by default (pyqg; after LaCasce 1996): small enough at 2/3 to keep
// aliasing at bay, and gone to rounding at the corners.

// tables are the factors of a step at each wavenumber of a half spectrum.
type tables struct {
	delta         float64
	drag          float64    // 1/s
	f1, f2        float64    // 1/m2
	gradient      [2]float64 // background gradient of potential vorticity, 1/(m s)
	background    [2]float64 // background flow, m/s
	weights       [2]float64 // shares of the layers in the depth
	p11, p12, p22 []float64  // the inverse of M, m2; its element 21 is delta p12
	k2            []float64
	filter        []float64
	forcing       pair       // spectra of a constant tendency, s-2; nil planes for none
	topography    fft.Planes // spectrum of f h/H2, 1/s; nil for none
	ring          *ring
	plain         *twolayer.Tables // nil if something is added to the plain equations
}

func newTables(p *TwoLayer, g *grid) *tables {
	t := &tables{
		delta:      p.ThicknessRatio,
		drag:       p.Drag,
		background: [2]float64{p.VelocityUpper, p.VelocityLower},
		weights:    [2]float64{p.ThicknessRatio / (1 + p.ThicknessRatio), 1 / (1 + p.ThicknessRatio)},
	}
	t.f1 = 1 / (p.DeformationRadius * p.DeformationRadius * (1 + t.delta))
	t.f2 = t.delta * t.f1
	shear := p.VelocityUpper - p.VelocityLower
	t.gradient = [2]float64{p.Beta + t.f1*shear, p.Beta - t.f2*shear}
	for row, kx := range g.kx {
		for column, ky := range g.ky {
			k2 := kx*kx + ky*ky
			t.k2 = append(t.k2, k2)
			a, b, c := t.inverse(k2)
			t.p11, t.p12, t.p22 = append(t.p11, a), append(t.p12, b), append(t.p22, c)
			t.filter = append(t.filter, filter(p, g, row, column))
		}
	}
	return t
}

// arrange sets the tables of package twolayer, which knows the plain equations
// only: no random or constant forcing, no topography.
func (t *tables) arrange(g *grid) {
	if t.ring != nil || t.forcing[0].Re != nil || t.topography.Re != nil {
		return
	}
	t.plain = twolayer.NewTables(twolayer.Coefficients{
		Kx: g.kx, Ky: g.ky, Nx: g.nx, P11: t.p11, P12: t.p12, P22: t.p22, Filter: t.filter,
		Delta: t.delta, Drag: t.drag, Gradient: t.gradient,
	})
}

// inverse returns the elements 11, 12 and 22 of the inverse of M.
func (t *tables) inverse(k2 float64) (p11, p12, p22 float64) {
	if k2 == 0 {
		return 0, 0, 0
	}
	d := k2 * (k2 + t.f1 + t.f2)
	return -(k2 + t.f2) / d, -t.f1 / d, -(k2 + t.f1) / d
}

// filter is what a step multiplies a wavenumber by.
func filter(p *TwoLayer, g *grid, row, column int) float64 {
	if p.Truncate && (3*row >= g.nx || 3*abs(fft.Wavenumber(column, g.ny)) >= g.ny) {
		return 0
	}
	r := math.Hypot(g.kx[row]*g.dx(), g.ky[column]*g.dy())
	over := r - 0.65*math.Pi
	if p.Filter == 0 || over <= 0 {
		return 1
	}
	return math.Exp(-p.Filter * over * over * over * over)
}

func abs(i int) int { return max(i, -i) }

// potentialVorticity replaces stream functions by q = M psi.
func (t *tables) potentialVorticity(psi pair) {
	for i, k2 := range t.k2 {
		psi[0].Re[i], psi[1].Re[i] = t.apply(k2, psi[0].Re[i], psi[1].Re[i])
		psi[0].Im[i], psi[1].Im[i] = t.apply(k2, psi[0].Im[i], psi[1].Im[i])
	}
}

func (t *tables) apply(k2, psi1, psi2 float64) (q1, q2 float64) {
	return t.f1*(psi2-psi1) - k2*psi1, t.f2*(psi1-psi2) - k2*psi2
}

// streamFunction replaces potential vorticity by its stream function.
func (t *tables) streamFunction(q pair) {
	for i := range t.k2 {
		for _, part := range [2][2]*float64{{&q[0].Re[i], &q[1].Re[i]}, {&q[0].Im[i], &q[1].Im[i]}} {
			q1, q2 := *part[0], *part[1]
			*part[0] = t.p11[i]*q1 + t.p12[i]*q2
			*part[1] = t.delta*t.p12[i]*q1 + t.p22[i]*q2
		}
	}
}

// streamFunctionTransposed is the transpose of streamFunction.
func (t *tables) streamFunctionTransposed(psi pair) {
	for i := range t.k2 {
		for _, part := range [2][2]*float64{{&psi[0].Re[i], &psi[1].Re[i]}, {&psi[0].Im[i], &psi[1].Im[i]}} {
			a, b := *part[0], *part[1]
			*part[0] = t.p11[i]*a + t.delta*t.p12[i]*b
			*part[1] = t.p12[i]*a + t.p22[i]*b
		}
	}
}
