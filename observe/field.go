package observe

// Observations of fields. A state of fields has an axis of labels, its
// channels, and then axes of coordinates, on whose points each channel is a
// field f; a state without an axis of labels is one field. An instrument sees
// each field at a number of locations, through weights on cells, and responds
// linearly or levels off:
//
//	y = r(sum_i w_i f_i),  r(z) = z  or  r(z) = z/(1 + |z|/s),  r'(z) = 1/(1 + |z|/s)^2.
//
// Besides channels, fields that follow linearly from the state can be seen
// (dynamics.Derived), such as the stream function of a potential vorticity.

import (
	"math"
	"slices"
	"strings"
	"sync"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/strict"
)

// Fields says which fields are seen and how the instrument responds: the
// parameters that all observations of fields share.
type Fields struct {
	Channels   []string       `toml:"channels" doc:"fields seen: channels of the state, or fields that follow from it, such as \"psi1\" (default: every channel)"`
	Saturation strict.Numbers `toml:"saturation" doc:"level s at which the response z/(1+|z|/s) bends, in units of the field: one for all, or one for each field; nothing for a linear response"`
}

// source is where a field comes from.
type source struct {
	name     string
	position float64 // on the axis of labels; NaN if it is not there
	offset   int     // of a channel in the state
	derived  *dynamics.Derived
	level    float64 // of saturation; 0 for none
}

// fieldAxes splits the axes of a space: the labels of its channels, nil if it is
// one field, and the axes of a field.
func fieldAxes(space dynamics.Space) (channels []string, axes []dynamics.Axis) {
	if len(space.Axes) > 1 && len(space.Axes[0].Labels) > 0 {
		return space.Axes[0].Labels, space.Axes[1:]
	}
	return nil, space.Axes
}

// sources resolves the fields that are seen.
func (f Fields) sources(space dynamics.Space) ([]source, error) {
	labels, axes := fieldAxes(space)
	if len(axes) == 0 || slices.ContainsFunc(axes, func(a dynamics.Axis) bool { return len(a.Coordinates) == 0 }) {
		return nil, fault.Inputf("channels: the states have no field on axes of coordinates; their axes are %s", strings.Join(axisNames(space), ", "))
	}
	n := cellsOf(axes)
	var all []source
	for i, label := range labels {
		all = append(all, source{name: label, position: float64(i), offset: i * n})
	}
	if labels == nil {
		all = []source{{name: space.Variable}}
	}
	chosen := slices.Clone(all)
	for i := range space.Derived {
		all = append(all, source{name: space.Derived[i].Name, position: math.NaN(), derived: &space.Derived[i]})
	}
	if len(f.Channels) > 0 {
		if err := checkLabels("channels", f.Channels); err != nil {
			return nil, err
		}
		chosen = nil
		for _, name := range f.Channels {
			at := slices.IndexFunc(all, func(s source) bool { return s.name == name })
			if at < 0 {
				return nil, unknown("channels", name, sourceNames(all))
			}
			chosen = append(chosen, all[at])
		}
	}
	return chosen, f.saturate(chosen)
}

// saturate sets the levels of fields.
func (f Fields) saturate(sources []source) error {
	levels := f.Saturation
	if len(levels) == 0 {
		return nil
	}
	if len(levels) != 1 && len(levels) != len(sources) {
		return fault.Inputf("saturation: %d levels for %d fields: give one, or one for each field", len(levels), len(sources))
	}
	for i := range sources {
		level := levels[i%len(levels)]
		if !(level > 0) || math.IsInf(level, 0) {
			return fault.Inputf("saturation: %v is not greater than 0: give the level at which the response bends", level)
		}
		sources[i].level = level
	}
	return nil
}

func sourceNames(sources []source) []string {
	names := make([]string, len(sources))
	for i, s := range sources {
		names[i] = s.name
	}
	return names
}

// cellsOf is the number of points on axes.
func cellsOf(axes []dynamics.Axis) int {
	n := 1
	for _, a := range axes {
		n *= a.Len()
	}
	return n
}

// location is a place at which fields are seen: weights on cells of a field.
type location struct {
	cells   []int
	weights []float64
	place   []float64 // coordinate on each axis of a field
}

// fieldOperator sees some fields at some locations. Value c*len(locations)+l of
// all is field c at location l; seen lists, in order, the values that are seen.
type fieldOperator struct {
	size, cells int
	sources     []source
	channelled  bool // the space has an axis of labels
	locations   []location
	seen        []int
	labels      []string // of the values seen
	scratch     *sync.Pool
}

