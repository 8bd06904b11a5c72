package qg

import (
	"slices"

	"retrace/dynamics"
)

// derived lists the fields of the flow that a state does not show but that
// follow from it.
func (m *Model) derived() []dynamics.Derived {
	var list []dynamics.Derived
	for _, q := range quantities {
		if slices.ContainsFunc(m.view.channels, func(c quantity) bool { return c.name == q.name }) {
			continue
		}
		list = append(list, dynamics.Derived{
			Name:      q.name,
			Apply:     func(dst, x []float64) { m.observe(dst, x, q) },
			Transpose: func(dst, v []float64) { m.observeTransposed(dst, v, q) },
		})
	}
	return list
}

// observe writes field q of state x to dst.
func (m *Model) observe(dst, x []float64, q quantity) {
	t := m.borrow()
	m.lift(t.workspace, t.q, x)
	first, second := t.evaluate(q.group, t.q)
	m.view.mean(dst, [2][]float64{first, second}[q.part])
	m.giveBack(t)
}

// observeTransposed adds the transpose of observe, applied to v, to dst.
func (m *Model) observeTransposed(dst, v []float64, q quantity) {
	t := m.borrow()
	var pair [2][]float64
	pair[q.part] = v
	t.q.clear()
	m.gather(t, q.group, pair)
	m.liftTransposed(t.workspace, dst, t.q)
	m.giveBack(t)
}
