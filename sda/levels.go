package sda

import (
	"encoding/json"
	"fmt"

	"retrace/internal/kernel"
	"retrace/internal/nn"
	"retrace/internal/nn/unet"
	"retrace/internal/strict"
)

// Levels is what the arguments of U-Nets have in common.
type Levels struct {
	Embedding      int     `toml:"embedding,required" json:"embedding" doc:"features of the time embedding"`
	HiddenChannels []int   `toml:"hidden_channels,required" json:"hidden_channels" doc:"channels of each level"`
	HiddenBlocks   []int   `toml:"hidden_blocks,required" json:"hidden_blocks" doc:"residual blocks of each level, as many down as up"`
	KernelSize     PerAxis `toml:"kernel_size" json:"kernel_size" doc:"odd size of all kernels; a list gives one for each dimension"`
	Stride         PerAxis `toml:"stride" json:"stride" doc:"from level to level; a list gives one for each dimension"`
	PaddingMode    string  `toml:"padding_mode" json:"padding_mode" doc:"circular or zeros"`
}

// PerAxis is a number for all dimensions of a field, or one for each: rows and
// columns.
type PerAxis []int

// DecodeTOML reads a number or a list.
func (p *PerAxis) DecodeTOML(v strict.Value) {
	if _, ok := v.Any.([]any); ok {
		v.Bind((*[]int)(p))
		return
	}
	var n int
	v.Bind(&n)
	*p = PerAxis{n}
}

// UnmarshalJSON reads a number or a list.
func (p *PerAxis) UnmarshalJSON(text []byte) error {
	var n int
	if json.Unmarshal(text, &n) == nil {
		*p = PerAxis{n}
		return nil
	}
	return json.Unmarshal(text, (*[]int)(p))
}

// grid is the number for rows and columns; sequences have one row.
func (p PerAxis) grid(spatial int) unet.Grid {
	g := unet.Grid{Rows: p[0], Columns: p[len(p)-1]}
	if spatial == 1 {
		g.Rows = 1
	}
	return g
}

func (p PerAxis) check(c *checks, name string, spatial int) {
	if len(p) != 1 && len(p) != spatial {
		*c = append(*c, fmt.Errorf("%s has %d values: give one, or one for each of %d dimensions", name, len(p), spatial))
	}
	for _, n := range p {
		c.between(name, n, 1, mostTaps)
	}
}

func (l Levels) check(c *checks, spatial int) {
	c.between("embedding", l.Embedding, 1, mostChannels)
	c.eachBetween("hidden_channels", l.HiddenChannels, 2, mostChannels)
	c.eachBetween("hidden_blocks", l.HiddenBlocks, 0, mostLayers)
	if n := len(l.HiddenBlocks); n != len(l.HiddenChannels) || n == 0 || n > mostLevels {
		*c = append(*c, fmt.Errorf("hidden_blocks has %d values and hidden_channels %d: give both for every level, %d at most", n, len(l.HiddenChannels), mostLevels))
	}
	l.KernelSize.check(c, "kernel_size", spatial)
	for _, n := range l.KernelSize {
		c.odd("kernel_size", n)
	}
	l.Stride.check(c, "stride", spatial)
	if l.PaddingMode != "circular" && l.PaddingMode != "zeros" {
		*c = append(*c, fmt.Errorf("padding_mode = %q: must be circular or zeros", l.PaddingMode))
	}
}

// shape is that of the network on fields of so many channels.
func (l Levels) shape(channels, spatial int, activation string) unet.Shape {
	f, ok := nn.ActivationNamed(activation)
	if !ok {
		panic("sda: unknown activation " + activation)
	}
	s := unet.Shape{
		In: channels, Out: channels, Embedding: l.Embedding, Spatial: spatial,
		Kernel: l.KernelSize.grid(spatial), Step: l.Stride.grid(spatial), Function: f,
	}
	if l.PaddingMode == "zeros" {
		s.Padding = kernel.Zeros
	}
	for i, c := range l.HiddenChannels {
		s.Levels = append(s.Levels, unet.Level{Channels: c, Blocks: l.HiddenBlocks[i]})
	}
	return s
}

// fieldGrid is the grid of a state (channels, columns) or (channels, rows,
// columns).
func fieldGrid(state []int) unet.Grid {
	if len(state) == 2 {
		return unet.Grid{Rows: 1, Columns: state[1]}
	}
	return unet.Grid{Rows: state[1], Columns: state[2]}
}

// checkField tells why a state is none of so many channels and dimensions.
func checkField(state []int, channels, spatial int) error {
	if len(state) != 1+spatial || state[0] != channels {
		want := []int{channels, anySize, anySize}
		return fmt.Errorf("states have the shape %s, but those of the network are %s", shapeText(state), shapeText(want[:1+spatial]))
	}
	return nil
}
