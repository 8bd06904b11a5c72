package quality

// Superobservations. Values y_j with standard deviations r_j that lie in one cell
// say nearly the same of a field that is smooth on the scale of the cell. Their
// mean with the weights w_j = r_j^-2 / sum r^-2,
//
//	y = sum w_j y_j,   h(x) = sum w_j h_j(x),   r^2 = max(1/sum r_j^-2, (f min r_j)^2),
//
// takes their place. Its operator is the same mean of theirs, so that nothing is
// lost but what differs within the cell, and it is exact where noise is
// independent (f = 0). Noise that neighbours share, such as an error of
// representativeness, does not average out: the share f of the smallest standard
// deviation stays however many values are merged.

import (
	"fmt"
	"math"

	"retrace/dynamics"
	"retrace/observe"
)

// Cells say what is merged.
type Cells struct {
	Size  float64 // of a cell on every axis of coordinates, in its units; above 0
	Floor float64 // share of the smallest standard deviation that stays; in [0, 1]
}

// Superob merges the values of one observation and channel that lie in one cell, if
// their noise is independent and Gaussian: observations of another law stay as they are.
// It returns the sequence with the superobservations behind the observations of
// their state, and its verdicts: those of v, Merged for what has become a part, and
// Accepted for the superobservations. A value alone in its cell stays as it is, as
// do those that have no single place. v and s are not changed.
//
// Cells begin at the first coordinate of an axis; on a periodic axis they are
// widened to fit.
func Superob(v Verdicts, s observe.Sequence, space dynamics.Space, cells Cells) (observe.Sequence, Verdicts) {
	v.fits(s)
	g := &gridder{newPlaces(space), cells}
	var out observe.Sequence
	var verdicts Verdicts
	for k := 0; k < len(s.Observations); {
		state := s.Observations[k].Index
		var made []observe.Observation
		for ; k < len(s.Observations) && s.Observations[k].Index == state; k++ {
			row := append([]Verdict(nil), v[k]...)
			if o, merged := g.merge(row, s.Observations[k]); merged {
				made = append(made, o)
			}
			out.Observations, verdicts = append(out.Observations, s.Observations[k]), append(verdicts, row)
		}
		for _, o := range made {
			out.Observations, verdicts = append(out.Observations, o), append(verdicts, make([]Verdict, len(o.Values)))
		}
	}
	return out, verdicts
}

// gridder sorts values into cells.
type gridder struct {
	*places
	cells Cells
}

// merge makes the superobservations of one observation and marks their parts.
func (g *gridder) merge(verdicts []Verdict, o observe.Observation) (observe.Observation, bool) {
	if o.Law != nil {
		return observe.Observation{}, false
	}
	var order []string
	groups := map[string][]int{}
	labels := observe.Labels(o.Operator)
	for j, place := range g.of(o.Operator) {
		if verdicts[j] != Accepted || !g.definite(place) {
			continue
		}
		cell := g.cell(labels[j], place)
		if groups[cell] == nil {
			order = append(order, cell)
		}
		groups[cell] = append(groups[cell], j)
	}
	op := &weighted{of: o.Operator}
	merged := observe.Observation{Index: o.Index, Operator: op}
	for _, cell := range order {
		parts := groups[cell]
		if len(parts) < 2 {
			continue
		}
		mean := g.mean(o, parts)
		op.means = append(op.means, mean)
		op.labels = append(op.labels, fmt.Sprintf("%s+%d", labels[parts[0]], len(parts)-1))
		value := 0.0
		for i, j := range parts {
			value += mean.weights[i] * o.Values[j]
			verdicts[j] = Merged
		}
		merged.Values, merged.Sd = append(merged.Values, value), append(merged.Sd, mean.sd)
	}
	return merged, len(op.means) > 0
}

// cell names the cell of a place.
func (g *gridder) cell(label string, place []float64) string {
	name := g.channel(label)
	for a, axis := range g.space.Axes {
		if len(axis.Labels) > 0 {
			name += fmt.Sprintf("|%v", place[a])
			continue
		}
		offset, size := place[a]-axis.Coordinates[0], g.cells.Size
		if axis.Period > 0 {
			offset = math.Mod(math.Mod(offset, axis.Period)+axis.Period, axis.Period)
			size = axis.Period / math.Max(1, math.Floor(axis.Period/size))
		}
		name += fmt.Sprintf("|%d", int(math.Floor(offset/size)))
	}
	return name
}

// mean is a weighted mean of some values of an operator.
type mean struct {
	parts   []int
	weights []float64
	sd      float64
}

// mean weighs values by their certainty.
func (g *gridder) mean(o observe.Observation, parts []int) mean {
	m := mean{parts, make([]float64, len(parts)), 0}
	sum, least := 0.0, math.Inf(1)
	for i, j := range parts {
		m.weights[i] = 1 / square(o.Sd[j])
		sum += m.weights[i]
		least = math.Min(least, o.Sd[j])
	}
	for i := range m.weights {
		m.weights[i] /= sum
	}
	m.sd = math.Max(1/math.Sqrt(sum), g.cells.Floor*least)
	return m
}

// weighted sees means of the values of another operator.
type weighted struct {
	of     observe.Operator
	means  []mean
	labels []string
}

func (w *weighted) Size() (state, values int) {
	state, _ = w.of.Size()
	return state, len(w.means)
}

func (w *weighted) Labels() []string { return w.labels }

func (w *weighted) Apply(y, x []float64) {
	_, n := w.of.Size()
	all := make([]float64, n)
	w.of.Apply(all, x)
	for i, m := range w.means {
		y[i] = 0
		for k, j := range m.parts {
			y[i] += m.weights[k] * all[j]
		}
	}
}

func (w *weighted) VJP(dst, x, v []float64) {
	_, n := w.of.Size()
	all := make([]float64, n)
	for i, m := range w.means {
		for k, j := range m.parts {
			all[j] += m.weights[k] * v[i]
		}
	}
	w.of.VJP(dst, x, all)
}

// Locations are the weighted means of those of the parts. Parts of one cell of a
// periodic axis may lie on both sides of its seam: they are averaged relative to
// the first.
func (w *weighted) Locations(space dynamics.Space) [][]float64 {
	all := w.of.(observe.Located).Locations(space)
	places := make([][]float64, len(w.means))
	for i, m := range w.means {
		first := all[m.parts[0]]
		places[i] = append([]float64(nil), first...)
		for a, axis := range space.Axes {
			for k, j := range m.parts {
				places[i][a] += m.weights[k] * shortWay(axis, first[a], all[j][a])
			}
			if axis.Period > 0 {
				start := axis.Coordinates[0]
				places[i][a] = start + math.Mod(math.Mod(places[i][a]-start, axis.Period)+axis.Period, axis.Period)
			}
		}
	}
	return places
}

// shortWay is the signed way from a to b.
func shortWay(axis dynamics.Axis, a, b float64) float64 {
	d := b - a
	if axis.Period > 0 {
		d = math.Remainder(d, axis.Period)
	}
	return d
}
