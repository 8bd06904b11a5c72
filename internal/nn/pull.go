package nn

import "retrace/internal/kernel"

// PullInput computes gin = J^T gout at the point of the last Forward, which
// must have used the same weights; J is the Jacobian of out with respect to
// in. It may be called several times after one Forward.
func (w *Workspace) PullInput(p *Packed, gin, gout []float32) {
	w.pull(p, gin, gout, nil)
}

// PullAll computes gin as PullInput does, unless gin is nil, and keeps what a
// Gradient needs: the cotangent of the result of every layer. The first call
// allocates memory for them.
func (w *Workspace) PullAll(p *Packed, gin, gout []float32) {
	if len(w.kept) < w.shape.Blocks {
		w.allocateKept()
	}
	w.pull(p, gin, gout, w.kept)
}

// cotangents are those of the results of a block's layers.
type cotangents struct {
	hidden buffer // of first
	stream buffer // of second, and of the block
	shift  buffer // of shift, a row of the condition each
}

func (w *Workspace) allocateKept() {
	for range w.shape.Blocks {
		w.kept = append(w.kept, cotangents{w.sequence(w.shape.Width), w.sequence(w.shape.Width), w.conditions.vectors(w.shape.Width)})
	}
}

func (w *Workspace) pull(p *Packed, gin, gout []float32, kept []cotangents) {
	w.checkPull(p, gin, gout)
	l := w.layout
	m := l.padded()
	l.load(w.output, gout)
	p.output.pullInput(w.gradStream, w.output, m, false)
	l.clearHalos(w.gradStream)
	for i := len(w.blocks) - 1; i >= 0; i-- {
		gradHidden := w.gradHidden
		if kept != nil {
			gradHidden = kept[i].hidden
			copy(kept[i].stream.data, w.gradStream.data[:(m+2*l.halo)*w.gradStream.pitch])
		}
		w.pullBlock(&w.blocks[i], &p.blocks[i], gradHidden)
		if kept != nil {
			w.shiftGradient(kept[i].shift)
			p.blocks[i].shift.pullInput(w.conditions.gradEmbedding, kept[i].shift, w.conditions.padded(), i < len(w.blocks)-1)
		}
	}
	if kept != nil {
		w.conditions.pullEmbedding(p)
	}
	if gin != nil {
		p.input.pullInput(w.gradInput, w.gradStream, m, false)
		l.store(gin, w.gradInput)
	}
}

// operands returns the argument of a layer and the cotangent of its result, as
// the last PullAll left them, and the number of their rows; layers count in the
// order of the slab.
func (w *Workspace) operands(layer int) (x, gy buffer, rows int) {
	c := &w.conditions
	switch last := 3 + 3*len(w.blocks); layer {
	case 0:
		return c.features, c.gradHidden, c.count
	case 1:
		return c.activated, c.gradEmbedding, c.count
	case 2:
		return w.input, w.gradStream, w.layout.rows()
	case last:
		return w.stream, w.output, w.layout.rows()
	}
	b := (layer - 3) / 3
	switch (layer - 3) % 3 {
	case 0:
		return c.embedding, w.kept[b].shift, c.count
	case 1:
		return w.blocks[b].normal, w.kept[b].hidden, w.layout.rows()
	}
	return w.blocks[b].activated, w.kept[b].stream, w.layout.rows()
}

func (w *Workspace) checkPull(p *Packed, gin, gout []float32) {
	n := w.layout.sequences * w.layout.time
	switch {
	case n == 0:
		panic("nn: pulling back before Forward")
	case p.shape != w.shape:
		panic("nn: weights and workspace of different shapes")
	case len(gout) != n*w.shape.Out || gin != nil && len(gin) != n*w.shape.In:
		panic("nn: length of a gradient does not match the last Forward")
	}
}

// pullBlock moves gradStream from the end of a block to its start, and leaves
// the gradient of h + shift in gradNormal.
func (w *Workspace) pullBlock(b *activations, p *packedBlock, gradHidden buffer) {
	l := w.layout
	m := l.padded()
	p.second.pullInput(gradHidden, w.gradStream, m, false)
	n := m * b.hidden.pitch
	hidden := gradHidden.from(0)[:n]
	kernel.Scale(hidden, hidden, b.hidden.from(0)[:n])
	l.clearHalos(gradHidden)
	p.first.pullInput(w.gradNormal, gradHidden, m, false)
	w.spans(func(s span) {
		view := func(x buffer) kernel.Matrix {
			m := x.block(s.first, s.rows)
			m.Columns = w.shape.Width
			return m
		}
		kernel.LayerNormPull(view(w.gradStream), view(w.gradNormal), b.scale[s.first:], view(b.normal))
	})
}

// shiftGradient sums gradNormal over the rows that share a shift.
func (w *Workspace) shiftGradient(shift buffer) {
	count := w.conditions.count
	if w.layout.stride() == 1 && count == w.layout.sequences {
		copy(shift.data, w.gradNormal.from(0)[:count*shift.pitch])
		return
	}
	clear(shift.data[:count*shift.pitch])
	w.spans(func(s span) {
		kernel.AddColumnSums(shift.from(s.shift)[:shift.pitch], w.gradNormal.block(s.first, s.rows))
	})
}