func newFieldOperator(space dynamics.Space, sources []source, locations []location) *fieldOperator {
	channels, axes := fieldAxes(space)
	f := &fieldOperator{
		size: space.Size(), cells: cellsOf(axes), sources: sources, channelled: channels != nil, locations: locations,
		seen: count(len(sources) * len(locations)),
	}
	f.scratch = &sync.Pool{New: func() any { return new(make([]float64, f.cells)) }}
	f.labels = make([]string, 0, len(f.seen))
	for _, s := range sources {
		for _, l := range locations {
			f.labels = append(f.labels, f.label(s, l))
		}
	}
	return f
}

// label names the value of a field at a location like the component of a state.
func (f *fieldOperator) label(s source, l location) string {
	parts := make([]string, 0, len(l.place)+1)
	if f.channelled {
		parts = append(parts, s.name)
	}
	for _, c := range l.place {
		parts = append(parts, formatPosition(c))
	}
	return strings.Join(parts, "/")
}

func (f *fieldOperator) Size() (state, values int) { return f.size, len(f.seen) }

func (f *fieldOperator) Labels() []string { return f.labels }

// restrict is the operator that sees some of the values only.
func (f *fieldOperator) restrict(values []int) Operator {
	r := *f
	r.seen, r.labels = make([]int, len(values)), make([]string, len(values))
	for j, value := range values {
		r.seen[j], r.labels[j] = f.seen[value], f.labels[value]
	}
	return &r
}

// groups tells the field of each value, and the number of fields: standard
// deviations may be given field by field.
func (f *fieldOperator) groups() (group []int, fields int) {
	group = make([]int, len(f.seen))
	for j, value := range f.seen {
		group[j] = value / len(f.locations)
	}
	return group, len(f.sources)
}

func (f *fieldOperator) Locations(dynamics.Space) [][]float64 {
	places := make([][]float64, len(f.seen))
	for j, value := range f.seen {
		s, l := f.sources[value/len(f.locations)], f.locations[value%len(f.locations)]
		if f.channelled {
			places[j] = append(places[j], s.position)
		}
		places[j] = append(places[j], l.place...)
	}
	return places
}

func (f *fieldOperator) Apply(y, x []float64) {
	f.each(x, func(s source, field []float64, first, last int) {
		for j := first; j < last; j++ {
			y[j] = respond(f.linear(field, j), s.level)
		}
	})
}

// each visits the values field by field: those from first to last-1 are of the
// source.
func (f *fieldOperator) each(x []float64, visit func(s source, field []float64, first, last int)) {
	for first := 0; first < len(f.seen); {
		c := f.seen[first] / len(f.locations)
		last := first
		for last < len(f.seen) && f.seen[last]/len(f.locations) == c {
			last++
		}
		s := f.sources[c]
		if s.derived == nil {
			visit(s, x[s.offset:s.offset+f.cells], first, last)
		} else {
			buffer := f.scratch.Get().(*[]float64)
			s.derived.Apply(*buffer, x)
			visit(s, *buffer, first, last)
			f.scratch.Put(buffer)
		}
		first = last
	}
}

// linear is value j before the response.
func (f *fieldOperator) linear(field []float64, j int) float64 {
	l := &f.locations[f.seen[j]%len(f.locations)]
	sum := 0.0
	for k, cell := range l.cells {
		sum += l.weights[k] * field[cell]
	}
	return sum
}

func respond(z, level float64) float64 {
	if level == 0 {
		return z
	}
	return z / (1 + math.Abs(z)/level)
}

func respondSlope(z, level float64) float64 {
	if level == 0 {
		return 1
	}
	bend := 1 + math.Abs(z)/level
	return 1 / (bend * bend)
}

func (f *fieldOperator) VJP(dst, x, v []float64) {
	clear(dst)
	f.each(x, func(s source, field []float64, first, last int) {
		if s.derived == nil {
			f.pull(dst[s.offset:s.offset+f.cells], field, v, s, first, last)
			return
		}
		buffer := f.scratch.Get().(*[]float64)
		clear(*buffer)
		f.pull(*buffer, field, v, s, first, last)
		s.derived.Transpose(dst, *buffer)
		f.scratch.Put(buffer)
	})
}

// pull adds the cotangents of the values from first to last-1 to those of a
// field.
func (f *fieldOperator) pull(dst, field, v []float64, s source, first, last int) {
	for j := first; j < last; j++ {
		g := v[j]
		if s.level != 0 {
			g *= respondSlope(f.linear(field, j), s.level)
		}
		l := &f.locations[f.seen[j]%len(f.locations)]
		for k, cell := range l.cells {
			dst[cell] += g * l.weights[k]
		}
	}
}
