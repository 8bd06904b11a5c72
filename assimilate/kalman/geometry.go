package kalman

import (
	"math"
	"reflect"
	"slices"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/strict"
	"retrace/observe"
)

// Localisation lets a value influence only the components of the state that
// are near it. Distances are Euclidean, along the axes of the model that have
// coordinates, in their units and the short way round on axes that are
// periodic; components that differ in a label only (the layers of a fluid) are
// at distance 0, and so is a value along an axis that it averages over.
type Localisation struct {
	Taper  string  `toml:"taper" doc:"shape of the decay with distance: gaspari-cohn, gauss, exponential, exponential-cubed, cubic, quadratic, quartic, linear or step"`
	Radius float64 `toml:"radius" doc:"distance at which the influence has fallen to exp(-1/2), the same for all shapes, in units of the axes; 0 for no localisation"`
	// Axes is empty for all that have coordinates.
	Axes []string `toml:"axes" doc:"axes along which distances count (default: all with coordinates)"`
}

// NewLocalisation returns the taper of Gaspari and Cohn with a radius of 4.
func NewLocalisation() Localisation { return Localisation{Taper: "gaspari-cohn", Radius: 4} }

// check reports the first parameter at fault, for states of a space.
func (l Localisation) check(space dynamics.Space) error {
	if _, err := shapeNamed(l.Taper); err != nil {
		return err
	}
	if err := dynamics.CheckBetween("radius", l.Radius, 0, 1e12); err != nil {
		return err
	}
	axes, err := l.axes(space)
	switch {
	case err != nil:
		return err
	case l.Radius > 0 && len(axes) == 0:
		return fault.Inputf("radius = %v: the state has no axis with coordinates, so nothing is near or far: set radius to 0, or choose a method without localisation", l.Radius)
	}
	return nil
}

// axes lists the numbers of the axes along which distances count.
func (l Localisation) axes(space dynamics.Space) ([]int, error) {
	var with []int
	var names []string
	for a, axis := range space.Axes {
		if len(axis.Coordinates) > 0 {
			with, names = append(with, a), append(names, axis.Name)
		}
	}
	if len(l.Axes) == 0 {
		return with, nil
	}
	var chosen []int
	for _, name := range l.Axes {
		i := slices.Index(names, name)
		if i < 0 {
			return nil, fault.Inputf("axes: %q is no axis with coordinates; %s", name, strict.Suggestion(name, names))
		}
		chosen = append(chosen, with[i])
	}
	return chosen, nil
}

// geometry measures distances between observed values and components, and
// remembers them while the operators stay the same.
type geometry struct {
	space  dynamics.Space
	axes   []int
	shape  shape
	radius float64
	groups []group

	operators []observe.Operator // for which near holds
	near      [][]neighbour      // of each group
}

// group is a set of components that are updated together, and the points at
// which they lie.
type group struct {
	components []int
	points     [][]float64
	extent     float64 // largest distance of a point from the first
}

// neighbour is an observed value, by its place among all of the state, and its
// coefficient.
type neighbour struct {
	place       int
	coefficient float64
}

// newGeometry groups the components of a space into blocks of side points along
// each axis.
func newGeometry(l Localisation, space dynamics.Space, side int) (*geometry, error) {
	s, err := shapeNamed(l.Taper)
	if err != nil {
		return nil, err
	}
	axes, err := l.axes(space)
	if err != nil {
		return nil, err
	}
	g := &geometry{space: space, axes: axes, shape: s, radius: l.Radius}
	g.group(side)
	return g, nil
}

// group fills groups, ordered by their first component.
func (g *geometry) group(side int) {
	known := map[int]int{} // from the number of a block to that of its group
	for i := range g.space.Size() {
		block, rest := 0, i
		stride := 1
		for a := len(g.space.Axes) - 1; a >= 0; a-- {
			length := g.space.Axes[a].Len()
			if slices.Contains(g.axes, a) {
				block += stride * (rest % length / side)
				stride *= (length + side - 1) / side
			}
			rest /= length
		}
		k, ok := known[block]
		if !ok {
			k = len(g.groups)
			known[block] = k
			g.groups = append(g.groups, group{})
		}
		g.groups[k].add(g, i)
	}
}

// add puts component i into a group.
func (b *group) add(g *geometry, i int) {
	b.components = append(b.components, i)
	at := observe.Location(g.space, i)
	for _, p := range b.points {
		if g.distance(at, p) == 0 {
			return
		}
	}
	if len(b.points) > 0 {
		b.extent = max(b.extent, g.distance(at, b.points[0]))
	}
	b.points = append(b.points, at)
}

// distance between two places, along the axes that count; an axis on which
// either has no place adds nothing.
func (g *geometry) distance(a, b []float64) float64 {
	var sum float64
	for _, axis := range g.axes {
		if d := observe.Distance(g.space.Axes[axis], a[axis], b[axis]); d == d {
			sum += d * d
		}
	}
	return math.Sqrt(sum)
}

// coefficient is the taper at the mean distance of a value from the points of a
// group; 0 if it is below the cut-off.
func (g *geometry) coefficient(b *group, value []float64) float64 {
	if g.radius == 0 {
		return 1
	}
	first := g.distance(value, b.points[0])
	if first > g.shape.reach*g.radius+b.extent {
		return 0
	}
	sum := first
	for _, p := range b.points[1:] {
		sum += g.distance(value, p)
	}
	c := g.shape.taper(sum / float64(len(b.points)) / g.radius)
	if c < cutoff {
		return 0
	}
	return c
}

// locate finds the neighbours of every group among the values of one state.
func (g *geometry) locate(seen []observe.Observation) error {
	if g.holds(seen) {
		return nil
	}
	g.operators = g.operators[:0]
	var values [][]float64
	for _, o := range seen {
		g.operators = append(g.operators, o.Operator)
		located, ok := o.Operator.(observe.Located)
		switch {
		case ok:
			values = append(values, located.Locations(g.space)...)
		case g.radius == 0:
			values = append(values, make([][]float64, len(o.Values))...)
		default:
			return fault.Inputf("radius = %v: the operator of the observations of state %d (%T) does not say where its values lie: set radius to 0, or choose a method without localisation",
				g.radius, o.Index, o.Operator)
		}
	}
	g.near = make([][]neighbour, len(g.groups))
	for k := range g.groups {
		for place, value := range values {
			if c := g.coefficient(&g.groups[k], value); c > 0 {
				g.near[k] = append(g.near[k], neighbour{place, c})
			}
		}
	}
	return nil
}

// holds reports whether near was found for the same operators.
func (g *geometry) holds(seen []observe.Observation) bool {
	if g.near == nil || len(seen) != len(g.operators) {
		return false
	}
	for i, o := range seen {
		if !reflect.TypeOf(o.Operator).Comparable() || o.Operator != g.operators[i] {
			return false
		}
	}
	return true
}
