package nn

import "retrace/internal/kernel"

// PullInput computes gin = J^T gout at the point of the last Forward, which
// must have used the same weights; J is the Jacobian of out with respect to
// in. It may be called several times after one Forward.
func (w *Workspace) PullInput(p *Packed, gin, gout []float32) {
	w.pull(p, gin, gout, nil)
}

// PullAll adds the gradient of <gout, out> with respect to the parameters to
// grad, which has the layout of Network.Slab, and computes gin as PullInput
// does unless gin is nil.
func (w *Workspace) PullAll(p *Packed, gin, gout, grad []float32) {
	if grad == nil {
		panic("nn: PullAll without a gradient")
	}
	w.pull(p, gin, gout, grad)
}

func (w *Workspace) pull(p *Packed, gin, gout, grad []float32) {
	w.checkPull(p, gin, gout)
	l := w.layout
	m := l.padded()
	l.load(w.output, gout)
	p.output.pullInput(w.gradStream, w.output, m, false)
	l.clearHalos(w.gradStream)
	if grad != nil {
		p.output.layer.gradient(grad, w.stream, w.output, l.rows(), w.scratch)
	}
	for i := len(w.blocks) - 1; i >= 0; i-- {
		w.pullBlock(&w.blocks[i], &p.blocks[i], grad)
		if grad != nil {
			w.conditions.pullShift(&p.blocks[i].shift, w.shiftGradient(), grad, w.scratch, i == len(w.blocks)-1)
		}
	}
	if grad != nil {
		p.input.layer.gradient(grad, w.input, w.gradStream, l.rows(), w.scratch)
		w.conditions.pullEmbedding(p, grad, w.scratch)
	}
	if gin != nil {
		p.input.pullInput(w.gradInput, w.gradStream, m, false)
		l.store(gin, w.gradInput)
	}
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
func (w *Workspace) pullBlock(b *activations, p *packedBlock, grad []float32) {
	l := w.layout
	m := l.padded()
	p.second.pullInput(w.gradHidden, w.gradStream, m, false)
	if grad != nil {
		p.second.layer.gradient(grad, b.activated, w.gradStream, l.rows(), w.scratch)
	}
	n := m * b.hidden.pitch
	hidden := w.gradHidden.from(0)[:n]
	kernel.SiLUPull(hidden, hidden, b.hidden.from(0)[:n])
	l.clearHalos(w.gradHidden)
	p.first.pullInput(w.gradNormal, w.gradHidden, m, false)
	if grad != nil {
		p.first.layer.gradient(grad, b.normal, w.gradHidden, l.rows(), w.scratch)
	}
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
func (w *Workspace) shiftGradient() buffer {
	shift := w.conditions.gradShift
	if w.layout.stride() == 1 && w.conditions.count == w.layout.sequences {
		return w.gradNormal
	}
	clear(shift.data[:w.conditions.count*shift.pitch])
	w.spans(func(s span) {
		kernel.AddColumnSums(shift.from(s.shift)[:shift.pitch], w.gradNormal.block(s.first, s.rows))
	})
	return shift
}
