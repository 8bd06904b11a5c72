package observe

import (
	"math"
	"slices"

	"retrace/dynamics"
	"retrace/internal/fault"
)

func init() {
	Register(Entry{"blocks", "means of fields over blocks of cells (coarse-graining), by channel", func() Builder { return &Blocks{} }})
	Register(Entry{"pixels", "fields at every n-th cell along each axis, by channel", func() Builder { return &Pixels{} }})
	Register(Entry{"stations", "fields at fixed points, interpolated linearly, by channel", func() Builder { return &Stations{} }})
}

// Blocks observes the means of fields over blocks of Factor cells along each
// axis.
type Blocks struct {
	Fields `toml:",inline"`
	Factor int `toml:"factor,required" doc:"cells of a block along each axis, at least 1; it must divide their numbers"`
}

// Build returns the operator. It is an input error if a channel does not exist or
// the factor does not divide the length of an axis.
func (b Blocks) Build(space dynamics.Space) (Operator, error) {
	sources, err := b.sources(space)
	if err != nil {
		return nil, err
	}
	_, axes := fieldAxes(space)
	factors := make([]int, len(axes))
	for a, axis := range axes {
		if b.Factor < 1 || axis.Len()%b.Factor != 0 {
			return nil, fault.Inputf("factor: blocks of %d do not tile axis %q of %d cells: give a divisor of its length",
				b.Factor, axis.Name, axis.Len())
		}
		factors[a] = b.Factor
	}
	member := blockMembers(dynamics.Space{Axes: axes}, factors)
	locations := make([]location, slices.Max(member)+1)
	share := 1 / math.Pow(float64(b.Factor), float64(len(axes)))
	for cell, block := range member {
		l := &locations[block]
		l.cells, l.weights = append(l.cells, cell), append(l.weights, share)
		if l.place == nil {
			l.place = make([]float64, len(axes))
		}
		for a, c := range Location(dynamics.Space{Axes: axes}, cell) {
			l.place[a] += c * share
		}
	}
	return newFieldOperator(space, sources, locations), nil
}

// Pixels observes fields at every Every-th cell along each axis.
type Pixels struct {
	Fields `toml:",inline"`
	Every  int `toml:"every,required" doc:"cells from one seen to the next along each axis, at least 1"`
	Offset int `toml:"offset" doc:"first cell seen along each axis, from 0, less than every"`
}

// Build returns the operator. It is an input error if a channel or a cell does
// not exist.
func (p Pixels) Build(space dynamics.Space) (Operator, error) {
	sources, err := p.sources(space)
	if err != nil {
		return nil, err
	}
	_, axes := fieldAxes(space)
	if p.Every < 1 {
		return nil, fault.Inputf("every: %d is less than 1: give the number of cells from one seen to the next", p.Every)
	}
	if p.Offset < 0 || p.Offset >= p.Every {
		return nil, fault.Inputf("offset: %d is not from 0 to %d, below every", p.Offset, p.Every-1)
	}
	for _, axis := range axes {
		if p.Offset >= axis.Len() {
			return nil, fault.Inputf("offset: no cell %d on axis %q: cells are 0 to %d", p.Offset, axis.Name, axis.Len()-1)
		}
	}
	var cells []int
	for cell := range cellsOf(axes) {
		if p.sees(axes, cell) {
			cells = append(cells, cell)
		}
	}
	return newFieldOperator(space, sources, cellLocations(axes, cells)), nil
}

func (p Pixels) sees(axes []dynamics.Axis, cell int) bool {
	for a := len(axes) - 1; a >= 0; a-- {
		if cell%axes[a].Len()%p.Every != p.Offset {
			return false
		}
		cell /= axes[a].Len()
	}
	return true
}

// cellLocations are single cells.
func cellLocations(axes []dynamics.Axis, cells []int) []location {
	locations := make([]location, len(cells))
	one := []float64{1}
	for i, cell := range cells {
		locations[i] = location{cells[i : i+1], one, Location(dynamics.Space{Axes: axes}, cell)}
	}
	return locations
}

// Stations observes fields at points that do not move, by linear interpolation
// along each axis.
type Stations struct {
	Fields `toml:",inline"`
	Points [][]float64 `toml:"points,required" doc:"coordinates of each point in the order of the axes, such as [[y, x], ...], in their units"`
}

// Build returns the operator. It is an input error if a channel does not exist,
// or if a point lies outside the domain, is listed twice, or has not one
// coordinate for each axis.
func (s Stations) Build(space dynamics.Space) (Operator, error) {
	sources, err := s.sources(space)
	if err != nil {
		return nil, err
	}
	_, axes := fieldAxes(space)
	if len(s.Points) == 0 {
		return nil, fault.Inputf("points: the list is empty: list at least one point")
	}
	locations := make([]location, len(s.Points))
	for i, point := range s.Points {
		if slices.ContainsFunc(s.Points[:i], func(p []float64) bool { return slices.Equal(p, point) }) {
			return nil, fault.Inputf("points: %v is listed twice: list each point once", point)
		}
		if locations[i], err = interpolate(axes, point); err != nil {
			return nil, err
		}
	}
	return newFieldOperator(space, sources, locations), nil
}

// interpolate is the location of a point: the corners of the cell of the grid of
// centres that it lies in.
func interpolate(axes []dynamics.Axis, point []float64) (location, error) {
	if len(point) != len(axes) {
		return location{}, fault.Inputf("points: %v has %d coordinates: give one for each of the axes %v", point, len(point), axisNames(dynamics.Space{Axes: axes}))
	}
	l := location{[]int{0}, []float64{1}, slices.Clone(point)}
	for a, axis := range axes {
		low, high := domain(axis)
		if !(point[a] >= low && point[a] <= high) {
			return location{}, fault.Inputf("points: %s = %v is outside the domain, %v to %v %s", axis.Name, point[a], low, high, axis.Units)
		}
		left, right, share := bracket(axis, point[a])
		var next location
		for k, cell := range l.cells {
			next.cells = append(next.cells, cell*axis.Len()+left)
			next.weights = append(next.weights, l.weights[k]*(1-share))
			if share > 0 {
				next.cells = append(next.cells, cell*axis.Len()+right)
				next.weights = append(next.weights, l.weights[k]*share)
			}
		}
		l.cells, l.weights = next.cells, next.weights
	}
	return l, nil
}

// domain is the range of an axis: between its end points, or its period, which
// starts half a step before the first point.
func domain(axis dynamics.Axis) (low, high float64) {
	c := axis.Coordinates
	if axis.Period == 0 {
		return min(c[0], c[len(c)-1]), max(c[0], c[len(c)-1])
	}
	low = c[0] - axis.Period/float64(len(c))/2
	return low, low + axis.Period
}

// bracket finds the points on either side of a coordinate of the domain, and how
// far from the left to the right one it lies.
func bracket(axis dynamics.Axis, at float64) (left, right int, share float64) {
	c := axis.Coordinates
	n := len(c)
	for left = n - 1; left > 0 && (at-c[left])*(c[n-1]-c[0]) < 0; left-- {
	}
	switch {
	case axis.Period > 0 && (at < c[0] || left == n-1):
		gap := c[0] + axis.Period - c[n-1]
		return n - 1, 0, math.Mod(at-c[n-1]+axis.Period, axis.Period) / gap
	case left == n-1:
		return left, left, 0
	}
	return left, left + 1, (at - c[left]) / (c[left+1] - c[left])
}
