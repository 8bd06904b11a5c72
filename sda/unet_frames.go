package sda

import (
	"fmt"
	"math"

	"retrace/internal/nn/unet"
	"retrace/scoresum"
)

// FrameUNet is the arguments of "qg-unet", the network of branch qg for the
// two-layer quasi-geostrophic model: a U-Net on fields that all states of a
// trajectory share, and between its levels blocks that mix the states in time, so
// that it takes whole trajectories of any length. Its blocks widen the channels by
// Expansion, and their second kernel is one pixel.
//
// Behind the channels of a state come fixed channels. Where the file has a tensor
// of the shape (context, rows, columns), they are this; otherwise there are four,
// cos y, cos x, sin y and sin x, of the coordinates y = 2 pi row/rows and
// x = 2 pi column/columns.
type FrameUNet struct {
	Channels  int `toml:"channels" json:"channels" doc:"channels of a state"`
	Features  int `toml:"features" json:"-" doc:"the same, under another name"`
	Spatial   int `toml:"spatial" json:"-" doc:"dimensions of the field: 2"`
	Context   int `toml:"context" json:"context" doc:"fixed channels that follow those of the state; -1: what the weights have"`
	Expansion int `toml:"expansion" json:"expansion" doc:"factor by which blocks widen the channels"`
	Temporal  int `toml:"temporal_kernel_size" json:"temporal_kernel_size" doc:"states that a block in time mixes, odd"`
	Levels    `toml:",inline"`
}

func (a *FrameUNet) problems() []error {
	var c checks
	if a.Channels == 0 {
		a.Channels = a.Features
	}
	c.between("channels", a.Channels, 1, mostChannels)
	if a.Features != 0 {
		c.between("features", a.Features, a.Channels, a.Channels)
	}
	c.between("spatial", a.Spatial, 2, 2)
	c.between("context", a.Context, anySize, mostChannels)
	c.between("expansion", a.Expansion, 1, mostTaps)
	c.odd("temporal_kernel_size", a.Temporal)
	a.Levels.check(&c, 2)
	return c
}

func (a *FrameUNet) window() int { return 0 }

func (a *FrameUNet) checkState(state []int) error { return checkField(state, a.Channels, 2) }

func (a *FrameUNet) build(s *source, activation string) network {
	s.names = frameNames(s.file, len(a.HiddenChannels))
	shape := a.Levels.shape(a.Channels, 2, activation)
	shape.Expansion, shape.Time, shape.Context = a.Expansion, a.Temporal, a.contextOf(s)
	f := &fields{network: takeUNet(s, "", shape), size: func(length int, state []int) unet.Size {
		return unet.Size{Batch: 1, Frames: length, Grid: fieldGrid(state)}
	}}
	f.windows = func(length int, state []int) (int, []scoresum.Piece, error) {
		window, err := f.window(length, state, a.reach())
		return window, overlapping(length, window, a.reach()), err
	}
	switch name := s.fixed(shape.Context); {
	case s.failed() || shape.Context == 0:
	case name != "":
		f.context, f.contextShape = s.take(name, shape.Context, anySize, anySize), s.shape(name)
	case shape.Context == len(waves):
		f.waves = true
	case s.file != nil:
		s.fault = fmt.Errorf("there is no tensor (%d, any, any) with the fixed channels", shape.Context)
	}
	return f
}

// reach is the number of states to each side that a state depends on.
func (a *FrameUNet) reach() int { return 2 * (len(a.HiddenChannels) - 1) * (a.Temporal / 2) }

// Limits of a window of frames.
const (
	windowMemory = 2 << 30 // bytes, if it can be
	mostFrames   = 64
)

// window is the number of frames to evaluate at once: as many as the limits allow,
// but enough that it is worth while to compute those at the ends in vain.
func (f *fields) window(length int, state []int, reach int) (int, error) {
	least := min(length, 4*reach+1)
	window := max(least, min(length, mostFrames))
	for {
		memory, err := unet.Memory(f.network, f.size(window, state))
		if err != nil || memory <= windowMemory || window == least {
			return window, err
		}
		window = max(least, window*3/4)
	}
}

// overlapping returns windows that give those of their states alone which are at
// least reach away from their ends, or from which the trajectory ends first: what
// is beyond a window does not matter to these.
func overlapping(length, window, reach int) []scoresum.Piece {
	var pieces []scoresum.Piece
	for start, done := 0, 0; done < length; start = min(start+window-2*reach, length-window) {
		piece := scoresum.Piece{Start: start, Weights: make([]float32, window)}
		end := start + window - reach
		if start+window == length {
			end = length
		}
		for i := done; i < end; i++ {
			piece.Weights[i-start] = 1
		}
		pieces, done = append(pieces, piece), end
	}
	return pieces
}

// contextOf is the number of fixed channels, that of the weights if the
// architecture does not say.
func (a *FrameUNet) contextOf(s *source) int {
	if a.Context >= 0 {
		return a.Context
	}
	if shape := s.shape("network.heads.0.weight"); len(shape) > 1 {
		return max(shape[1]-a.Channels, 0)
	}
	return 0
}

// waves are the fixed channels of the network for the QG model.
var waves = []func(row, column float64) float64{
	func(y, _ float64) float64 { return math.Cos(y) }, func(_, x float64) float64 { return math.Cos(x) },
	func(y, _ float64) float64 { return math.Sin(y) }, func(_, x float64) float64 { return math.Sin(x) },
}

// wavesOn are the waves on a grid, one plane after the other.
func wavesOn(g unet.Grid) []float32 {
	var planes []float32
	for _, wave := range waves {
		for i := range g.Rows {
			for j := range g.Columns {
				y, x := 2*math.Pi*float64(i)/float64(g.Rows), 2*math.Pi*float64(j)/float64(g.Columns)
				planes = append(planes, float32(wave(y, x)))
			}
		}
	}
	return planes
}
