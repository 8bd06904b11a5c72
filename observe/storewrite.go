package observe

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"retrace/internal/zarr"
)

// WriteStore writes the observations of many cases to a Zarr store that
// ReadStore reads and xarray opens: value and sd over (case, time, quantity),
// where time holds the states that any case observes, and quantity what any of
// them observes there. The store appears at path when it is complete. It fails
// if the store cannot hold the cases: if there is no observation, a state has
// two values of one quantity, or a quantity is not one of the target's.
func WriteStore(path string, cases []Sequence, target Target) error {
	if err := writable(cases, target); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	g := newStoreGrid(cases, target)
	if len(g.states) == 0 {
		return fmt.Errorf("%s: %w", path, errors.New("observe: there is no observation to write"))
	}
	w, err := zarr.Create(path, g.group())
	if err != nil {
		return err
	}
	defer w.Discard()
	if err := errors.Join(g.writeAxes(w), g.writeValues(w)); err != nil {
		return err
	}
	return w.Commit()
}

// storeGrid is the box of cases, states and quantities of a store.
type storeGrid struct {
	cases      []Sequence
	target     Target
	states     []int    // observed in any case, sorted
	quantities []string // observed in any case, in the order of the target
	row        map[int]int
	column     map[string]int
}

func newStoreGrid(cases []Sequence, target Target) *storeGrid {
	g := &storeGrid{cases: cases, target: target, row: map[int]int{}, column: map[string]int{}}
	seen := map[string]bool{}
	for _, s := range cases {
		for _, o := range s.Observations {
			g.states = append(g.states, o.Index)
			for _, label := range Labels(o.Operator) {
				seen[label] = true
			}
		}
	}
	slices.Sort(g.states)
	g.states = slices.Compact(g.states)
	for row, state := range g.states {
		g.row[state] = row
	}
	for _, label := range target.quantities() {
		if seen[label] {
			g.column[label] = len(g.quantities)
			g.quantities = append(g.quantities, label)
		}
	}
	return g
}

// units are those of the values: the state's, if every operator keeps them.
func (g *storeGrid) units() (string, bool) {
	for _, s := range g.cases {
		for _, o := range s.Observations {
			if _, keeps := o.Operator.(interface{ keepsUnits() }); !keeps {
				return "", false
			}
		}
	}
	return g.target.Space.Units, true
}

// group describes the store.
func (g *storeGrid) group() zarr.Group {
	value := map[string]any{"long_name": "observed value", "ancillary_variables": "sd", "coordinates": "state"}
	sd := map[string]any{"long_name": "standard deviation of the noise", "coordinates": "state"}
	if units, known := g.units(); known {
		value["units"], sd["units"] = units, units
	}
	shape := []int{len(g.cases), len(g.states), len(g.quantities)}
	axis := func(name string, size int, t zarr.Type, attributes map[string]any) zarr.Array {
		return zarr.Array{Name: name, Dimensions: []string{name}, Shape: []int{size}, Type: t, Attributes: attributes}
	}
	state := axis("state", shape[1], zarr.Int64, map[string]any{"long_name": "position in the trajectory", "units": "1"})
	state.Dimensions = []string{"time"}
	return zarr.Group{
		Attributes: map[string]any{"Conventions": "CF-1.10", "title": "observations of trajectories"},
		Arrays: []zarr.Array{
			{Name: "value", Dimensions: storeDimensions, Shape: shape, Type: zarr.Float64, Attributes: value},
			{Name: "sd", Dimensions: storeDimensions, Shape: shape, Type: zarr.Float64, Attributes: sd},
			state,
			axis("case", shape[0], zarr.Int64, map[string]any{"long_name": "number of the trajectory", "units": "1"}),
			axis("time", shape[1], zarr.Float64, map[string]any{"long_name": "time", "units": g.target.Timeline.Clock.Units, "axis": "T"}),
			axis("quantity", shape[2], zarr.TextFor(g.quantities), map[string]any{"long_name": "observed quantity"}),
		},
	}
}

func (g *storeGrid) writeAxes(w *zarr.Writer) error {
	states, numbers := make([]int64, len(g.states)), make([]int64, len(g.cases))
	times := make([]float64, len(g.states))
	for k, state := range g.states {
		states[k], times[k] = int64(state), g.target.Timeline.Time(state)
	}
	for number := range numbers {
		numbers[number] = int64(number)
	}
	return errors.Join(
		zarr.Write(w, "state", zarr.Region{}, states),
		zarr.Write(w, "case", zarr.Region{}, numbers),
		zarr.Write(w, "time", zarr.Region{}, times),
		zarr.Write(w, "quantity", zarr.Region{}, g.quantities))
}

// writeValues writes as many cases at a time as a chunk holds.
func (g *storeGrid) writeValues(w *zarr.Writer) error {
	size := len(g.states) * len(g.quantities)
	step := w.Array("value").Chunks[0]
	for first := 0; first < len(g.cases); first += step {
		block := g.cases[first:min(first+step, len(g.cases))]
		values, sds := missing(len(block)*size), missing(len(block)*size)
		for k, s := range block {
			g.place(values[k*size:], sds[k*size:], s)
		}
		region := zarr.Region{Start: []int{first, 0, 0}, Shape: []int{len(block), len(g.states), len(g.quantities)}}
		if err := errors.Join(zarr.Write(w, "value", region, values), zarr.Write(w, "sd", region, sds)); err != nil {
			return err
		}
	}
	return nil
}

// place puts the values of one case into its box. The sd of a missing value
// stays, so that a layout survives.
func (g *storeGrid) place(values, sds []float64, s Sequence) {
	for _, o := range s.Observations {
		row := g.row[o.Index] * len(g.quantities)
		for j, label := range Labels(o.Operator) {
			at := row + g.column[label]
			values[at], sds[at] = o.Values[j], o.Sd[j]
		}
	}
}

// writable reports what no file can hold.
func writable(cases []Sequence, target Target) error {
	known := positions(target.quantities())
	for number, s := range cases {
		for p := range s.places() {
			if _, ok := known[p.label]; !ok {
				return fmt.Errorf("observe: case %d has the quantity %q, which is not one of the target's", number, p.label)
			}
			if p.repetition > 0 {
				return fmt.Errorf("observe: case %d has two values of %q at state %d: a file holds one, label them apart", number, p.label, p.state)
			}
			if y := s.Observations[p.observation].Values[p.value]; math.IsInf(y, 0) {
				return fmt.Errorf("observe: case %d has the value %v of %q at state %d", number, y, p.label, p.state)
			}
		}
	}
	return nil
}
