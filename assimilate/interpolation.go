package assimilate

// Interpolation of the observations, without a model: the baseline that assimilation
// has to beat. Each field (the values of one label, or of one place on all axes of
// labels) is on its own.
//
//   - Where every state observed is seen on a whole lattice (blocks, every n-th cell,
//     all of it), values are interpolated linearly along each axis, then linearly in
//     time; before the first state observed and after the last nothing changes.
//   - Elsewhere (moving cells, tracks, stations, values missing) they are interpolated
//     in space and time at once, by the mean of a Gaussian process whose scales are
//     those of the training trajectories (interpolation_scattered.go): the objective
//     analysis of Gandin (1963).
//   - A field of which nothing is seen follows from the others if the model says so, and
//     is the climatological mean otherwise.

import (
	"context"
	"math"
	"slices"
	"strings"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/observe"
	"retrace/trajectory"
)

// Interpolation is the Method that interpolates observations in space and time. Every
// member is the same trajectory: it does not know how wrong it is. Values enter that
// are the field itself, or a mean of it with weights that sum to one, at a known place;
// what an instrument distorts, and fields that are not part of the state, do not. It
// costs no Evaluations; the note "interpolation" says what became of each field.
type Interpolation struct{}

// determined is a model some of whose channels follow from the others.
type determined interface {
	// Source lists the channels that the others follow from.
	Source() []string
	// Consistent writes the state that follows from the sources in x to dst.
	Consistent(dst, x []float64)
}

// Assimilate implements Method. It is an input error if there are no training
// trajectories, which say what is to be expected where nothing is seen.
func (Interpolation) Assimilate(ctx context.Context, p Problem, progress func(done, total int)) (*Result, error) {
	if p.Training == nil || len(p.Training.Data) == 0 {
		return nil, fault.Inputf("interpolation needs training trajectories, which say what to expect where nothing is seen: there are none")
	}
	if p.Length < 1 || p.Members < 1 {
		return nil, fault.Inputf("interpolation: %d members of %d states: ask for at least one of each", p.Members, p.Length)
	}
	w := newInterpolator(p)
	if err := w.gather(p.Observations); err != nil {
		return nil, err
	}
	for i := range w.fields {
		if err := w.fill(ctx, &w.fields[i]); err != nil {
			return nil, err
		}
		if progress != nil {
			progress(i+1, len(w.fields))
		}
	}
	w.complete(p.Model)
	set := trajectory.New(w.space, p.Model.Clock(), []trajectory.Dimension{{Name: "member", Len: p.Members}}, p.Length)
	for m := range p.Members {
		member := set.Trajectory(m)
		for i, v := range w.states {
			member[i] = float32(v)
		}
	}
	return &Result{Ensemble: set, Notes: map[string]string{"interpolation": w.notes()}}, nil
}

// interpolator is an interpolation at work.
type interpolator struct {
	space    dynamics.Space
	training *trajectory.Set
	length   int
	axes     []dynamics.Axis // of coordinates
	places   [][]float64     // of the cells of a field on them
	fields   []seenField
	states   []float64 // the result: length states
}

// seenField is one field of the state and what is seen of it.
type seenField struct {
	name       string
	key        []float64 // its positions on the axes of labels
	components []int     // in the state, in the order of places
	mean       []float64 // of its cells in the training trajectories
	sd         float64
	seen       []sighting
	how        string
}

// sighting is an observed value.
type sighting struct {
	index     int // state
	place     []float64
	value, sd float64
}

func newInterpolator(p Problem) *interpolator {
	w := &interpolator{space: p.Model.Space(), training: p.Training, length: p.Length}
	var labelled []dynamics.Axis
	for _, a := range w.space.Axes {
		if len(a.Labels) > 0 {
			labelled = append(labelled, a)
		} else {
			w.axes = append(w.axes, a)
		}
	}
	for i := range w.space.Size() {
		key, place := w.split(observe.Location(w.space, i))
		at := slices.IndexFunc(w.fields, func(f seenField) bool { return slices.Equal(f.key, key) })
		if at < 0 {
			at = len(w.fields)
			w.fields = append(w.fields, seenField{name: nameOf(w.space, labelled, key), key: key})
		}
		w.fields[at].components = append(w.fields[at].components, i)
		if at == 0 {
			w.places = append(w.places, place)
		}
	}
	for i := range w.fields {
		w.describe(&w.fields[i])
	}
	w.states = make([]float64, p.Length*w.space.Size())
	return w
}

// split takes the positions on axes of labels out of a location.
func (w *interpolator) split(location []float64) (key, place []float64) {
	for a, axis := range w.space.Axes {
		if len(axis.Labels) > 0 {
			key = append(key, location[a])
		} else {
			place = append(place, location[a])
		}
	}
	return key, place
}

func nameOf(space dynamics.Space, labelled []dynamics.Axis, key []float64) string {
	if len(key) == 0 {
		return space.Variable
	}
	parts := make([]string, len(key))
	for a, k := range key {
		parts[a] = labelled[a].Labels[int(k)]
	}
	return strings.Join(parts, "/")
}

