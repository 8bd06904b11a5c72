package unet

import (
	"math"

	"retrace/internal/nn"
)

// embeddingWidth is the hidden width of the embedding.
const embeddingWidth = 256

// condition computes what the blocks see of the noise time t:
//
//	e = W_2 SiLU(W_0 [cos(pi k t), sin(pi k t)] + b_0) + b_2,  k = 1 ... 16
//	shift_block = P_block e
//
// for every trajectory, or once where all share their time. The vectors of a
// batch are the pixels of one image.
type condition[T float] struct {
	images, batch int // of all trajectories
	count         int // of times in the last forward pass

	features, hidden, activated, embedding tensor[T]
	gradEmbedding, gradHidden              tensor[T]
}

func newCondition[T float](n *network[T], size Size, a *arena[T]) condition[T] {
	vectors := func(channels int) tensor[T] { return a.tensor(1, Grid{1, size.Batch}, channels) }
	c := condition[T]{
		images: size.Batch * size.Frames, batch: size.Batch,
		features: vectors(2 * nn.Frequencies), hidden: vectors(embeddingWidth),
		activated: vectors(embeddingWidth), embedding: vectors(n.shape.Embedding),
		gradEmbedding: vectors(n.shape.Embedding), gradHidden: vectors(embeddingWidth),
	}
	for _, count := range []int{1, size.Batch} {
		a.engine.prepare(n.embedding[0], vectorsOf(c.features, count))
		a.engine.prepare(n.embedding[1], vectorsOf(c.activated, count))
	}
	return c
}

// vectorsOf views the first vectors.
func vectorsOf[T float](t tensor[T], count int) tensor[T] {
	t.Columns = count
	if t.data != nil {
		t.data = t.data[:count*t.pitch]
	}
	return t
}

// of views the vectors that are in use.
func (c *condition[T]) of(t tensor[T]) tensor[T] { return vectorsOf(t, c.count) }

// shift is that of all images, from the vectors of a block.
func (c *condition[T]) shift(vectors tensor[T]) shift[T] {
	return shift[T]{tensor: vectors, span: c.images / c.count}
}

// embed computes e.
func (c *condition[T]) embed(w *workspace[T], times []float32) {
	c.count = len(times)
	for i, t := range times {
		row := c.features.row(i)
		for k := range nn.Frequencies {
			// PyTorch rounds the arguments of the waves to float32.
			sin, cos := math.Sincos(float64(float32(math.Pi) * float32(k+1) * t))
			row[k], row[nn.Frequencies+k] = T(cos), T(sin)
		}
	}
	hidden, activated := c.of(c.hidden), c.of(c.activated)
	w.apply(w.net.embedding[0], hidden, c.of(c.features), tensor[T]{})
	w.engine.activate(activated, hidden, nn.Activation{})
	w.apply(w.net.embedding[1], c.of(c.embedding), activated, tensor[T]{})
}

// pull adds the gradients of the embedding's layers, given gradEmbedding.
func (c *condition[T]) pull(w *workspace[T], grad []T) {
	g, hidden := c.of(c.gradEmbedding), c.of(c.gradHidden)
	second, first := w.net.embedding[1], w.net.embedding[0]
	w.engine.gradient(second, grad, c.of(c.activated), g)
	w.engine.pull(second, hidden, g, tensor[T]{})
	w.engine.pullActivate(hidden, c.of(c.hidden), nn.Activation{})
	w.engine.gradient(first, grad, c.of(c.features), hidden)
}
