package unet

import (
	"errors"
	"fmt"

	"retrace/internal/fault"
	"retrace/internal/kernel"
	"retrace/internal/nn"
)

// Shape tells U-Nets apart. Its zero values are those of the field's standard
// network but for the counts, which must be positive where nothing else is said.
type Shape struct {
	In, Out   int            // channels of a frame before and after the network
	Context   int            // fixed channels that the input has behind In; may be 0
	Embedding int            // length of the embedding of the noise time
	Spatial   int            // dimensions of a frame: 1 for sequences, whose Rows are 1 throughout, or 2
	Levels    []Level        // from the finest grid to the coarsest
	Kernel    Grid           // taps of the spatial kernels, odd
	Step      Grid           // pixels of a level for one of the next
	Padding   kernel.Padding // what lies outside the grid
	Function  nn.Activation  // between the two kernels of a block
	// Expansion, if positive, makes blocks inverted bottlenecks: their first
	// kernel widens the channels by this factor and their second has one tap.
	Expansion int
	// Time is the number of taps, odd, with which blocks between the levels mix
	// the frames of a trajectory; 0: frames do not know of each other.
	Time int
	// Concatenate makes a level on the way up see the result of the next coarser
	// one and the skip side by side, through a kernel of one tap, instead of
	// their sum.
	Concatenate bool
}

// Level is one resolution of a U-Net.
type Level struct {
	Channels int // at least 2
	Blocks   int // on the way down, and as many on the way up; may be 0
}

// Grid is a number of pixels, or of taps, in two directions.
type Grid struct{ Rows, Columns int }

// Size is what a Workspace is made for.
type Size struct {
	Batch  int // trajectories, each with a noise time
	Frames int // of a trajectory; 1 where the states of a window are channels
	Grid       // of a frame
	// ChannelsLast is the order of the arrays that go in and out: (Batch, Frames,
	// Rows, Columns, channels). By default it is PyTorch's, (Batch, Frames,
	// channels, Rows, Columns).
	ChannelsLast bool
}

// Bounds, far above any use and low enough that no size overflows.
const (
	mostChannels = 1 << 20
	mostTaps     = 63
	mostLevels   = 16
	mostBlocks   = 1 << 10
)

// Validate returns an input error that names the field at fault.
func (s Shape) Validate() error {
	for _, f := range []struct {
		name        string
		value       int
		least, most int
	}{
		{"input channels", s.In, 1, mostChannels}, {"output channels", s.Out, 1, mostChannels},
		{"context channels", s.Context, 0, mostChannels}, {"embedding", s.Embedding, 1, mostChannels},
		{"dimensions", s.Spatial, 1, 2},
		{"levels", len(s.Levels), 1, mostLevels}, {"expansion", s.Expansion, 0, mostTaps},
		{"step", s.Step.Rows, 1, mostTaps}, {"step", s.Step.Columns, 1, mostTaps},
	} {
		if f.value < f.least || f.value > f.most {
			return fault.Inputf("U-Net: %s: %d is not between %d and %d", f.name, f.value, f.least, f.most)
		}
	}
	for i, l := range s.Levels {
		if l.Channels < 2 || l.Channels > mostChannels || l.Blocks < 0 || l.Blocks > mostBlocks {
			return fault.Inputf("U-Net: level %d has %d channels and %d blocks: between 2 and %d, 0 and %d are possible",
				i, l.Channels, l.Blocks, mostChannels, mostBlocks)
		}
	}
	inTime := s.Time
	if inTime == 0 {
		inTime = 1 // which is not there
	}
	for _, taps := range []int{s.Kernel.Rows, s.Kernel.Columns, inTime} {
		if taps < 1 || taps > mostTaps || taps%2 == 0 {
			return fault.Inputf("U-Net: a kernel has %d taps: the number must be odd and at most %d", taps, mostTaps)
		}
	}
	if s.Spatial == 1 && (s.Kernel.Rows != 1 || s.Step.Rows != 1) {
		return fault.Inputf("U-Net: sequences have kernels and steps of one row, not %d and %d", s.Kernel.Rows, s.Step.Rows)
	}
	return nil
}

// CheckGrid returns an input error where a grid cannot be divided down to the
// coarsest level.
func (s Shape) CheckGrid(g Grid) error {
	columns := s.checkLength(g.Columns, s.Step.Columns, s.Kernel.Columns)
	if s.Spatial == 1 {
		if g.Rows != 1 {
			return fault.Inputf("a grid of %d x %d: a network along sequences takes one row", g.Rows, g.Columns)
		}
		if columns != nil {
			return fault.Inputf("a sequence of length %d: the length %w", g.Columns, columns)
		}
		return nil
	}
	if rows := s.checkLength(g.Rows, s.Step.Rows, s.Kernel.Rows); rows != nil {
		return fault.Inputf("a grid of %d x %d: the number of rows %w", g.Rows, g.Columns, rows)
	}
	if columns != nil {
		return fault.Inputf("a grid of %d x %d: the number of columns %w", g.Rows, g.Columns, columns)
	}
	return nil
}

// checkLength tells what is wrong with a number of rows or columns.
func (s Shape) checkLength(length, step, taps int) error {
	if length < 1 {
		return errors.New("must be positive")
	}
	levels, unit := len(s.Levels), 1
	for range levels - 1 {
		if unit *= step; unit > length {
			break
		}
	}
	if length%unit != 0 || unit > length {
		return fmt.Errorf("must be a multiple of %d^%d, the step between %d levels", step, levels-1, levels)
	}
	if s.Padding == kernel.Circular && length/unit < taps/2 {
		return fmt.Errorf("is too small: %d are left at the coarsest level, fewer than the kernel of %d reaches to one side", length/unit, taps)
	}
	return nil
}

// grid is that of a level.
func (s Shape) grid(g Grid, level int) Grid {
	for range level {
		g.Rows, g.Columns = g.Rows/s.Step.Rows, g.Columns/s.Step.Columns
	}
	return g
}

// hidden is the number of channels between the two kernels of a block.
func (s Shape) hidden(channels int) int { return max(s.Expansion, 1) * channels }
