package figure

import (
	"fmt"
	"math"
	"slices"
)

// Limits of an ensemble figure: what can be read on a page.
const (
	MaxColumns = 4
	MaxRows    = 6
)

// Trajectories is what an ensemble figure shows, in physical units.
type Trajectories struct {
	Times      []float64 // increasing
	TimeUnits  string    // UDUNITS; "" or "1" is not printed
	Components []Component
	// Columns are methods, or scenarios, 1 to MaxColumns. They share the y axis
	// of each row.
	Columns []Column
	// Show lists the components to draw, at most MaxRows, in the order of the
	// rows. Empty means all, or MaxRows evenly spread ones if there are more;
	// a note in the figure then says so.
	Show []int
	// MemberLines is how many members to draw as thin lines, from the first.
	MemberLines int
	// Letters labels the panels a, b, c... along the rows.
	Letters bool
}

// Component names one value of a state.
type Component struct{ Name, Units string }

// Column is what one column of panels shows. Arrays are row-major with the
// component varying fastest.
type Column struct {
	Title        string
	Truth        []float32 // time, component; nil if it is not known
	Members      []float32 // member, time, component; at least one member
	Observations []Observation
}

// Observation is an observed component.
type Observation struct {
	Component int
	Time      float64
	Value     float64 // NaN marks a missing value, which is not drawn
	Sd        float64 // standard deviation of the noise, the half length of the bar
}

// Ensemble draws trajectories against time: a row of panels a component, a
// column of panels a Column, each with the median of the members, their central
// 50 and 90 % bands, the truth and the observations. A band that leaves the
// surroundings of the truth by far is cut, and a note says so, so that one
// diverged method does not flatten the others.
//
// Errors are ErrEmpty, ErrNotFinite, and those of a layout that does not fit a
// page (too many columns or rows). Arrays of another length than the times and
// components say, and components out of range, panic.
func Ensemble(t Trajectories) (*Figure, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	rows := t.Show
	if len(rows) == 0 {
		rows = spread(len(t.Components), MaxRows)
	}
	e := &ensembleLayout{Trajectories: t, rows: rows}
	for _, column := range t.Columns {
		bands := make([]bands, len(rows))
		for i, component := range rows {
			bands[i] = t.quantiles(column, component)
		}
		e.bands = append(e.bands, bands)
	}
	return e.figure(), nil
}

// spread returns the integers below n, or so many evenly spread ones if there
// are more.
func spread(n, most int) []int {
	chosen := make([]int, min(n, most))
	for i := range chosen {
		chosen[i] = i * n / len(chosen)
	}
	return chosen
}

func (t Trajectories) check() error {
	switch {
	case len(t.Times) == 0:
		return fmt.Errorf("figure: an ensemble without times: %w", ErrEmpty)
	case len(t.Components) == 0:
		return fmt.Errorf("figure: an ensemble without components: %w", ErrEmpty)
	case len(t.Columns) == 0:
		return fmt.Errorf("figure: an ensemble without columns: %w", ErrEmpty)
	case len(t.Columns) > MaxColumns:
		return fmt.Errorf("figure: %d columns do not fit a page: draw at most %d in a figure", len(t.Columns), MaxColumns)
	case len(t.Show) > MaxRows:
		return fmt.Errorf("figure: %d components do not fit a page: show at most %d in a figure", len(t.Show), MaxRows)
	}
	for _, component := range t.Show {
		if component < 0 || component >= len(t.Components) {
			panic("figure: a component to show is out of range")
		}
	}
	for i, v := range t.Times {
		if !finite(v) {
			return fmt.Errorf("figure: time %d: %w", i, ErrNotFinite)
		}
	}
	for _, column := range t.Columns {
		if err := t.checkColumn(column); err != nil {
			return fmt.Errorf("figure: column %q: %w", column.Title, err)
		}
	}
	return nil
}

func (t Trajectories) checkColumn(c Column) error {
	state := len(t.Components)
	size := state * len(t.Times)
	if len(c.Truth) != 0 && len(c.Truth) != size || len(c.Members)%size != 0 {
		panic("figure: the length of a trajectory array contradicts times and components")
	}
	if len(c.Members) == 0 {
		return fmt.Errorf("no members: %w", ErrEmpty)
	}
	if i := slices.IndexFunc(c.Truth, notFinite32); i >= 0 {
		return fmt.Errorf("truth, time %d, component %q: %w", i/state, t.Components[i%state].Name, ErrNotFinite)
	}
	if i := slices.IndexFunc(c.Members, notFinite32); i >= 0 {
		return fmt.Errorf("member %d, time %d, component %q: %w",
			i/size, i%size/state, t.Components[i%state].Name, ErrNotFinite)
	}
	for i, o := range c.Observations {
		if o.Component < 0 || o.Component >= state {
			panic("figure: the component of an observation is out of range")
		}
		if !finite(o.Time) || !finite(o.Sd) || math.IsInf(math.Abs(o.Value)+math.Abs(o.Sd), 0) {
			return fmt.Errorf("observation %d: %w", i, ErrNotFinite)
		}
	}
	return nil
}

func notFinite32(v float32) bool { return !finite(float64(v)) }
