package qg

import (
	"math"
	"math/rand/v2"

	"retrace/internal/fft"
)

// Initial laws of potential vorticity.
//
// The energetic one is Gaussian: independent Fourier coefficients with the
// amplitude exp(-((K - K0)/W)^2), centred at the scale of eddies, K0 = 0.565/rd
// and W = 0.189/rd (6 and 2 wavelengths in 1000 km for rd = 15 km), scaled to a
// given rms in each layer, without a mean. It reaches the steady state in about a
// year and a half where weak noise has to grow for three. Large scales do not
// depend on the resolution.
//
// pyqg's is q1 = 1e-7 U + 1e-6 U', q2 = 0, U uniform in [0, 1) at every point
// and U' at every column. It is not centred; as there, the mean is kept, for
// ever. (The numbers come from other generators than there.)

// Centre and width of the energetic start, as multiples of 1/rd.
const (
	startCentre = 6 * 2 * math.Pi * 15e3 / 1e6
	startWidth  = startCentre / 3
)

// draw sets q to a draw of the initial law.
func (m *Model) draw(w *workspace, q pair, r *rand.Rand) {
	if m.parameters.Initial == "pyqg" {
		m.drawNoise(w, q, r)
	} else {
		for layer := range q {
			m.drawEddies(q[layer], m.parameters.InitialRms[layer], r)
		}
	}
	m.truncate(q)
}

func (m *Model) drawNoise(w *workspace, q pair, r *rand.Rand) {
	field := make([]float64, m.grid.size())
	for i := range field {
		field[i] = 1e-7 * r.Float64()
	}
	for x := range m.grid.nx {
		column := 1e-6 * r.Float64()
		for y := range m.grid.ny {
			field[y*m.grid.nx+x] += column
		}
	}
	w.transform(q, field, make([]float64, m.grid.size()))
}

// drawEddies draws the spectrum of one layer, wavenumbers in an order that does
// not depend on the resolution.
func (m *Model) drawEddies(q fft.Planes, rms float64, r *rand.Rand) {
	g, rd := m.grid, m.parameters.DeformationRadius
	clear(q.Re)
	clear(q.Im)
	most := (startCentre + 5*startWidth) / rd
	last := func(length float64, n int) int { return min(int(most*length/(2*math.Pi)), n/2-1) }
	sum := 0.0
	set := func(kx, ky int) {
		i := kx*g.ny + (ky+g.ny)%g.ny
		distance := (math.Sqrt(m.tables.k2[i])*rd - startCentre) / startWidth
		amplitude := math.Exp(-distance * distance)
		a, b := amplitude*r.NormFloat64(), amplitude*r.NormFloat64()
		// The phase is that of the first point, which depends on the grid.
		sin, cos := math.Sincos((g.kx[kx]*g.dx() + 2*math.Pi/g.width*float64(ky)*g.dy()) / 2)
		q.Re[i], q.Im[i] = a*cos-b*sin, a*sin+b*cos
		sum += 2 * (q.Re[i]*q.Re[i] + q.Im[i]*q.Im[i])
		if kx == 0 {
			partner := (g.ny - ky) % g.ny
			q.Re[partner], q.Im[partner] = q.Re[i], -q.Im[i]
		}
	}
	for kx := range last(g.lengthX, g.nx) + 1 {
		for n := 1; n <= last(g.width, g.ny); n++ {
			set(kx, n)
			if kx > 0 {
				set(kx, -n)
			}
		}
		if kx > 0 {
			set(kx, 0)
		}
	}
	if sum == 0 {
		return
	}
	scale := rms * float64(g.size()) / math.Sqrt(sum)
	for i := range q.Re {
		q.Re[i] *= scale
		q.Im[i] *= scale
	}
}
