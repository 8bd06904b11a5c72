package qg

import "math/rand/v2"

// The energy E = -sum_n w_n mean(psi_n q_n)/2 changes at the rate
//
//	dE/dt = background + forcing - drag - filter
//	background = -sum_n w_n U_n mean(v_n (q_n + f h_n/H_n))
//	forcing    = -sum_n w_n mean(psi_n f_n), and the rate of random forcing
//	drag       = w_2 r mean(u2^2 + v2^2)
//	filter     = (E before the filter - E after it)/dt
//
// since advection conserves it. Without topography the first is the conversion
// from the available potential energy of the shear, w_1 F_1 (U1-U2) mean(psi1 v2).

// Budget is where the energy of a stretch of a trajectory came from and went, in
// m2/s3 for unit mass of the column, in the mean over its time steps.
type Budget struct {
	Background float64 // from the background flow
	Forcing    float64 // from constant tendencies, such as wind
	Noise      float64 // from random forcing, as the draws made it
	Drag       float64 // to bottom drag
	Filter     float64 // to the small-scale filter
	Change     float64 // of the energy
}

// Residual is what the terms leave open: the error of the time steps.
func (b Budget) Residual() float64 {
	return b.Background + b.Forcing + b.Noise - b.Drag - b.Filter - b.Change
}

// Budget moves a trajectory on by a number of time steps, drawing from r, and
// accounts for its energy. It costs about twice as much as the steps alone.
func (s *Simulation) Budget(steps int, r *rand.Rand) Budget {
	m, w := s.model, s.work
	every := make([]float64, m.grid.half())
	for i := range every {
		every[i] = 1
	}
	s.settle()
	var b Budget
	start := m.energy(s.q)
	before := start
	for range steps {
		m.addPower(&b, w, s.q)
		w.derive(s.q)
		w.addTopography()
		w.fluxes()
		w.update(&s.multistep, m.dt, every)
		unfiltered := m.energy(s.q)
		s.q.scale(m.tables.filter)
		filtered := m.energy(s.q)
		m.kick(w, s.q, r)
		before = m.energy(s.q)
		b.Filter += (unfiltered - filtered) / m.dt
		b.Noise += (before - filtered) / m.dt
	}
	s.prepare()
	n := float64(steps)
	return Budget{
		Background: b.Background / n, Forcing: b.Forcing / n, Noise: b.Noise / n,
		Drag: b.Drag / n, Filter: b.Filter / n, Change: (before - start) / (n * m.dt),
	}
}

// energy is the energy of spectra of potential vorticity.
func (m *Model) energy(q pair) float64 {
	t := m.tables
	return -m.spectralMean(func(i int) float64 {
		sum := 0.0
		for _, part := range [2][2]float64{{q[0].Re[i], q[1].Re[i]}, {q[0].Im[i], q[1].Im[i]}} {
			psi1 := t.p11[i]*part[0] + t.p12[i]*part[1]
			psi2 := t.delta*t.p12[i]*part[0] + t.p22[i]*part[1]
			sum += t.weights[0]*psi1*part[0] + t.weights[1]*psi2*part[1]
		}
		return sum
	}) / 2
}

// spectralMean is the mean over the grid of a product whose values at the
// wavenumbers of a half spectrum are given.
func (m *Model) spectralMean(product func(i int) float64) float64 {
	n := float64(m.grid.size())
	sum := 0.0
	for kx := range m.grid.kx {
		row, _ := m.grid.row(kx)
		part := 0.0
		for i := row; i < row+m.grid.ny; i++ {
			part += product(i)
		}
		sum += m.grid.weight(kx) * part
	}
	return sum / (n * n)
}

// addPower adds the power of background, constant tendencies and drag.
func (m *Model) addPower(b *Budget, w *workspace, q pair) {
	t := m.tables
	psi := w.borrow()
	defer w.giveBack(psi)
	psi.copyFrom(q)
	t.streamFunction(psi)
	for layer, weight := range t.weights {
		b.Background -= weight * t.background[layer] * m.spectralMean(func(i int) float64 {
			re, im := q[layer].Re[i], q[layer].Im[i]
			if layer == 1 && t.topography.Re != nil {
				re, im = re+t.topography.Re[i], im+t.topography.Im[i]
			}
			// The real part of conj(i kx psi) q.
			return m.grid.kx[i/m.grid.ny] * (psi[layer].Re[i]*im - psi[layer].Im[i]*re)
		})
		if f := t.forcing[layer]; f.Re != nil {
			b.Forcing -= weight * m.spectralMean(func(i int) float64 {
				return psi[layer].Re[i]*f.Re[i] + psi[layer].Im[i]*f.Im[i]
			})
		}
	}
	b.Drag += t.weights[1] * t.drag * m.spectralMean(func(i int) float64 {
		return t.k2[i] * (psi[1].Re[i]*psi[1].Re[i] + psi[1].Im[i]*psi[1].Im[i])
	})
}
