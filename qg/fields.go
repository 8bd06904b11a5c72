package qg

import (
	"math"
	"slices"
)

// Fields are the fields of one moment on the grid of the model, by layer (0 is
// the upper one): ny rows of nx values each, anomalies about the background.
type Fields struct {
	PV  [2][]float64 // potential vorticity, 1/s
	Psi [2][]float64 // stream function, m2/s
	U   [2][]float64 // eastward velocity, m/s
	V   [2][]float64 // northward velocity, m/s

	model *Model
}

// Fields computes what follows from potential vorticity on the grid.
func (m *Model) Fields(q []float64) *Fields {
	m.checkGrid(q)
	t := m.borrow()
	defer m.giveBack(t)
	n := m.grid.size()
	t.transform(t.q, q[:n], q[n:])
	f := &Fields{model: m}
	for g, to := range [groups][2]*[]float64{
		vorticity: {&f.PV[0], &f.PV[1]}, stream: {&f.Psi[0], &f.Psi[1]},
		upper: {&f.U[0], &f.V[0]}, lower: {&f.U[1], &f.V[1]},
	} {
		first, second := t.evaluate(group(g), t.q)
		*to[0], *to[1] = slices.Clone(first), slices.Clone(second)
	}
	return f
}

// Tendency writes dq/dt at potential vorticity q, random forcing and filter left
// out, to dst: both on the grid of the model, both layers, s-2 and 1/s.
func (m *Model) Tendency(dst, q []float64) {
	m.checkGrid(q)
	m.checkGrid(dst)
	t := m.borrow()
	defer m.giveBack(t)
	n := m.grid.size()
	t.transform(t.q, q[:n], q[n:])
	t.rightSide(t.last, t.q)
	first, second := t.toGrid(t.last[0], t.last[1])
	copy(dst, first)
	copy(dst[n:], second)
}

// PV writes the potential vorticity of state x on the grid of the model to q:
// that of its channels q1 and q2, or, if they are means of blocks of cells, the
// smoothest one that has them.
func (m *Model) PV(q, x []float64) {
	m.checkGrid(q)
	t := m.borrow()
	defer m.giveBack(t)
	m.lift(t.workspace, t.q, x)
	first, second := t.toGrid(t.q[0], t.q[1])
	n := copy(q, first)
	copy(q[n:], second)
}

// Invert writes the potential vorticity of stream functions, m2/s, to q; both on
// the grid, both layers. The means, which say nothing, are ignored.
func (m *Model) Invert(q, psi []float64) {
	m.checkGrid(q)
	m.checkGrid(psi)
	t := m.borrow()
	defer m.giveBack(t)
	n := m.grid.size()
	t.transform(t.q, psi[:n], psi[n:])
	for layer := range t.q {
		t.q[layer].Re[0], t.q[layer].Im[0] = 0, 0
	}
	m.tables.potentialVorticity(t.q)
	first, second := t.toGrid(t.q[0], t.q[1])
	copy(q, first)
	copy(q[n:], second)
}

// Energy is the energy of a moment, of anomalies, for unit mass of the column:
// with w the shares of the layers in the depth,
//
//	kinetic_n = w_n mean(u_n^2 + v_n^2)/2,  potential = w_1 F_1 mean((psi1 - psi2)^2)/2,
//
// and their total is -(w_1 mean(psi1 q1) + w_2 mean(psi2 q2))/2.
type Energy struct {
	Kinetic   [2]float64 // m2/s2
	Potential float64    // m2/s2
	// Enstrophy is w_n mean(q_n^2)/2, s-2.
	Enstrophy [2]float64
}

// Total is the sum of kinetic and potential energy, m2/s2.
func (e Energy) Total() float64 { return e.Kinetic[0] + e.Kinetic[1] + e.Potential }

// Energy sums up the energy.
func (f *Fields) Energy() Energy {
	var e Energy
	t := f.model.tables
	for layer, w := range t.weights {
		e.Kinetic[layer] = w * (meanProduct(f.U[layer], f.U[layer]) + meanProduct(f.V[layer], f.V[layer])) / 2
		e.Enstrophy[layer] = w * meanProduct(f.PV[layer], f.PV[layer]) / 2
	}
	for i, psi := range f.Psi[0] {
		d := psi - f.Psi[1][i]
		e.Potential += d * d
	}
	e.Potential *= t.weights[0] * t.f1 / 2 / float64(len(f.Psi[0]))
	return e
}

// EddyTurnoverTime is 2 pi over the root of the depth-mean of half the squared
// relative vorticity, in s (pyqg's definition, with both layers counted).
func (f *Fields) EddyTurnoverTime() float64 {
	sum := 0.0
	t := f.model.tables
	for layer, w := range t.weights {
		squares := 0.0
		for i, q := range f.PV[layer] {
			stretching := [2]float64{t.f1, t.f2}[layer] * (f.Psi[1-layer][i] - f.Psi[layer][i])
			squares += (q - stretching) * (q - stretching)
		}
		sum += w * squares / float64(len(f.PV[layer])) / 2
	}
	return 2 * math.Pi / math.Sqrt(sum)
}

// Fluxes tells how the flow exchanges energy with an eastward background flow
// u_n of the layers (on the grid, m/s; the model's own is uniform): by momentum
// fluxes, w_n mean(u_n v du/dy), and by heat fluxes,
// w_1 F_1 mean((u_1 - u_2) v2 psi1); m2/s3.
func (f *Fields) Fluxes(u [2][]float64) (lateral [2]float64, vertical float64) {
	m := f.model
	t := m.borrow()
	defer m.giveBack(t)
	t.transform(t.q, f.U[0], f.U[1])
	for layer, z := range t.q {
		for i := range z.Re {
			l := m.grid.ky[i%m.grid.ny]
			z.Re[i], z.Im[i] = -l*z.Im[i], l*z.Re[i]
		}
		t.q[layer] = z
	}
	first, second := t.toGrid(t.q[0], t.q[1])
	for layer, slope := range [2][]float64{first, second} {
		for i, d := range slope {
			lateral[layer] += m.tables.weights[layer] * u[layer][i] * f.V[layer][i] * d / float64(len(slope))
		}
	}
	for i, psi := range f.Psi[0] {
		vertical += (u[0][i] - u[1][i]) * f.V[1][i] * psi
	}
	vertical *= m.tables.weights[0] * m.tables.f1 / float64(len(f.Psi[0]))
	return lateral, vertical
}

func meanProduct(a, b []float64) float64 {
	sum := 0.0
	for i, v := range a {
		sum += v * b[i]
	}
	return sum / float64(len(a))
}
