package nn

import (
	"math"
	"math/rand/v2"

	"retrace/internal/fault"
	"retrace/internal/kernel"
)

const (
	// Frequencies is the number of frequencies pi, 2 pi, ... of the Fourier
	// features of a noise time.
	Frequencies = 16
	// embeddingWidth is the hidden width of the embedding.
	embeddingWidth = 256
)

// Shape tells networks apart. All fields are positive; Width is at least 2 and
// Kernel is odd.
type Shape struct {
	In, Out   int // channels of the input and of the output
	Width     int // channels of the residual stream
	Blocks    int // residual blocks
	Kernel    int // taps in time: 1 makes a residual MLP of every time on its own
	Embedding int // length of the embedding of the noise time
}

// Validate returns an input error that names the field at fault.
func (s Shape) Validate() error {
	const limit = 1 << 16
	for _, f := range []struct {
		name     string
		value    int
		smallest int
	}{
		{"input channels", s.In, 1}, {"output channels", s.Out, 1}, {"width", s.Width, 2},
		{"blocks", s.Blocks, 1}, {"kernel", s.Kernel, 1}, {"embedding", s.Embedding, 1},
	} {
		if f.value < f.smallest || f.value > limit {
			return fault.Inputf("network: %s is %d, it must be between %d and %d", f.name, f.value, f.smallest, limit)
		}
	}
	if s.Kernel%2 == 0 {
		return fault.Inputf("network: kernel is %d, it must be odd", s.Kernel)
	}
	return nil
}

// halo is the number of zero times on each side of a sequence.
func (s Shape) halo() int { return (s.Kernel - 1) / 2 }

// Network holds the parameters of a score network, in float32.
type Network struct {
	shape      Shape
	slab       []float32
	parameters []Parameter
	layers     layers
}

// Parameter is a named part of the slab of a network.
type Parameter struct {
	Name  string
	Shape []int     // (out, in, kernel), (out, in) or (out)
	Data  []float32 // row-major view of the slab
}

// New returns a network of the given shape with all parameters zero.
func New(shape Shape) (*Network, error) {
	if err := shape.Validate(); err != nil {
		return nil, err
	}
	l := newLayers(shape)
	n := &Network{shape: shape, layers: l, slab: kernel.Slab(l.size)}
	for _, layer := range l.all() {
		n.parameters = append(n.parameters,
			Parameter{layer.name + ".weight", layer.shape, layer.weight(n.slab)},
			Parameter{layer.name + ".bias", []int{layer.out}, layer.bias(n.slab)})
	}
	return n, nil
}

// Shape returns the shape of the network.
func (n *Network) Shape() Shape { return n.shape }

// Slab returns all parameters, in the order of Parameters and without gaps. It
// is the network's own memory.
func (n *Network) Slab() []float32 { return n.slab }

// Parameters lists the named views of the slab:
//
//	embedding.0.weight (256, 32), embedding.1.weight (Embedding, 256)
//	input.weight (Width, In, Kernel)
//	blocks.N.shift.weight (Width, Embedding)
//	blocks.N.first.weight, blocks.N.second.weight (Width, Width, Kernel)
//	output.weight (Out, Width, Kernel)
//
// each followed by its bias.
func (n *Network) Parameters() []Parameter { return n.parameters }

// Init draws the parameters of every layer from the uniform law on
// +-1/sqrt(fan-in), PyTorch's default, but sets the output layer to zero: a
// fresh network returns zero.
func (n *Network) Init(r *rand.Rand) {
	for _, layer := range n.layers.all() {
		bound := 1 / math.Sqrt(float64(layer.in*layer.taps))
		if layer == n.layers.output {
			bound = 0
		}
		for _, values := range [][]float32{layer.weight(n.slab), layer.bias(n.slab)} {
			for i := range values {
				values[i] = float32(bound * (2*r.Float64() - 1))
			}
		}
	}
}
