package obsseq

// From an observation sequence to observations of a model. A time of d days and s
// seconds is at
//
//	t = (86400 (d - d0) + s - s0)/u
//
// of the model, u being the seconds in a unit of its time, and must be that of a
// state. A place must be that of a component:
//
//	loc1d        the share of the only axis: of its period, its number of labels or
//	             its extent
//	loc2s/loc3d  longitude and latitude, in degrees on the axes whose names begin with
//	             "lon" and "lat"; the vertical coordinate of loc3d on another axis of
//	             coordinates
//
// and on an axis of labels beside those, the type of the observation says which.

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/strict"
	"retrace/observe"
)

// Mapping says how the observations of a file become those of a model.
type Mapping struct {
	Copy          string            // name of the copy that is the value; "" for the first
	Unit          float64           // seconds of the file in a unit of model time; above 0
	Days, Seconds int               // of the file at model time 0
	Labels        map[string]string // label of the state for a type; a type without one is its own label
	// Worst is the greatest value of a quality control with which an observation is
	// good; 0 in the files of most providers. "DART quality control", which tells of
	// another assimilation, does not count.
	Worst float64
	// Nearest takes an observation between two components for the nearer one.
	Nearest bool
	// Merge joins several values of one component of one state to their mean,
	// weighted by 1/variance. Without it they are an error, unless they are equal.
	Merge bool
}

// Tally is what became of the observations of a file.
type Tally struct {
	Values    int // to assimilate
	Missing   int
	Flagged   int // by a quality control
	Repeated  int // equal to another one
	Merged    int // joined with another one
	Displaced int // taken for the nearest component
}

// dartControl is the name of the control that DART's filter writes.
const dartControl = "DART quality control"

// Convert makes the observations of a model out of those of the file. target.Operator
// is not used; the timeline says which states there are. Everything that does not fit
// is reported with its line, the first 20 faults together, as an input error.
func (f *File) Convert(target observe.Target, m Mapping) (observe.Sequence, Tally, error) {
	c := &converter{file: f, target: target, mapping: m, values: map[[2]int]value{}}
	if err := c.prepare(); err != nil {
		return observe.Sequence{}, Tally{}, err
	}
	var errs []error
	for i := range f.Observations {
		o := &f.Observations[i]
		if err := c.add(o); err != nil {
			errs = append(errs, fault.Input(&SyntaxError{f.Name, o.Line, err}))
		}
		if len(errs) == 20 {
			break
		}
	}
	if len(errs) > 0 {
		return observe.Sequence{}, c.tally, errors.Join(errs...)
	}
	return c.sequence(), c.tally, nil
}

// value is what is known of a component of a state.
type value struct {
	line         int
	mean, weight float64 // weight 1/variance; mean NaN if missing
}

// sd is the standard deviation; NaN if it cannot be one, which only a value that is
// missing may have.
func (v value) sd() float64 {
	sd := 1 / math.Sqrt(v.weight)
	if !(sd > 0) || math.IsInf(sd, 0) {
		return math.NaN()
	}
	return sd
}

type converter struct {
	file    *File
	target  observe.Target
	mapping Mapping
	copy    int
	places  [][]float64 // of the components
	spacing []float64   // of the points of each axis
	chosen  int         // the axis of labels that types choose from; -1 if none
	values  map[[2]int]value
	tally   Tally
}

// prepare checks the mapping.
func (c *converter) prepare() error {
	if !(c.mapping.Unit > 0) || math.IsInf(c.mapping.Unit, 0) {
		return fault.Inputf("%s: a unit of model time of %v s: give a number above 0", c.file.Name, c.mapping.Unit)
	}
	if len(c.file.Copies) == 0 {
		return fault.Inputf("%s: observations have no value: num_copies is 0", c.file.Name)
	}
	if c.mapping.Copy != "" {
		if c.copy = slices.Index(c.file.Copies, c.mapping.Copy); c.copy < 0 {
			return fault.Inputf("%s: there is no copy %q; there are %q", c.file.Name, c.mapping.Copy, c.file.Copies)
		}
	}
	space := c.target.Space
	c.places = make([][]float64, space.Size())
	for i := range c.places {
		c.places[i] = observe.Location(space, i)
	}
	c.chosen = -1
	for a, axis := range space.Axes {
		c.spacing = append(c.spacing, spacing(axis))
		if len(axis.Labels) > 0 && len(space.Axes) > 1 {
			c.chosen = a
		}
	}
	return nil
}

