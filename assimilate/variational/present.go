package variational

import (
	"math"

	"retrace/observe"
)

// present is what is there of the observations of one state: the values that are
// not missing, in units of their standard deviations. It owns scratch space and
// does not allocate.
type present struct {
	count       int
	innovations []float64 // (y - h(x))/sd
	rows        []float64 // of the Jacobian of h/sd at x, count x size

	size                  int
	predicted, unit, pull []float64
}

// newPresent makes room for the largest state's observations of a sequence.
func newPresent(s observe.Sequence, size int) *present {
	most, single := mostPresent(s)
	return &present{
		innovations: make([]float64, most), rows: make([]float64, most*size), size: size,
		predicted: make([]float64, single), unit: make([]float64, single),
		pull: make([]float64, size),
	}
}

// mostPresent is the largest number of values of one state, and of one
// observation.
func mostPresent(s observe.Sequence) (most, single int) {
	index, count := -1, 0
	for _, o := range s.Observations {
		if o.Index != index {
			index, count = o.Index, 0
		}
		count += len(o.Values)
		most, single = max(most, count), max(single, len(o.Values))
	}
	return most, single
}

// compare sets the innovations of state x.
func (h *present) compare(seen []observe.Observation, x []float64) {
	h.count = 0
	for _, o := range seen {
		predicted := h.predicted[:len(o.Values)]
		o.Operator.Apply(predicted, x)
		for j, y := range o.Values {
			if !math.IsNaN(y) {
				h.innovations[h.count] = (y - predicted[j]) / o.Sd[j]
				h.count++
			}
		}
	}
}

// linearise sets the rows at state x, and reports whether they changed.
func (h *present) linearise(seen []observe.Observation, x []float64) (changed bool) {
	h.count = 0
	for _, o := range seen {
		unit := h.unit[:len(o.Values)]
		clear(unit)
		for j, y := range o.Values {
			if math.IsNaN(y) {
				continue
			}
			unit[j] = 1 / o.Sd[j]
			o.Operator.VJP(h.pull, x, unit)
			unit[j] = 0
			row := h.row(h.count)
			for i, v := range h.pull {
				changed = changed || row[i] != v
				row[i] = v
			}
			h.count++
		}
	}
	return changed
}

func (h *present) row(k int) []float64 { return h.rows[k*h.size : (k+1)*h.size] }

// cost is half the sum of squares of the innovations.
func (h *present) cost() float64 {
	d := h.innovations[:h.count]
	return dot(d, d) / 2
}
