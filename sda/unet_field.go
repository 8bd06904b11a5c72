package sda

import (
	"retrace/internal/nn/unet"
	"retrace/scoresum"
)

// FieldUNet is the arguments of "mcscore-unet": a U-Net on a field of Spatial
// dimensions, whose channels are the features of the 2k+1 states of a window one
// after the other, and behind them the context, if any: fixed channels from the
// tensor kernel.forcing, as of the authors' network for the Kolmogorov flow.
type FieldUNet struct {
	Features int `toml:"features,required" json:"features" doc:"channels of a state"`
	Order    int `toml:"order,required" json:"order" doc:"k: windows have 2k+1 states"`
	Spatial  int `toml:"spatial" json:"spatial" doc:"dimensions of the field, 1 or 2"`
	Context  int `toml:"context" json:"context" doc:"fixed channels that follow those of the window"`
	Levels   `toml:",inline"`
}

func (a *FieldUNet) problems() []error {
	var c checks
	c.between("features", a.Features, 1, mostChannels)
	c.between("order", a.Order, 1, mostLayers)
	c.between("spatial", a.Spatial, 1, 2)
	c.between("context", a.Context, 0, mostChannels)
	c.between("features (2 order + 1)", a.Features*a.window(), 1, mostChannels)
	a.Levels.check(&c, a.Spatial)
	return c
}

func (a *FieldUNet) window() int { return 2*a.Order + 1 }

func (a *FieldUNet) checkState(state []int) error { return checkField(state, a.Features, a.Spatial) }

func (a *FieldUNet) build(s *source, activation string) network {
	shape := a.Levels.shape(a.Features*a.window(), a.Spatial, activation)
	shape.Context = a.Context
	f := &fields{
		network: takeUNet(s, "kernel.", shape),
		size: func(_ int, state []int) unet.Size {
			return unet.Size{Batch: 1, Frames: 1, Grid: fieldGrid(state)}
		},
		windows: func(length int, _ []int) (int, []scoresum.Piece, error) {
			pieces, err := scoresum.Compose("centre", length, a.window(), 0)
			return a.window(), pieces, err
		},
	}
	if a.Context > 0 {
		f.context = s.take("kernel.forcing", []int{a.Context, anySize, anySize}[:1+a.Spatial]...)
		f.contextShape = s.shape("kernel.forcing")
	}
	return f
}
