package kernel

// Padding says what lies outside an image.
type Padding int

// The paddings.
const (
	Circular Padding = iota // the image repeats
	Zeros                   // zeros
)

// Algorithm is a way to compute a convolution.
type Algorithm int

// The algorithms. They agree to rounding: against float64, the relative error of a
// result in the 2-norm is below 1e-6 for Direct and below 3e-6 for Winograd with up
// to 192 channels (7e-7 and 1.3e-6 measured), and grows with the root of their
// number: 1e-6 for Direct with 352. A pixel of Winograd's result is computed
// with all 6 x 6 pixels of the source around its tile, so one that is infinite or
// not a number spoils the whole tile. Winograd's weights are four times as large:
// on grids of 4 x 4 pixels and fewer Direct is as fast.
const (
	Auto     Algorithm = iota // Winograd where it applies, which is where it is faster
	Direct                    // the definition, tap by tap
	Winograd                  // F(4x4, 3x3): size 3 and step 1 only
)

// Convolution is the shape of a convolution of images,
//
//	y(n, i, j, o) = sum over ky, kx, c of w(ky, kx, c, o) x(n, Step i + ky - h, Step j + kx - h, c),
//
// where ky and kx run from 0 to Size-1 and h = (Size-1)/2. Its result has
// ceil(Height/Step) x ceil(Width/Step) pixels, as in PyTorch with padding h.
//
// Weights are in the order w[ky][kx][in][out], out contiguous; In and Out are
// multiples of ChannelUnit. Weights of channels that pad are zero, and so are
// their gradients if those channels of the images are.
type Convolution struct {
	Size      int // odd: taps a side
	Step      int // 1 or 2: pixels of the source per pixel of the result
	In, Out   int // channels
	Padding   Padding
	Algorithm Algorithm
}

// WeightSize is the number of weights, Size x Size x In x Out.
func (c Convolution) WeightSize() int { return c.Size * c.Size * c.In * c.Out }

// Grid returns the height and width of the result for those of the source.
func (c Convolution) Grid(height, width int) (int, int) {
	return (height + c.Step - 1) / c.Step, (width + c.Step - 1) / c.Step
}

// winograd tells which algorithm the convolution uses.
func (c Convolution) winograd() bool {
	applies := c.Size == 3 && c.Step == 1
	if c.Algorithm == Winograd && !applies {
		panic("kernel: Winograd's algorithm is for size 3 and step 1")
	}
	return applies && c.Algorithm != Direct
}

func (c Convolution) check() {
	if c.Size < 1 || c.Size%2 == 0 || c.Step != 1 && c.Step != 2 {
		panic("kernel: size or step of a convolution out of range")
	}
	if c.In < 1 || c.Out < 1 || c.In%ChannelUnit != 0 || c.Out%ChannelUnit != 0 {
		panic("kernel: channels of a convolution are not padded")
	}
	c.winograd()
}

// taps is the number of pixels under the filter.
func (c Convolution) taps() int { return c.Size * c.Size }

// half is the reach of the filter.
func (c Convolution) half() int { return c.Size / 2 }

// Extra is what Forward and PullInput add to their result. The zero value adds
// nothing.
type Extra struct {
	Bias []float32 // a value a channel, or nil
	Add  Image     // of the shape of the result, which it may be; no Data: none
}
