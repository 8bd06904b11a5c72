package assimilate

import (
	"slices"

	"retrace/dynamics"
)

// lattice is a field seen at every point of a grid of coordinates.
type lattice struct {
	index  int         // state
	along  [][]float64 // increasing coordinates on each axis
	values []float64   // the last axis varying fastest
}

// lattices sorts sightings by state, each a whole lattice; nil if one is not.
func (w *interpolator) lattices(seen []sighting) []lattice {
	byState := map[int][]sighting{}
	var order []int
	for _, s := range seen {
		if byState[s.index] == nil {
			order = append(order, s.index)
		}
		byState[s.index] = append(byState[s.index], s)
	}
	slices.Sort(order)
	var list []lattice
	for _, index := range order {
		l, ok := w.lattice(index, byState[index])
		if !ok {
			return nil
		}
		list = append(list, l)
	}
	return list
}

// lattice orders the sightings of a state; ok is false if points of the grid are
// missing or seen twice.
func (w *interpolator) lattice(index int, seen []sighting) (l lattice, ok bool) {
	l = lattice{index: index, along: make([][]float64, len(w.axes))}
	points := 1
	for a := range w.axes {
		for _, s := range seen {
			l.along[a] = append(l.along[a], s.place[a])
		}
		slices.Sort(l.along[a])
		l.along[a] = slices.Compact(l.along[a])
		points *= len(l.along[a])
	}
	if points != len(seen) {
		return l, false
	}
	l.values = make([]float64, points)
	taken := make([]bool, points)
	for _, s := range seen {
		at := 0
		for a, c := range s.place {
			k, _ := slices.BinarySearch(l.along[a], c)
			at = at*len(l.along[a]) + k
		}
		if taken[at] {
			return l, false
		}
		taken[at], l.values[at] = true, s.value
	}
	// A line of a plane says too little about it.
	for a, c := range l.along {
		if len(c) < 2 && w.axes[a].Len() > 2 {
			return l, false
		}
	}
	return l, true
}

// fromLattices interpolates each lattice to all cells, then in time.
func (w *interpolator) fromLattices(f *seenField, list []lattice) {
	cells := make([][]float64, len(list))
	for k, l := range list {
		cells[k] = make([]float64, len(w.places))
		for c, place := range w.places {
			cells[k][c] = l.at(w.axes, place)
		}
	}
	w.write(f, func(t, c int) float64 {
		after, found := slices.BinarySearchFunc(list, t, func(l lattice, t int) int { return l.index - t })
		switch {
		case found:
			return cells[after][c]
		case after == 0:
			return cells[0][c]
		case after == len(list):
			return cells[after-1][c]
		}
		before, next := list[after-1].index, list[after].index
		share := float64(t-before) / float64(next-before)
		return cells[after-1][c]*(1-share) + cells[after][c]*share
	})
}

// at interpolates linearly along each axis. Beyond the ends of an axis without a
// period nothing changes.
func (l lattice) at(axes []dynamics.Axis, place []float64) float64 {
	sum := 0.0
	left, right, share := make([]int, len(axes)), make([]int, len(axes)), make([]float64, len(axes))
	for a, axis := range axes {
		left[a], right[a], share[a] = bracket(l.along[a], axis.Period, place[a])
	}
	for corner := range 1 << len(axes) {
		at, weight := 0, 1.0
		for a := range axes {
			k, part := left[a], 1-share[a]
			if corner>>a&1 == 1 {
				k, part = right[a], share[a]
			}
			at, weight = at*len(l.along[a])+k, weight*part
		}
		if weight > 0 {
			sum += weight * l.values[at]
		}
	}
	return sum
}

// bracket finds the neighbours of x among increasing coordinates, and the share of the
// way from the left one to the right.
func bracket(coordinates []float64, period, x float64) (left, right int, share float64) {
	n := len(coordinates)
	right, _ = slices.BinarySearch(coordinates, x)
	left = right - 1
	switch {
	case left >= 0 && right < n:
		return left, right, (x - coordinates[left]) / (coordinates[right] - coordinates[left])
	case period <= 0 || n < 2:
		return min(max(left, 0), n-1), min(right, n-1), 0
	}
	gap := coordinates[0] + period - coordinates[n-1]
	from := x - coordinates[n-1]
	if from < 0 {
		from += period
	}
	return n - 1, 0, from / gap
}
