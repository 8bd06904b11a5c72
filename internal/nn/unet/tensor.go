package unet

// float is the type of all numbers of a network: float32 on the kernels, or
// float64 where tests check the algebra.
type float interface{ float32 | float64 }

// A tensor is a batch of images with channels last: value c of pixel p, counted
// over all images and rows, is data[p*pitch+c]. Channels from channels to pitch
// are zero.
type tensor[T float] struct {
	images int
	Grid
	channels, pitch int
	data            []T
}

// pixels is the number of pixels of an image.
func (g Grid) pixels() int { return g.Rows * g.Columns }

// rows is the number of pixels of all images.
func (t tensor[T]) rows() int { return t.images * t.pixels() }

// row is a pixel, counted over all images.
func (t tensor[T]) row(p int) []T { return t.data[p*t.pitch:][:t.pitch:t.pitch] }

// part views some of the images.
func (t tensor[T]) part(first, count int) tensor[T] {
	t.images = count
	if size := t.pixels() * t.pitch; t.data != nil {
		t.data = t.data[first*size:][: count*size : count*size]
	}
	return t
}

// an arena cuts memory for tensors out of one slab. Without a slab it only
// counts.
type arena[T float] struct {
	engine engine[T]
	slab   []T
	used   int
}

// arenaUnit keeps tensors on cache lines.
const arenaUnit = 16

func (a *arena[T]) values(n int) []T {
	first := a.used
	a.used += (n + arenaUnit - 1) / arenaUnit * arenaUnit
	if a.slab == nil {
		return nil
	}
	return a.slab[first:][:n:n]
}

// tensor is zero at first, and with it the channels that pad.
func (a *arena[T]) tensor(images int, g Grid, channels int) tensor[T] {
	t := tensor[T]{images: images, Grid: g, channels: channels, pitch: a.engine.pitch(channels)}
	t.data = a.values(t.rows() * t.pitch)
	return t
}
