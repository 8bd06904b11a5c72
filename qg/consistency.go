package qg

// A state that shows more than q1 and q2 says the same thing several times: stream
// function and velocities follow from potential vorticity. A trajectory that was not
// made by the model, such as a sample of a learnt prior, need not know that.

// Source lists the channels that all the others follow from.
func (m *Model) Source() []string { return []string{"q1", "q2"} }

// Consistent writes to dst the state that has the potential vorticity of state x and
// in every channel what follows from it. Of means over blocks of cells the smooth
// field that has them is taken, so that even states of the model differ a little:
// by 4 % and 0.3 % of the velocities of the two layers at 2 x 2 cells of 256 x 256.
func (m *Model) Consistent(dst, x []float64) {
	t := m.borrow()
	defer m.giveBack(t)
	m.lift(t.workspace, t.q, x)
	m.emit(t.workspace, dst, t.q)
}

// Quantity is the kind of field that a channel of the state is, and its units.
// Channels of one kind can share a scale of colours.
func (m *Model) Quantity(channel int) (name, units string) {
	q := m.view.channels[channel]
	name = map[group]string{vorticity: "potential vorticity", stream: "stream function", upper: "velocity", lower: "velocity"}[q.group]
	return name, q.units
}

// EnergyParts names the parts that Energies gives, and their units.
func (m *Model) EnergyParts() (names []string, units string) {
	return []string{"kinetic, layer 1", "kinetic, layer 2", "available potential"}, "m2 s-2"
}

// Energies writes the parts of the energy of a state, for unit mass of the column,
// to dst; see [Energy].
func (m *Model) Energies(dst, x []float64) {
	q := make([]float64, 2*m.grid.size())
	m.PV(q, x)
	e := m.Fields(q).Energy()
	dst[0], dst[1], dst[2] = e.Kinetic[0], e.Kinetic[1], e.Potential
}

// UnitsOf are the units of a field of the flow by its name, whether or not the state shows
// it; "" for names that there are not.
func (m *Model) UnitsOf(field string) string {
	for _, q := range quantities {
		if q.name == field {
			return q.units
		}
	}
	return ""
}
