package nn

import (
	"strconv"

	"retrace/internal/kernel"
)

// A layer is a convolution over time with bias, y[t] = b + sum_j W_j x[t+j-h],
// and its place in the slab. With one tap it is a linear map.
//
// In memory x and y are rows of channels, padded with zeros to inPitch and
// outPitch. The taps of a time are consecutive rows, so the whole convolution
// is one matrix product whose rows overlap.
type layer struct {
	name              string
	in, out, taps     int
	inPitch, outPitch int
	shape             []int // of the weight
	offset            int   // of the weight in the slab; the bias follows
}

func (l *layer) weightSize() int { return l.out * l.in * l.taps }

func (l *layer) weight(slab []float32) []float32 {
	return slab[l.offset:][:l.weightSize():l.weightSize()]
}

func (l *layer) bias(slab []float32) []float32 {
	return slab[l.offset+l.weightSize():][:l.out:l.out]
}

// block holds the layers of h + second(SiLU(first(LN(h + shift(e))))).
type block struct{ shift, first, second *layer }

// layers lists the layers of a network and lays out their slab.
type layers struct {
	embedding     [2]*layer
	input, output *layer
	blocks        []block
	size          int
}

func newLayers(s Shape) layers {
	l := layers{
		embedding: [2]*layer{
			linear("embedding.0", 2*Frequencies, embeddingWidth),
			linear("embedding.1", embeddingWidth, s.Embedding),
		},
		input:  convolution("input", s.In, s.Width, s.Kernel),
		output: convolution("output", s.Width, s.Out, s.Kernel),
	}
	// The input is never the result of a product, so it needs less padding.
	l.input.inPitch = kernel.RoundUp(s.In, kernel.RowUnit)
	for i := range s.Blocks {
		name := "blocks." + strconv.Itoa(i)
		l.blocks = append(l.blocks, block{
			linear(name+".shift", s.Embedding, s.Width),
			convolution(name+".first", s.Width, s.Width, s.Kernel),
			convolution(name+".second", s.Width, s.Width, s.Kernel),
		})
	}
	for _, layer := range l.all() {
		layer.offset = l.size
		l.size += layer.weightSize() + layer.out
	}
	return l
}

// all lists the layers in the order of the slab.
func (l *layers) all() []*layer {
	all := []*layer{l.embedding[0], l.embedding[1], l.input}
	for _, b := range l.blocks {
		all = append(all, b.shift, b.first, b.second)
	}
	return append(all, l.output)
}

func linear(name string, in, out int) *layer {
	l := convolution(name, in, out, 1)
	l.shape = []int{out, in}
	return l
}

func convolution(name string, in, out, taps int) *layer {
	return &layer{
		name: name, in: in, out: out, taps: taps, shape: []int{out, in, taps},
		inPitch: kernel.RoundUp(in, kernel.ColumnUnit), outPitch: kernel.RoundUp(out, kernel.ColumnUnit),
	}
}

// columns is the number of values of x that meet one of y, padded.
func (l *layer) columns() int { return kernel.RoundUp(l.taps*l.inPitch, kernel.ColumnUnit) }
