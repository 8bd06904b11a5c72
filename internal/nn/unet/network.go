package unet

import (
	"fmt"
	"math/rand/v2"

	"retrace/internal/nn"
)

// network is a Network in any arithmetic.
type network[T float] struct {
	shape     Shape
	engine    engine[T] // to pack with
	slab      []T
	layers    []*layer[T] // all, in the order of the slab and of PyTorch
	embedding [2]*layer[T]
	levels    []level[T]
}

// level holds the layers of a resolution.
type level[T float] struct {
	channels int
	// head leads here from the next finer level, or from the input, and tail back
	// to it, or to the output.
	head, tail *layer[T]
	// headTime follows head and tailTime precedes tail, where frames are mixed.
	headTime, tailTime *mixing[T]
	// skip is applied to what the level on the way down gives to the way up, if
	// it is not just added.
	skip     *layer[T]
	down, up []block[T]
}

// block is x + second(f(first(LN(x + shift(e))))).
type block[T float] struct{ shift, first, second *layer[T] }

// mixing is x + second(f(first(x))), first being a layer in time.
type mixing[T float] struct{ first, second *layer[T] }

// newNetwork lists the layers of a network, which has no parameters yet.
func newNetwork[T float](s Shape, e engine[T]) *network[T] {
	n := &network[T]{shape: s, engine: e, levels: make([]level[T], len(s.Levels))}
	n.embedding = [2]*layer[T]{
		n.linear("embedding.0", 2*nn.Frequencies, embeddingWidth),
		n.linear("embedding.2", embeddingWidth, s.Embedding),
	}
	last := len(s.Levels) - 1
	for i := range n.levels {
		n.addHead(i, fmt.Sprintf("network.heads.%d", i))
	}
	for i := last; i >= 0; i-- {
		n.addTail(i, fmt.Sprintf("network.tails.%d", last-i))
	}
	for i := range n.levels {
		n.levels[i].down = n.blocks(i, fmt.Sprintf("network.descent.%d", i))
	}
	for i := last; i >= 0; i-- {
		n.levels[i].up = n.blocks(i, fmt.Sprintf("network.ascent.%d", last-i))
	}
	return n
}

// allocate makes the slab, zero.
func (n *network[T]) allocate() {
	size := 0
	for _, l := range n.layers {
		l.offset = size
		size += l.size()
	}
	n.slab = n.engine.slab(size)
}

func (n *network[T]) addHead(i int, name string) {
	s := n.shape
	v := &n.levels[i]
	v.channels = s.Levels[i].Channels
	if i == 0 {
		v.head = n.spatial(name, s.In+s.Context, v.channels, s.Kernel)
		return
	}
	v.head = n.spatial(name+".0", n.levels[i-1].channels, v.channels, s.Kernel)
	v.head.step = s.Step
	if s.Spatial == 1 {
		v.head.step.Rows = s.Step.Columns // of one row, so that the step is square
	}
	v.headTime = n.mixing(name+".1", v.channels)
}

func (n *network[T]) addTail(i int, name string) {
	s := n.shape
	v := &n.levels[i]
	if i == 0 {
		v.tail = n.spatial(name, v.channels, s.Out, s.Kernel)
		return
	}
	place := 2
	if v.tailTime = n.mixing(name+".0", v.channels); v.tailTime != nil {
		place = 3
	}
	finer := n.levels[i-1].channels
	v.tail = n.spatial(fmt.Sprintf("%s.%d", name, place), v.channels, finer, s.Kernel)
	if s.Concatenate {
		n.levels[i-1].skip = n.spatial(name+".skip", finer, finer, Grid{1, 1})
	}
}

// blocks makes those of a level on one way.
func (n *network[T]) blocks(i int, name string) []block[T] {
	list := make([]block[T], n.shape.Levels[i].Blocks)
	for j := range list {
		name, c := fmt.Sprintf("%s.%d", name, j), n.levels[i].channels
		hidden, second := n.shape.hidden(c), n.shape.Kernel
		if n.shape.Expansion > 0 {
			second = Grid{1, 1}
		}
		list[j] = block[T]{
			n.linear(name+".project.0", n.shape.Embedding, c),
			n.spatial(name+".residue.1", c, hidden, n.shape.Kernel),
			n.spatial(name+".residue.3", hidden, c, second),
		}
	}
	return list
}

// mixing makes the layers that mix frames, or nil.
func (n *network[T]) mixing(name string, channels int) *mixing[T] {
	if n.shape.Time == 0 {
		return nil
	}
	hidden := n.shape.hidden(channels)
	inTime := form{taps: Grid{n.shape.Time, 1}, step: Grid{1, 1}, inTime: true}
	return &mixing[T]{
		n.layer(name+".0", channels, hidden, inTime, n.shape.Time),
		n.layer(name+".2", hidden, channels, pointwise, 1),
	}
}

func (n *network[T]) linear(name string, in, out int) *layer[T] {
	return n.layer(name, in, out, pointwise)
}

// spatial makes a convolution of step 1.
func (n *network[T]) spatial(name string, in, out int, taps Grid) *layer[T] {
	f := form{taps: taps, step: Grid{1, 1}, padding: n.shape.Padding}
	if n.shape.Spatial == 1 {
		return n.layer(name, in, out, f, taps.Columns)
	}
	return n.layer(name, in, out, f, taps.Rows, taps.Columns)
}

// layer adds a layer; taps are those of its weight in PyTorch.
func (n *network[T]) layer(name string, in, out int, f form, taps ...int) *layer[T] {
	l := &layer[T]{
		name: name, shape: append([]int{out, in}, taps...), in: in, out: out, form: f,
		inPitch: n.engine.pitch(in), outPitch: n.engine.pitch(out),
	}
	n.layers = append(n.layers, l)
	return l
}

func (n *network[T]) init(r *rand.Rand) {
	for _, l := range n.layers {
		l.init(n.slab, r)
	}
}

func (n *network[T]) refresh() {
	for _, l := range n.layers {
		n.engine.pack(l, l.weight(n.slab))
	}
}
