package observe

import (
	"cmp"
	"math"
	"slices"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/rng"
)

func init() {
	Register(Entry{"cells", "fields at cells drawn anew for every state, by channel", func() Builder { return &Cells{Count: 80, Together: true} }})
	Register(Entry{"tracks", "fields along tracks or swaths that cross the domain and move, as of satellites, by channel", func() Builder { return &Tracks{Count: 2, Angle: 20, Drift: 0.382} }})
}

// Cells observes fields at cells that are drawn at random anew for every state of
// every case. The operator is [Moving].
type Cells struct {
	Fields   `toml:",inline"`
	Count    int     `toml:"count" doc:"cells seen of each field, at least 1"`
	Together bool    `toml:"together" doc:"whether all fields are seen at the same cells"`
	Blank    float64 `toml:"blank" doc:"share in [0, 1] of the states, at random, of which nothing is seen"`
}

// Build returns the operator. It is an input error if a channel does not exist or
// there are fewer cells.
func (c Cells) Build(space dynamics.Space) (Operator, error) {
	sources, err := c.sources(space)
	if err != nil {
		return nil, err
	}
	_, axes := fieldAxes(space)
	n := cellsOf(axes)
	if c.Count < 1 || c.Count > n {
		return nil, fault.Inputf("count: %d is not from 1 to %d, the number of cells", c.Count, n)
	}
	if err := checkShare("blank", c.Blank); err != nil {
		return nil, err
	}
	return &scattered{newFieldOperator(space, sources, cellLocations(axes, count(n))), c}, nil
}

// scattered sees random cells.
type scattered struct {
	*fieldOperator
	Cells
}

// Sees draws the cells of a state.
func (s *scattered) Sees(a Address, index int) []int {
	r := rng.Stream(a.Seed, "observe/"+a.Scenario+"/cells", uint64(a.Case), uint64(index))
	if r.Float64() < s.Blank {
		return nil
	}
	var seen, cells []int
	for c := range s.sources {
		if c == 0 || !s.Together {
			cells = draw(r.IntN, s.cells, s.Count)
		}
		for _, cell := range cells {
			seen = append(seen, c*s.cells+cell)
		}
	}
	return seen
}

// draw draws k of the numbers 0 to n-1, all sets being equally likely, by Floyd's
// method, and sorts them.
func draw(intN func(n int) int, n, k int) []int {
	taken := make(map[int]bool, k)
	chosen := make([]int, 0, k)
	for last := n - k; last < n; last++ {
		i := intN(last + 1)
		if taken[i] {
			i = last
		}
		taken[i] = true
		chosen = append(chosen, i)
	}
	slices.Sort(chosen)
	return chosen
}

// Tracks observes fields along straight tracks that cross the domain from its
// southern to its northern end (from one end of the last but one axis to the
// other), equally spaced along the last axis. From one state to the next they
// move along that axis, and lean to the other side, as the ascending and
// descending passes of a satellite. Where they start is drawn for each case. The
// operator is [Moving].
type Tracks struct {
	Fields `toml:",inline"`
	Count  int     `toml:"count" doc:"tracks seen of a state; 1 to 1000"`
	Width  float64 `toml:"width" doc:"width of a swath, in units of the axes; 0: the cell nearest to the track in each row"`
	Angle  float64 `toml:"angle" doc:"degrees by which tracks lean from the last but one axis; 0 to 80"`
	Drift  float64 `toml:"drift" doc:"share of the domain by which tracks move from one state to the next; 0 to 1"`
	Blank  float64 `toml:"blank" doc:"share in [0, 1] of the states, at random, of which nothing is seen"`
}

// Build returns the operator. It is an input error if a channel does not exist or
// fields have not two axes.
func (t Tracks) Build(space dynamics.Space) (Operator, error) {
	sources, err := t.sources(space)
	if err != nil {
		return nil, err
	}
	_, axes := fieldAxes(space)
	if len(axes) != 2 || axes[0].Len() < 2 || axes[1].Len() < 2 {
		return nil, fault.Inputf("kind: tracks cross fields of two axes: these have the axes %v", axisNames(dynamics.Space{Axes: axes}))
	}
	low, high := domain(axes[1])
	if err := cmp.Or(
		dynamics.CheckBetween("count", t.Count, 1, 1000),
		dynamics.CheckBetween("width", t.Width, 0, high-low),
		dynamics.CheckBetween("angle", t.Angle, 0, 80),
		dynamics.CheckBetween("drift", t.Drift, 0, 1),
		checkShare("blank", t.Blank),
	); err != nil {
		return nil, err
	}
	all := cellLocations(axes, count(cellsOf(axes)))
	return &crossing{newFieldOperator(space, sources, all), t, axes}, nil
}

// crossing sees the cells under tracks.
type crossing struct {
	*fieldOperator
	Tracks
	axes []dynamics.Axis
}

// Sees finds the cells under the tracks of a state.
func (s *crossing) Sees(a Address, index int) []int {
	start := rng.Stream(a.Seed, "observe/"+a.Scenario+"/tracks", uint64(a.Case)).Float64()
	if rng.Stream(a.Seed, "observe/"+a.Scenario+"/tracks", uint64(a.Case), uint64(index)).Float64() < s.Blank {
		return nil
	}
	low, high := domain(s.axes[1])
	slope := math.Tan(s.Angle * math.Pi / 180)
	if index%2 == 1 {
		slope = -slope
	}
	under := make([]bool, s.cells)
	for track := range s.Count {
		share := start + float64(index)*s.Drift + float64(track)/float64(s.Count)
		share -= math.Floor(share)
		s.mark(under, low+share*(high-low), slope)
	}
	var seen []int
	for c := range s.sources {
		for cell, is := range under {
			if is {
				seen = append(seen, c*s.cells+cell)
			}
		}
	}
	return seen
}

// mark marks the cells under one track, which enters at a coordinate.
func (s *crossing) mark(under []bool, enters, slope float64) {
	rows, columns := s.axes[0], s.axes[1]
	step := math.Abs(columns.Coordinates[1] - columns.Coordinates[0])
	half := s.Width / 2 * math.Hypot(1, slope)
	for y, at := range rows.Coordinates {
		centre := enters + slope*(at-rows.Coordinates[0])
		nearest, least := 0, math.Inf(1)
		for x, c := range columns.Coordinates {
			d := Distance(columns, c, centre)
			if d <= half && s.Width > 0 {
				under[y*columns.Len()+x] = true
			}
			if d < least {
				nearest, least = x, d
			}
		}
		if least <= step {
			under[y*columns.Len()+nearest] = true
		}
	}
}

func checkShare(key string, share float64) error {
	if !(share >= 0 && share <= 1) {
		return fault.Inputf("%s: %v is not a share in [0, 1]", key, share)
	}
	return nil
}
