package kernel

// ChannelUnit is the padding of the channels of an Image: one AVX-512 vector.
const ChannelUnit = 16

// Image is a view of a batch of images with channels last: value c of the pixel
// in row y and column x of image n is
//
//	Data[((n*Height+y)*Width+x)*Stride + c].
//
// Channels and Stride are multiples of ChannelUnit; Stride > Channels views some
// of the channels of wider images, such as one part of a concatenation.
type Image struct {
	Data                           []float32
	Batch, Height, Width, Channels int
	Stride                         int // values from a pixel to the next
}

// NewImage allocates zero images whose data starts on a cache line.
func NewImage(batch, height, width, channels int) Image {
	return Image{Slab(batch * height * width * channels), batch, height, width, channels, channels}
}

// Matrix views the pixels of all images as rows, in the order of memory.
func (m Image) Matrix() Matrix {
	return Matrix{Data: m.Data, Rows: m.Batch * m.Height * m.Width, Columns: m.Channels, Stride: m.Stride}
}

// Part views count channels from the given one on.
func (m Image) Part(first, count int) Image {
	if first < 0 || count < 0 || first+count > m.Channels {
		panic("kernel: part leaves the channels")
	}
	part := m
	part.Data, part.Channels = m.Data[first:], count
	return part
}

// check panics where the view leaves its data or is not padded.
func (m Image) check() {
	if m.Batch < 1 || m.Height < 1 || m.Width < 1 || m.Channels < 1 {
		panic("kernel: empty image")
	}
	if m.Channels%ChannelUnit != 0 || m.Stride%ChannelUnit != 0 {
		panic("kernel: channels of an image are not padded")
	}
	if m.Stride < m.Channels {
		panic("kernel: pixels of an image overlap")
	}
	m.Matrix().check()
}

// pixels is the number of pixels of one image.
func (m Image) pixels() int { return m.Height * m.Width }

// at returns the data from the first value of image n on.
func (m Image) at(n int) []float32 { return m.Data[n*m.pixels()*m.Stride:] }
