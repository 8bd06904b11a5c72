package sda

import (
	"fmt"

	"retrace/internal/nn/unet"
	"retrace/scoresum"
)

// SequenceUNet is the arguments of "global-unet-1d": a U-Net along time, on whole
// trajectories, whose channels are the values of a state.
type SequenceUNet struct {
	Channels int `toml:"channels,required" json:"channels" doc:"values of a state"`
	Levels   `toml:",inline"`
}

func (a *SequenceUNet) problems() []error {
	var c checks
	c.between("channels", a.Channels, 1, mostChannels)
	a.Levels.check(&c, 1)
	return c
}

func (a *SequenceUNet) window() int { return 0 }

func (a *SequenceUNet) checkState(state []int) error {
	if len(state) != 1 || state[0] != a.Channels {
		return fmt.Errorf("states have the shape %s, but those of the network are (%d)", shapeText(state), a.Channels)
	}
	return nil
}

func (a *SequenceUNet) build(s *source, activation string) network {
	return &fields{
		network: takeUNet(s, "score.", a.Levels.shape(a.Channels, 1, activation)),
		size: func(length int, _ []int) unet.Size {
			return unet.Size{Batch: 1, Frames: 1, Grid: unet.Grid{Rows: 1, Columns: length}, ChannelsLast: true}
		},
		windows: func(length int, _ []int) (int, []scoresum.Piece, error) {
			return length, overlapping(length, length, 0), nil
		},
	}
}
