package unet

import (
	"math/rand/v2"

	"retrace/internal/nn"
)

// Network holds the parameters of a U-Net and, after Refresh, the filters made
// from them, which any number of workspaces may use at once.
type Network struct{ own *network[float32] }

// New returns a network of the given shape with all parameters zero. The error is
// an input error.
func New(shape Shape) (*Network, error) {
	if err := shape.Validate(); err != nil {
		return nil, err
	}
	n := newNetwork(shape, engine[float32](newKernels(1)))
	n.allocate()
	return &Network{n}, nil
}

// Shape returns the shape of the network.
func (n *Network) Shape() Shape { return n.own.shape }

// Slab returns all parameters, the network's own memory, in the order of the
// kernels and padded with zeros: for an optimiser, and for checkpoints of it.
// Named and Assign exchange them with the order of PyTorch. Whoever changes it
// must not change what pads, and must call Refresh.
func (n *Network) Slab() []float32 { return n.own.slab }

// Init draws the parameters of every layer, the last one too, from the uniform
// law on +-1/sqrt(fan-in), PyTorch's default.
func (n *Network) Init(r *rand.Rand) { n.own.init(r) }

// Refresh makes the filters from the parameters. No workspace may be at work.
func (n *Network) Refresh() { n.own.refresh() }

// Named returns copies of the parameters in a slab of the layout of Slab, such
// as the moving average of an optimiser, under their names in PyTorch and in
// PyTorch's order. With the prefix of the module they are its state_dict:
//
//	embedding.{0,2}.{weight,bias}
//	network.heads.I, network.heads.I.0 for I > 0       convolution to level I
//	network.heads.I.1.{0,2}                            mixing of frames behind it
//	network.tails.J, network.tails.J.2 but for the last  from level L-1-J
//	network.tails.J.0.{0,2}, network.tails.J.3         the same where frames are mixed
//	network.tails.J.skip                               map of the skip, if concatenated
//	network.descent.I.B.project.0, .residue.{1,3}      block B of level I on the way down
//	network.ascent.J.B.project.0, .residue.{1,3}       block B of level L-1-J on the way up
func (n *Network) Named(slab []float32) []nn.Parameter {
	var list []nn.Parameter
	for _, l := range n.own.layers {
		weight := make([]float32, 0, l.out*l.in*l.taps.pixels())
		l.each(slab, func(w *float32) { weight = append(weight, *w) })
		list = append(list,
			nn.Parameter{Name: l.name + ".weight", Shape: l.shape, Data: weight},
			nn.Parameter{Name: l.name + ".bias", Shape: []int{l.out}, Data: append([]float32(nil), l.bias(slab)[:l.out]...)})
	}
	return list
}

// Tensors calls visit with the name and the shape of every parameter of a valid
// shape, in the order of Network.Named, until visit returns false.
func (s Shape) Tensors(visit func(name string, shape []int) bool) {
	for _, l := range newNetwork(s, engine[float32](newKernels(1))).layers {
		if !visit(l.name+".weight", l.shape) || !visit(l.name+".bias", []int{l.out}) {
			return
		}
	}
}

// Assign sets all parameters from tensors in the order of Named, which take
// returns, and calls Refresh.
func (n *Network) Assign(take func(name string, shape []int) []float32) {
	slab := n.own.slab
	for _, l := range n.own.layers {
		weight := take(l.name+".weight", l.shape)
		l.each(slab, func(w *float32) { *w, weight = weight[0], weight[1:] })
		copy(l.bias(slab)[:l.out], take(l.name+".bias", []int{l.out}))
	}
	n.Refresh()
}