// add takes one observation in.
func (c *converter) add(o *Observation) error {
	seconds := 86400*float64(o.Days-c.mapping.Days) + float64(o.Seconds-c.mapping.Seconds)
	state, err := c.target.Timeline.Index(seconds / c.mapping.Unit)
	if err != nil {
		return err
	}
	component, err := c.component(o)
	if err != nil {
		return err
	}
	now := value{o.Line, o.Copies[c.copy], 1 / o.Variance}
	switch {
	case c.flagged(o):
		c.tally.Flagged++
		now.mean = math.NaN()
	case math.IsNaN(now.mean):
		c.tally.Missing++
	case o.Variance <= 0 || math.IsInf(now.weight, 0):
		return errors.New("the variance of the noise is 0: a value without noise cannot be assimilated")
	}
	return c.put([2]int{state, component}, now)
}

// put stores a value, or joins it with one that is there.
func (c *converter) put(key [2]int, now value) error {
	before, there := c.values[key]
	switch {
	case !there || math.IsNaN(before.mean):
		c.values[key] = now
	case math.IsNaN(now.mean):
	case now.mean == before.mean && now.weight == before.weight:
		c.tally.Repeated++
	case c.mapping.Merge:
		weight := before.weight + now.weight
		c.values[key] = value{before.line, (before.mean*before.weight + now.mean*now.weight) / weight, weight}
		c.tally.Merged++
	default:
		return fmt.Errorf("%s was observed at this time already, on line %d: ask for such values to be merged",
			observe.ComponentLabels(c.target.Space)[key[1]], before.line)
	}
	return nil
}

// flagged reports whether a quality control calls the observation bad.
func (c *converter) flagged(o *Observation) bool {
	for i, x := range o.Controls {
		if c.file.Controls[i] != dartControl && !(x <= c.mapping.Worst) {
			return true
		}
	}
	return false
}

// placeTolerance is how far a place may be from a component, as a share of the
// distance to the next: wide enough for places printed with a few digits.
const placeTolerance = 1e-3

// component finds what was observed.
func (c *converter) component(o *Observation) (int, error) {
	if o.Type == "" {
		if o.State > len(c.places) {
			return 0, fmt.Errorf("component %d of the state was observed: it has %d", o.State, len(c.places))
		}
		return o.State - 1, nil
	}
	place, err := c.place(o)
	if err != nil {
		return 0, err
	}
	nearest, least := 0, math.Inf(1)
	for i, other := range c.places {
		if d := c.distance(place, other); d < least {
			nearest, least = i, d
		}
	}
	if least > placeTolerance {
		if !c.mapping.Nearest {
			return 0, fmt.Errorf("there is no component at %.8v, the nearest is %s: ask for the nearest to be taken", o.Place.Coordinates, observe.ComponentLabels(c.target.Space)[nearest])
		}
		c.tally.Displaced++
	}
	return nearest, nil
}

// distance is how far places are apart, each axis in units of its spacing.
func (c *converter) distance(a, b []float64) float64 {
	sum := 0.0
	for i, axis := range c.target.Space.Axes {
		d := observe.Distance(axis, a[i], b[i]) / c.spacing[i]
		if i == c.chosen && d != 0 {
			return math.Inf(1)
		}
		sum += d * d
	}
	return math.Sqrt(sum)
}

