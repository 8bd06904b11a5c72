package nn

import "retrace/internal/kernel"

// Packed is a copy of the parameters in the order in which the kernels read
// them. It does not change but by Refresh, and is shared by all workers.
type Packed struct {
	shape     Shape
	embedding [2]packedLayer
	input     packedLayer
	blocks    []packedBlock
	output    packedLayer
}

type packedBlock struct{ shift, first, second packedLayer }

// packedLayer holds the weights of a layer twice: as the right side of the
// product x W^T and of its transpose gy W.
type packedLayer struct {
	layer   *layer
	forward *kernel.Panels // (tap, in) by out
	pull    *kernel.Panels // (reversed tap, out) by in
	bias    []float32      // padded with zeros
}

// Pack returns the parameters in packed form.
func (n *Network) Pack() *Packed {
	p := &Packed{shape: n.shape}
	for i, l := range n.layers.embedding {
		p.embedding[i] = newPackedLayer(l)
	}
	p.input = newPackedLayer(n.layers.input)
	for _, b := range n.layers.blocks {
		p.blocks = append(p.blocks, packedBlock{newPackedLayer(b.shift), newPackedLayer(b.first), newPackedLayer(b.second)})
	}
	p.output = newPackedLayer(n.layers.output)
	p.Refresh(n)
	return p
}

// Refresh packs the parameters of a network of the same shape again, in place.
// No worker may use p meanwhile.
func (p *Packed) Refresh(n *Network) {
	if n.shape != p.shape {
		panic("nn: packed weights of another shape")
	}
	for i := range p.embedding {
		p.embedding[i].refresh(n.slab)
	}
	p.input.refresh(n.slab)
	for i := range p.blocks {
		b := &p.blocks[i]
		b.shift.refresh(n.slab)
		b.first.refresh(n.slab)
		b.second.refresh(n.slab)
	}
	p.output.refresh(n.slab)
}

func newPackedLayer(l *layer) packedLayer {
	return packedLayer{
		layer:   l,
		forward: kernel.NewPanels(l.taps*l.inPitch, l.outPitch),
		pull:    kernel.NewPanels(l.taps*l.outPitch, l.inPitch),
		bias:    kernel.Slab(l.outPitch),
	}
}

func (p *packedLayer) refresh(slab []float32) {
	l := p.layer
	w := l.weight(slab)
	row := l.in * l.taps
	for j := range l.taps {
		p.forward.Pack(j*l.inPitch, kernel.Block{
			Data: w[j:], Rows: l.in, Columns: l.out, RowStep: l.taps, ColumnStep: row})
		p.pull.Pack((l.taps-1-j)*l.outPitch, kernel.Block{
			Data: w[j:], Rows: l.out, Columns: l.in, RowStep: row, ColumnStep: l.taps})
	}
	copy(p.bias, l.bias(slab))
}

// apply computes rows of y = layer(x), or adds them to y.
func (p *packedLayer) apply(y, x buffer, rows int, add bool) {
	kernel.Multiply(y.rows(rows), x.windows(rows, p.layer.taps), p.forward, p.bias, add)
}

// pullInput computes the gradient gx of the argument from that of the result,
// or adds it to gx.
func (p *packedLayer) pullInput(gx, gy buffer, rows int, add bool) {
	kernel.Multiply(gx.rows(rows), gy.windows(rows, p.layer.taps), p.pull, nil, add)
}
