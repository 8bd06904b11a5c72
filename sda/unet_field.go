package sda

import "fmt"

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
	a.Levels.check(&c)
	return c
}

func (a *FieldUNet) window() int { return 2*a.Order + 1 }

func (a *FieldUNet) checkState(_ int, state []int) error {
	if len(state) != 1+a.Spatial || state[0] != a.Features {
		want := []int{a.Features, anySize, anySize}
		return fmt.Errorf("states have the shape %s, but those of the network are %s", shapeText(state), shapeText(want[:1+a.Spatial]))
	}
	for i, size := range state[1:] {
		if err := a.checkSize(fmt.Sprintf("dimension %d of the field, %d,", i+1, size), size); err != nil {
			return err
		}
	}
	return nil
}

func (a *FieldUNet) build(s *source, activation string) network {
	u := takeUNet(s, "kernel", a.Levels, a.Spatial, a.Features*a.window(), a.Context, activation)
	if a.Context > 0 {
		shape := []int{a.Context, anySize, anySize}[:1+a.Spatial]
		u.context = s.take("kernel.forcing", shape...)
		u.contextShape = s.shape("kernel.forcing")
	}
	u.lay = lay{size: func(_ int, state []int) grid {
		if len(state) == 2 {
			return grid{1, state[1]}
		}
		return grid{state[1], state[2]}
	}}
	return u
}