// spacing is the mean distance of the points of an axis; 1 for labels, and where
// there is one point.
func spacing(axis dynamics.Axis) float64 {
	n := len(axis.Coordinates)
	switch {
	case n < 2:
		return 1
	case axis.Period > 0:
		return axis.Period / float64(n)
	}
	return math.Abs(axis.Coordinates[n-1]-axis.Coordinates[0]) / float64(n-1)
}

// place is that of an observation on the axes of the space.
func (c *converter) place(o *Observation) ([]float64, error) {
	axes := c.target.Space.Axes
	place, own := make([]float64, len(axes)), len(axes) // axes that its place is on
	if c.chosen >= 0 {
		at, err := c.label(o.Type)
		if err != nil {
			return nil, err
		}
		place[c.chosen] = float64(at)
		own--
	}
	for a, axis := range axes {
		if a == c.chosen {
			continue
		}
		x, err := o.Place.on(axis, own)
		if err != nil {
			return nil, err
		}
		place[a] = x
	}
	return place, nil
}

// label finds the label of a type.
func (c *converter) label(kind string) (int, error) {
	label, given := c.mapping.Labels[kind]
	if !given {
		label = kind
	}
	labels := c.target.Space.Axes[c.chosen].Labels
	at := slices.Index(labels, label)
	if at < 0 {
		return 0, fmt.Errorf("the type %s is not matched with a label of the state: %s", kind, strict.Suggestion(label, labels))
	}
	return at, nil
}

// on is the coordinate on one of n axes.
func (p Place) on(axis dynamics.Axis, n int) (float64, error) {
	if p.Kind == "loc1d" {
		if n != 1 {
			return 0, fmt.Errorf("a place on one axis, in a state of %d axes", n)
		}
		share := p.Coordinates[0]
		switch {
		case len(axis.Labels) > 0:
			return share * float64(len(axis.Labels)), nil
		case axis.Period > 0:
			return axis.Coordinates[0] + share*axis.Period, nil
		}
		return axis.Coordinates[0] + share*(axis.Coordinates[len(axis.Coordinates)-1]-axis.Coordinates[0]), nil
	}
	const degree = math.Pi / 180
	switch name := strings.ToLower(axis.Name); {
	case strings.HasPrefix(name, "lon"):
		return p.Coordinates[0] / degree, nil
	case strings.HasPrefix(name, "lat"):
		return p.Coordinates[1] / degree, nil
	case p.Kind == "loc3d" && len(axis.Labels) == 0:
		return p.Coordinates[2], nil
	}
	return 0, fmt.Errorf("a place on the sphere (%s) has no coordinate on the axis %q of the state", p.Kind, axis.Name)
}

// sequence puts the values into the order of states and components.
func (c *converter) sequence() observe.Sequence {
	keys := make([][2]int, 0, len(c.values))
	for key := range c.values {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
	var s observe.Sequence
	operators := map[string]observe.Operator{}
	for len(keys) > 0 {
		n := 1
		for n < len(keys) && keys[n][0] == keys[0][0] {
			n++
		}
		o := observe.Observation{Index: keys[0][0], Operator: c.operator(keys[:n], operators)}
		for _, key := range keys[:n] {
			v := c.values[key]
			if !math.IsNaN(v.mean) {
				c.tally.Values++
			}
			o.Values, o.Sd = append(o.Values, v.mean), append(o.Sd, v.sd())
		}
		s.Observations = append(s.Observations, o)
		keys = keys[n:]
	}
	return s
}

// operator sees the components of some keys; states that are seen alike share one.
func (c *converter) operator(keys [][2]int, known map[string]observe.Operator) observe.Operator {
	indices := make([]int, len(keys))
	for i, key := range keys {
		indices[i] = key[1]
	}
	name := fmt.Sprint(indices)
	if known[name] == nil {
		op, err := observe.Components{Indices: indices}.Build(c.target.Space)
		if err != nil {
			panic("obsseq: components of the state cannot be observed: " + err.Error())
		}
		known[name] = op
	}
	return known[name]
}
