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
	capacity  int // most times
	count     int // of the last forward pass
	features  buffer
	hidden    buffer // then the slope of SiLU there
	activated buffer
	embedding buffer
	shifts    []buffer // one a block

	gradEmbedding, gradHidden buffer
}

func newCondition(shape Shape, rows int) condition {
	c := condition{capacity: rows}
	c.features, c.hidden, c.activated = c.vectors(2*Frequencies), c.vectors(embeddingWidth), c.vectors(embeddingWidth)
	c.embedding = c.vectors(shape.Embedding)
	c.gradEmbedding, c.gradHidden = c.vectors(shape.Embedding), c.vectors(embeddingWidth)
	for range shape.Blocks {
		c.shifts = append(c.shifts, c.vectors(shape.Width))
	}
	return c
}

// vectors returns a buffer of a vector for every noise time.
func (c *condition) vectors(n int) buffer {
	return newBuffer(c.capacity, kernel.RoundUp(n, kernel.ColumnUnit), 0)
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
	kernel.SiLUSlope(c.activated.data[:n], c.hidden.data[:n], c.hidden.data[:n])
	p.embedding[1].apply(c.embedding, c.activated, m, false)
	for i := range c.shifts {
		p.blocks[i].shift.apply(c.shifts[i], c.embedding, m, false)
	}
}

// pullEmbedding pulls the gradient of the embedding back to its first layer.
func (c *condition) pullEmbedding(p *Packed) {
	p.embedding[1].pullInput(c.gradHidden, c.gradEmbedding, c.padded(), false)
	n := c.padded() * c.hidden.pitch
	kernel.Scale(c.gradHidden.data[:n], c.gradHidden.data[:n], c.hidden.data[:n])
}