// describe estimates the climatology of a field: the mean of each cell, or, where
// space has no ends and so no place is special, of all of them.
func (w *interpolator) describe(f *seenField) {
	size := w.space.Size()
	f.mean = make([]float64, len(f.components))
	states := len(w.training.Data) / size
	for s := range states {
		for c, i := range f.components {
			f.mean[c] += float64(w.training.Data[s*size+i]) / float64(states)
		}
	}
	if len(w.axes) > 0 && !slices.ContainsFunc(w.axes, func(a dynamics.Axis) bool { return a.Period == 0 }) {
		var all float64
		for _, m := range f.mean {
			all += m / float64(len(f.mean))
		}
		for c := range f.mean {
			f.mean[c] = all
		}
	}
	var square float64
	for s := range states {
		for c, i := range f.components {
			d := float64(w.training.Data[s*size+i]) - f.mean[c]
			square += d * d
		}
	}
	f.sd = math.Sqrt(square / float64(states*len(f.components)))
}

// gather sorts the values that can be interpolated by field. It is an input error if
// nobody knows where an operator looks.
func (w *interpolator) gather(seen observe.Sequence) error {
	for _, o := range seen.Observations {
		located, ok := o.Operator.(observe.Located)
		if !ok {
			return fault.Inputf("interpolation: the operator does not tell where its values were seen; use one of those that do, see: retrace operators")
		}
		plain := w.plain(located)
		for j, location := range located.Locations(w.space) {
			if math.IsNaN(o.Values[j]) || !plain[j] {
				continue
			}
			key, place := w.split(location)
			f := &w.fields[slices.IndexFunc(w.fields, func(f seenField) bool { return slices.Equal(f.key, key) })]
			f.seen = append(f.seen, sighting{o.Index, place, o.Values[j], o.Sd[j]})
		}
	}
	return nil
}

// plain tells which values of an operator are the field itself where they were seen:
// of two flat states, they are the level of their field.
func (w *interpolator) plain(op observe.Located) []bool {
	_, n := op.Size()
	is := make([]bool, n)
	locations := op.Locations(w.space)
	x, y := make([]float64, w.space.Size()), make([]float64, n)
	for i := range is {
		is[i] = !slices.ContainsFunc(locations[i], math.IsNaN)
	}
	for _, side := range []float64{1, -2} {
		for _, f := range w.fields {
			for _, i := range f.components {
				x[i] = side * max(f.sd, math.SmallestNonzeroFloat64)
			}
		}
		op.Apply(y, x)
		for j := range is {
			if !is[j] {
				continue
			}
			key, _ := w.split(locations[j])
			at := slices.IndexFunc(w.fields, func(f seenField) bool { return slices.Equal(f.key, key) })
			is[j] = at >= 0 && math.Abs(y[j]-side*w.fields[at].sd) <= 1e-6*w.fields[at].sd
		}
	}
	return is
}

// fill makes the trajectory of a field.
func (w *interpolator) fill(ctx context.Context, f *seenField) error {
	if len(f.seen) == 0 {
		f.how = "climatological mean"
		w.write(f, func(_, c int) float64 { return f.mean[c] })
		return nil
	}
	if lattices := w.lattices(f.seen); lattices != nil {
		f.how = "linearly from a lattice"
		w.fromLattices(f, lattices)
		return nil
	}
	f.how = "by a Gaussian process"
	return w.fromScattered(ctx, f)
}

// write sets the values of a field at every state and cell.
func (w *interpolator) write(f *seenField, value func(t, c int) float64) {
	size := w.space.Size()
	for t := range w.length {
		for c, i := range f.components {
			w.states[t*size+i] = value(t, c)
		}
	}
}

// complete fills fields of which nothing is seen from those that determine them.
func (w *interpolator) complete(model dynamics.Model) {
	m, ok := model.(determined)
	if !ok {
		return
	}
	source := m.Source()
	unseen := false
	for _, f := range w.fields {
		if len(f.seen) == 0 && slices.Contains(source, f.name) {
			return
		}
		unseen = unseen || len(f.seen) == 0
	}
	if !unseen {
		return
	}
	size := w.space.Size()
	whole := make([]float64, size)
	for t := range w.length {
		state := w.states[t*size : (t+1)*size]
		m.Consistent(whole, state)
		for k := range w.fields {
			f := &w.fields[k]
			if len(f.seen) > 0 {
				continue
			}
			f.how = "from " + strings.Join(source, ", ")
			for _, i := range f.components {
				state[i] = whole[i]
			}
		}
	}
}

// notes says what became of each field, at most a few of them.
func (w *interpolator) notes() string {
	const most = 12
	var parts []string
	for i, f := range w.fields {
		if i == most {
			parts = append(parts, "and so on")
			break
		}
		parts = append(parts, f.name+" "+f.how)
	}
	return strings.Join(parts, "; ")
}
