package experiment

import (
	"math"
	"slices"
	"strings"

	"retrace/figure"
	"retrace/observe"
)

// Observations in figures of fields: coarse pictures where an operator sees means over
// blocks, dots elsewhere.

// reading is a value seen at a place, on the axes of fields.
type reading struct {
	source string // field seen
	index  int    // state
	place  []float64
	value  float64 // NaN if it is missing
}

// readings lists the values of a case whose place is known.
func (c *fieldCase) readings() []reading {
	var list []reading
	for _, o := range c.seen.Observations {
		located, ok := o.Operator.(observe.Located)
		if !ok {
			continue
		}
		labels := observe.Labels(o.Operator)
		for j, place := range located.Locations(c.space) {
			place = place[len(place)-len(c.Axes):]
			if slices.ContainsFunc(place, math.IsNaN) {
				continue
			}
			source := c.Channels[0]
			if len(c.space.Axes) > len(c.Axes) {
				source, _, _ = strings.Cut(labels[j], "/")
			}
			list = append(list, reading{source, o.Index, place, o.Values[j]})
		}
	}
	return list
}

// sources lists the fields that are seen, in order.
func (c *fieldCase) sources() []string {
	var list []string
	for _, r := range c.readings() {
		if !slices.Contains(list, r.source) {
			list = append(list, r.source)
		}
	}
	return list
}

// addObservations adds the row of what is seen of a channel or, if nothing is, of the
// field seen first, with a bar of its own.
func (c *fieldCase) addObservations(s *figure.Sheet, channel int) {
	sources := c.sources()
	if len(sources) == 0 {
		return
	}
	source, row := c.Channels[channel], figure.SheetRow{Title: "observations"}
	if !slices.Contains(sources, source) {
		source = sources[0]
		row.Title, row.Bar = "observed "+source, len(s.Bars)
		s.Bars = append(s.Bars, figure.Bar{Label: source, Units: c.unitsOf(source)})
	}
	list := slices.DeleteFunc(c.readings(), func(r reading) bool { return r.source != source })
	if c.wide() {
		row.Tiles = []figure.Tile{c.dots(list, func(reading) bool { return true })}
	} else {
		for _, t := range c.times() {
			row.Tiles = append(row.Tiles, c.seenTile(list, t))
		}
	}
	s.Rows = append(s.Rows, row)
}

// unitsOf are those of a field that is seen, "" if they are not known.
func (c *fieldCase) unitsOf(source string) string {
	if k := slices.Index(c.Channels, source); k >= 0 {
		return c.units[k]
	}
	if m, ok := c.system.(interface{ UnitsOf(field string) string }); ok {
		return m.UnitsOf(source)
	}
	return ""
}

// seenTile is what is seen of a state.
func (c *fieldCase) seenTile(list []reading, t int) figure.Tile {
	now := func(r reading) bool { return r.index == t }
	if c.scenario.Operator != nil && c.scenario.Operator.Kind == "blocks" {
		if tile, ok := blockTile(slices.DeleteFunc(slices.Clone(list), func(r reading) bool { return !now(r) })); ok {
			return tile
		}
	}
	return c.dots(list, now)
}

// dots are the values to show as points.
func (c *fieldCase) dots(list []reading, shown func(r reading) bool) figure.Tile {
	var tile figure.Tile
	for _, r := range list {
		if !shown(r) || math.IsNaN(r.value) {
			continue
		}
		last := len(c.Axes) - 1
		d := figure.Dot{X: r.place[last] * lengthScale(c.Axes[last]), Y: r.place[0] * lengthScale(c.Axes[0]), Value: r.value}
		if c.wide() {
			d.X = c.timeline.Time(r.index)
		}
		tile.Dots = append(tile.Dots, d)
	}
	return tile
}

// blockTile is the coarse picture of values on a whole lattice; ok is false for others.
func blockTile(list []reading) (tile figure.Tile, ok bool) {
	var along [2][]float64
	for _, r := range list {
		for a := range along {
			along[a] = append(along[a], r.place[a])
		}
	}
	for a := range along {
		slices.Sort(along[a])
		along[a] = slices.Compact(along[a])
	}
	tile.Ny, tile.Nx = len(along[0]), len(along[1])
	if len(list) == 0 || tile.Ny*tile.Nx != len(list) {
		return tile, false
	}
	tile.Values = make([]float32, len(list))
	for _, r := range list {
		y, _ := slices.BinarySearch(along[0], r.place[0])
		x, _ := slices.BinarySearch(along[1], r.place[1])
		tile.Values[y*tile.Nx+x] = float32(r.value)
	}
	return tile, true
}
