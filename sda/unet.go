package sda

import (
	"fmt"

	"retrace/internal/kernel"
)

// The U-Net has levels of B_i blocks on the way down and B_i on the way up. Level 0
// has the size of the field, each further one is smaller by the stride:
//
//	h_0 = head_0(x),  h_i = head_i(h_(i-1)) with stride,  then the blocks of level i
//	h_(i-1) = h_(i-1) + tail_i(up(LN(h_i)))               after the blocks on the way up
//	y = tail_0(h_0)
//
// with nearest interpolation as up. Blocks are those of block.go, whose shift is
// a linear function of the time embedding. The skips are added, so one buffer a
// level serves both ways, and in the pull another one.

// Levels is what the arguments of U-Nets have in common.
type Levels struct {
	Embedding      int    `toml:"embedding,required" json:"embedding" doc:"features of the time embedding"`
	HiddenChannels []int  `toml:"hidden_channels,required" json:"hidden_channels" doc:"channels of each level"`
	HiddenBlocks   []int  `toml:"hidden_blocks,required" json:"hidden_blocks" doc:"residual blocks of each level, as many down as up"`
	KernelSize     int    `toml:"kernel_size" json:"kernel_size" doc:"odd size of all kernels"`
	Stride         int    `toml:"stride" json:"stride" doc:"from level to level"`
	PaddingMode    string `toml:"padding_mode" json:"padding_mode" doc:"circular or zeros"`
}

func (l Levels) check(c *checks) {
	c.between("embedding", l.Embedding, 1, mostChannels)
	c.eachBetween("hidden_channels", l.HiddenChannels, 2, mostChannels)
	c.eachBetween("hidden_blocks", l.HiddenBlocks, 0, mostLayers)
	if len(l.HiddenBlocks) != len(l.HiddenChannels) || len(l.HiddenBlocks) == 0 {
		*c = append(*c, fmt.Errorf("hidden_blocks has %d values and hidden_channels %d: give both for every level", len(l.HiddenBlocks), len(l.HiddenChannels)))
	}
	c.between("kernel_size", l.KernelSize, 1, mostLayers)
	if l.KernelSize%2 == 0 {
		*c = append(*c, fmt.Errorf("kernel_size = %d: must be odd", l.KernelSize))
	}
	c.between("stride", l.Stride, 1, mostLayers)
	if l.PaddingMode != "circular" && l.PaddingMode != "zeros" {
		*c = append(*c, fmt.Errorf("padding_mode = %q: must be circular or zeros", l.PaddingMode))
	}
}

// checkSize tells whether a dimension of the field can be halved, and so on, down
// to the last level; what names the dimension.
func (l Levels) checkSize(what string, size int) error {
	for level := range l.HiddenChannels {
		if level > 0 && size%l.Stride != 0 {
			return fmt.Errorf("%s cannot be divided by the stride %d for level %d, where there are %d: use a multiple of stride^%d",
				what, l.Stride, level, size, len(l.HiddenChannels)-1)
		}
		if level > 0 {
			size /= l.Stride
		}
		if l.PaddingMode == "circular" && size < l.KernelSize/2 {
			return fmt.Errorf("%s is too small: level %d has %d, fewer than half the kernel of %d", what, level, size, l.KernelSize)
		}
	}
	return nil
}

func (l Levels) form(spatial int) form {
	f := form{[2]int{1, l.KernelSize}, [2]int{1, l.Stride}, l.PaddingMode == "circular", spatial}
	if spatial == 2 {
		f.kernel[0], f.stride[0] = l.KernelSize, l.Stride
	}
	return f
}

// modulated is a residual block with the layer that makes its shift.
type modulated struct {
	block
	project linear
}

type level struct {
	channels     int
	head, tail   *convolution
	down, upward []modulated
}

// unet is the network on fields of in channels, with context channels beside them
// that are the same for all.
type unet struct {
	in           int
	stride       [2]int
	embedding    embedding
	levels       []level
	context      []float32 // planes
	contextShape []int     // channels and size; nil without context
	lay          lay
}

// takeUNet takes the tensors below the prefix in the order of the file.
func takeUNet(s *source, prefix string, l Levels, spatial, in, context int, name string) *unet {
	f := l.form(spatial)
	u := &unet{in: in, stride: f.stride, levels: make([]level, len(l.HiddenChannels))}
	u.embedding = takeEmbedding(s, prefix+".embedding", l.Embedding)
	last := len(u.levels) - 1
	blocks := func(way string, place, channels, count int) []modulated {
		var list []modulated
		for i := range count {
			if s.failed() {
				break
			}
			path := fmt.Sprintf("%s.network.%s.%d.%d", prefix, way, place, i)
			list = append(list, modulated{project: takeLinear(s, path+".project.0", l.Embedding, channels), block: block{
				takeConvolution(s, path+".residue.1", channels, channels, f.plain()),
				takeConvolution(s, path+".residue.3", channels, channels, f.plain()), activationNamed(name),
			}})
		}
		return list
	}
	for i := range u.levels {
		v := &u.levels[i]
		v.channels = l.HiddenChannels[i]
		head, tail := fmt.Sprintf("%s.network.heads.%d", prefix, i), fmt.Sprintf("%s.network.tails.%d", prefix, last-i)
		if i == 0 {
			v.head = takeConvolution(s, head, in+context, v.channels, f.plain())
			v.tail = takeConvolution(s, tail, v.channels, in, f.plain())
		} else {
			below := l.HiddenChannels[i-1]
			v.head = takeConvolution(s, head+".0", below, v.channels, f)
			v.tail = takeConvolution(s, tail+".2", v.channels, below, f.plain())
		}
		v.down = blocks("descent", i, v.channels, l.HiddenBlocks[i])
		v.upward = blocks("ascent", last-i, v.channels, l.HiddenBlocks[i])
	}
	return u
}

func (u *unet) batch() int { return 1 }

func (u *unet) checkState(state []int) error {
	if u.contextShape != nil && !fits(state[1:], u.contextShape[1:]) {
		return fmt.Errorf("fields have the shape %s, but the network has a forcing of %s", shapeText(state[1:]), shapeText(u.contextShape[1:]))
	}
	return nil
}

// condition computes the shifts of all blocks, level by level, down and up.
func (u *unet) condition(t float64) condition {
	e := u.embedding.at(t)
	var c condition
	for _, v := range u.levels {
		for _, b := range append(append([]modulated{}, v.down...), v.upward...) {
			shift := kernel.Slab(pitchOf(v.channels))
			for i, x := range b.project.apply(e) {
				shift[i] = float32(x)
			}
			c.shifts = append(c.shifts, shift)
		}
	}
	return c
}
