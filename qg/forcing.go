package qg

import (
	"math"
	"math/rand/v2"

	"retrace/internal/fft"
)

// Random forcing adds to the potential vorticity of the upper layer, after every
// time step, independent Gaussian amounts in a ring of wavenumbers. Their
// variance is proportional to the time step, so that the power does not depend
// on it: noise of q1 with the variance s(k)^2 dt at each wavenumber of a whole
// spectrum raises the energy of the column, -w1 mean(psi1 q1)/2, by
//
//	rate dt = -w1/2 sum_k p11(k) s(k)^2 dt,
//
// whatever the flow, in the mean over draws. All wavenumbers of the ring have
// the same s.

// ring holds the forced wavenumbers.
type ring struct {
	elements []int   // of a half spectrum
	partners []int   // element of the opposite wavenumber, or -1 if the half does not hold it
	sd       float64 // of the real and of the imaginary part at one wavenumber after a second
}

// newRing returns the forcing of a rate of energy input; nil if no wavenumber of
// the grid lies in the ring.
func newRing(p *TwoLayer, g *grid, t *tables) *ring {
	unit := 2 * math.Pi / p.LengthX
	r := &ring{}
	sum := 0.0
	for kx, k := range g.kx {
		row, _ := g.row(kx)
		for j, l := range g.ky {
			i := row + j
			inside := math.Abs(math.Sqrt(k*k+l*l)/unit-p.ForcingWavenumber) <= p.ForcingWidth
			nyquist := kx == g.nx/2 || j == g.ny/2
			if !inside || nyquist || t.k2[i] == 0 || t.filter[i] == 0 || kx == 0 && l < 0 {
				continue
			}
			partner := -1
			if kx == 0 {
				partner = row + fft.Partner(j, g.ny)
			}
			r.elements, r.partners = append(r.elements, i), append(r.partners, partner)
			sum -= 2 * t.p11[i] // the wavenumber and its opposite
		}
	}
	if len(r.elements) == 0 {
		return nil
	}
	variance := p.ForcingRate / (t.weights[0] / 2 * sum)
	r.sd = math.Sqrt(variance/2) * float64(g.size())
	return r
}

// kick adds the random forcing of a time step to q, and sets the spectra of w
// for the next step.
func (m *Model) kick(w *workspace, q pair, r *rand.Rand) {
	if m.tables.ring == nil {
		return
	}
	scale := m.tables.ring.sd * math.Sqrt(m.dt)
	for n, i := range m.tables.ring.elements {
		re, im := scale*r.NormFloat64(), scale*r.NormFloat64()
		q[0].Re[i] += re
		q[0].Im[i] += im
		if partner := m.tables.ring.partners[n]; partner >= 0 {
			q[0].Re[partner] += re
			q[0].Im[partner] -= im
		}
	}
	w.derive(q)
	w.addTopography()
}

// setForcing fills in the tables of wind, other constant tendencies, topography
// and random forcing.
//
// An eastward wind stress A cos(l y) has the curl A l sin(l y), which changes
// the potential vorticity of the upper layer at that rate over density and
// thickness. A bottom of height h adds f h/H2 to that of the lower layer.
func (m *Model) setForcing() {
	p, w := &m.parameters, newWorkspace(m.grid, m.tables)
	if p.WindStress != 0 || p.Tendency[0] != nil || p.Tendency[1] != nil {
		l := 2 * math.Pi * float64(p.WindWaves) / p.LengthY
		curl := m.field(p.Tendency[0], func(_, y float64) float64 {
			return p.WindStress * l * math.Sin(l*y) / (density * p.Thickness)
		})
		m.tables.forcing = m.grid.newPair()
		w.transform(m.tables.forcing, curl, m.field(p.Tendency[1], nil))
	}
	if p.HillHeight != 0 || p.Topography != nil {
		k := 2 * math.Pi * float64(p.HillsX) / p.LengthX
		l := 2 * math.Pi * float64(p.HillsY) / p.LengthY
		height := m.field(p.Topography, func(x, y float64) float64 {
			return p.HillHeight * math.Cos(k*x) * math.Cos(l*y)
		})
		for i := range height {
			height[i] *= p.Coriolis * p.ThicknessRatio / p.Thickness
		}
		both := m.grid.newPair()
		w.transform(both, height, nil)
		m.tables.topography = both[0]
	}
}

// field returns a field on the grid: the values given, if any, plus those of a
// function of the coordinates.
func (m *Model) field(values []float64, f func(x, y float64) float64) []float64 {
	field := make([]float64, m.grid.size())
	copy(field, values)
	if f == nil {
		return field
	}
	for i := range field {
		x := (float64(i%m.grid.nx) + 0.5) * m.grid.dx()
		y := (float64(i/m.grid.nx) + 0.5) * m.grid.dy()
		field[i] += f(x, y)
	}
	return field
}
