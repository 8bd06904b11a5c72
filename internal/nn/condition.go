package nn

import (
	"math"

	"retrace/internal/kernel"
)

// condition computes what a block sees of the noise time t:
//
//	e = W_1 SiLU(W_0 [cos(pi k t), sin(pi k t)] + b_0) + b_1,  k = 1 ... 16
//	shift_block = P_block e
//
// for every row, or once where all rows share their time.
type condition struct {
	count     int // times of the last forward pass
	features  buffer
	hidden    buffer
	activated buffer
	embedding buffer
	shifts    []buffer // one a block

	gradShift, gradEmbedding, gradHidden buffer
}

func newCondition(shape Shape, rows int) condition {
	vectors := func(n int) buffer { return newBuffer(rows, kernel.RoundUp(n, kernel.ColumnUnit), 0) }
	c := condition{
		features: vectors(2 * Frequencies), hidden: vectors(embeddingWidth), activated: vectors(embeddingWidth),
		embedding: vectors(shape.Embedding),
		gradShift: vectors(shape.Width), gradEmbedding: vectors(shape.Embedding), gradHidden: vectors(embeddingWidth),
	}
	for range shape.Blocks {
		c.shifts = append(c.shifts, vectors(shape.Width))
	}
	return c
}

// padded is the number of rows that products compute.
func (c *condition) padded() int { return kernel.RoundUp(c.count, kernel.RowUnit) }

func (c *condition) forward(p *Packed, times []float32) {
	c.count = len(times)
	for i, t := range times {
		row := c.features.from(i)
		for k := range Frequencies {
			sin, cos := math.Sincos(math.Pi * float64(k+1) * float64(t))
			row[k], row[Frequencies+k] = float32(cos), float32(sin)
		}
	}
	m := c.padded()
	p.embedding[0].apply(c.hidden, c.features, m, false)
	n := m * c.hidden.pitch
	kernel.SiLU(c.activated.data[:n], c.hidden.data[:n])
	p.embedding[1].apply(c.embedding, c.activated, m, false)
	for i := range c.shifts {
		p.blocks[i].shift.apply(c.shifts[i], c.embedding, m, false)
	}
}

// pullShift adds the gradients of a shift layer to grad, and that of the
// embedding to gradEmbedding; first tells that there is nothing there yet.
func (c *condition) pullShift(p *packedLayer, gradShift buffer, grad, scratch []float32, first bool) {
	p.layer.gradient(grad, c.embedding, gradShift, c.count, scratch)
	p.pullInput(c.gradEmbedding, gradShift, c.padded(), !first)
}

// pullEmbedding adds the gradients of the embedding's layers to grad.
func (c *condition) pullEmbedding(p *Packed, grad, scratch []float32) {
	p.embedding[1].layer.gradient(grad, c.activated, c.gradEmbedding, c.count, scratch)
	p.embedding[1].pullInput(c.gradHidden, c.gradEmbedding, c.padded(), false)
	n := c.padded() * c.hidden.pitch
	kernel.SiLUPull(c.gradHidden.data[:n], c.gradHidden.data[:n], c.hidden.data[:n])
	p.embedding[0].layer.gradient(grad, c.features, c.gradHidden, c.count, scratch)
}
