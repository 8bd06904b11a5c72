package figure

import (
	"fmt"
	"math"
	"slices"
)

// Limits of a sheet of fields: what can be read on a page.
const (
	MaxSheetColumns = 6
	MaxSheetRows    = 8
)

// Sheet is what a figure of fields shows: pictures in rows (truth, observations,
// members, ...) and columns (times), all of the same region.
type Sheet struct {
	Horizontal, Vertical Extent // of every picture
	// Wide says that the axes are of different kinds, as in a diagram of space
	// against time (Hovmoeller): pictures then fill the width of the page. Otherwise
	// they have one scale along both axes.
	Wide    bool
	Columns []string // titles, 1 to MaxSheetColumns
	Rows    []SheetRow
	Bars    []Bar
}

// Extent is an axis of pictures, from edge to edge.
type Extent struct {
	Name, Units string // UDUNITS; "" or "1" is not printed
	Low, High   float64
}

// Bar is a scale of colours, drawn once beside the rows that share it.
type Bar struct {
	Label, Units string
	// Positive values have a map from dark to light that starts at 0; others a map
	// from blue to red, symmetric about 0.
	Positive bool
	// Limit is the value at the end of the colours, beyond which they saturate. 0:
	// so that 0.2 % of the values shown do.
	Limit float64
}

// SheetRow is a row of pictures.
type SheetRow struct {
	Title string
	Bar   int // in Sheet.Bars
	Tiles []Tile
}

// Tile is one picture. Where there is no value, it is grey.
type Tile struct {
	// Values are Ny rows of Nx values on equal cells, the first row at the low end of
	// the vertical axis; NaN is no value. Nil if nothing is known but dots.
	Values []float32
	Ny, Nx int
	Dots   []Dot
}

// Dot is a value at a point.
type Dot struct{ X, Y, Value float64 }

// Fields draws fields: a row of pictures for the truth, the observations, members
// and the like, a column a time, with one bar of colours for each quantity. A sheet
// of one column is laid out in one line. Observations may be coarse pictures or dots.
//
// Errors are ErrEmpty, ErrNotFinite and those of a sheet that does not fit a page.
// Pictures whose values contradict their size, rows without a picture for each
// column, and bars out of range panic.
func Fields(s Sheet) (*Figure, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	return newSheetLayout(s).figure(), nil
}

func (s Sheet) check() error {
	switch {
	case len(s.Columns) == 0 || len(s.Rows) == 0:
		return fmt.Errorf("figure: a sheet of fields without pictures: %w", ErrEmpty)
	case len(s.Columns) > MaxSheetColumns || len(s.Rows) > MaxSheetRows:
		return fmt.Errorf("figure: %d rows and %d columns of fields do not fit a page: draw at most %d and %d",
			len(s.Rows), len(s.Columns), MaxSheetRows, MaxSheetColumns)
	}
	for _, e := range []Extent{s.Horizontal, s.Vertical} {
		if !finite(e.Low) || !finite(e.High) || !(e.High > e.Low) {
			return fmt.Errorf("figure: axis %q from %v to %v: %w", e.Name, e.Low, e.High, ErrNotFinite)
		}
	}
	shown := false
	for _, r := range s.Rows {
		if r.Bar < 0 || r.Bar >= len(s.Bars) || len(r.Tiles) != len(s.Columns) {
			panic("figure: a row of fields contradicts columns and bars")
		}
		for i, t := range r.Tiles {
			if err := t.check(); err != nil {
				return fmt.Errorf("figure: %s, %s: %w", r.Title, s.Columns[i], err)
			}
			shown = shown || len(t.Values) > 0 || len(t.Dots) > 0
		}
	}
	if !shown {
		return fmt.Errorf("figure: a sheet of fields without values: %w", ErrEmpty)
	}
	return nil
}

func (t Tile) check() error {
	if len(t.Values) != 0 && (t.Ny < 1 || t.Nx < 1 || len(t.Values) != t.Ny*t.Nx) {
		panic("figure: a picture has not ny x nx values")
	}
	for i, v := range t.Values {
		if math.IsInf(float64(v), 0) {
			return fmt.Errorf("row %d, column %d: %w", i/t.Nx, i%t.Nx, ErrNotFinite)
		}
	}
	for i, d := range t.Dots {
		if !finite(d.X) || !finite(d.Y) || !finite(d.Value) {
			return fmt.Errorf("dot %d: %w", i, ErrNotFinite)
		}
	}
	return nil
}

// limits completes the ends of the bars from the values shown.
func (s Sheet) limits() []Bar {
	bars := slices.Clone(s.Bars)
	for i := range bars {
		if bars[i].Limit > 0 {
			continue
		}
		var sizes []float64
		for _, r := range s.Rows {
			if r.Bar != i {
				continue
			}
			for _, t := range r.Tiles {
				sizes = t.sizes(sizes)
			}
		}
		bars[i].Limit = limitOf(sizes)
	}
	return bars
}

// sizes appends the magnitudes of the values of a picture.
func (t Tile) sizes(list []float64) []float64 {
	for _, v := range t.Values {
		if v == v {
			list = append(list, math.Abs(float64(v)))
		}
	}
	for _, d := range t.Dots {
		list = append(list, math.Abs(d.Value))
	}
	return list
}

// saturated is the share of the values beyond the end of the colours.
const saturated = 0.002

// limitOf is the end of the colours for values of some magnitudes; 1 if all are 0.
func limitOf(sizes []float64) float64 {
	if len(sizes) == 0 {
		return 1
	}
	slices.Sort(sizes)
	limit := Quantile(sizes, 1-saturated)
	if limit <= 0 {
		limit = sizes[len(sizes)-1]
	}
	if limit < 1e-300 {
		return 1
	}
	return limit
}

// share is the place of a value on a bar, 0 to 1.
func (b Bar) share(v float64) float64 {
	if b.Positive {
		return v / b.Limit
	}
	return 0.5 + v/b.Limit/2
}

func (b Bar) colours() *colourMap {
	if b.Positive {
		return sequentialColours()
	}
	return divergingColours()
}
