package sda

import "fmt"

// SequenceUNet is the arguments of "global-unet-1d": a U-Net along time, on whole
// trajectories, whose channels are the values of a state.
type SequenceUNet struct {
	Channels int `toml:"channels,required" json:"channels" doc:"values of a state"`
	Levels   `toml:",inline"`
}

func (a *SequenceUNet) problems() []error {
	var c checks
	c.between("channels", a.Channels, 1, mostChannels)
	a.Levels.check(&c)
	return c
}

func (a *SequenceUNet) window() int { return 0 }

func (a *SequenceUNet) checkState(length int, state []int) error {
	if len(state) != 1 || state[0] != a.Channels {
		return fmt.Errorf("states have the shape %s, but those of the network are (%d)", shapeText(state), a.Channels)
	}
	return a.checkSize(fmt.Sprintf("the length of %d states", length), length)
}

func (a *SequenceUNet) build(s *source, activation string) network {
	u := takeUNet(s, "score", a.Levels, 1, a.Channels, 0, activation)
	u.lay = lay{rows: true, size: func(length int, _ []int) grid { return grid{1, length} }}
	return u
}
