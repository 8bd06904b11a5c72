package nn

import (
	"retrace/internal/kernel"
	"retrace/internal/parallel"
)

// Packed is a copy of the parameters in the order in which the kernels read
// them. It does not change but by Refresh, and is shared by all workers.
type Packed struct {
	shape     Shape
	embedding [2]packedLayer
	input     packedLayer
	blocks    []packedBlock
	output    packedLayer

	slab    []float32 // of the Refresh in progress
	refresh func(worker, piece int)
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
	layers := p.all()
	p.refresh = func(_, piece int) { layers[piece/2].refresh(p.slab, piece%2 == 0) }
	p.Refresh(n)
	return p
}

// all lists the layers.
func (p *Packed) all() []*packedLayer {
	all := []*packedLayer{&p.embedding[0], &p.embedding[1], &p.input}
	for i := range p.blocks {
		b := &p.blocks[i]
		all = append(all, &b.shift, &b.first, &b.second)
	}
	return append(all, &p.output)
}

// Refresh packs the parameters of a network of the same shape again, in place
// and on all cores. No worker may use p meanwhile.
func (p *Packed) Refresh(n *Network) {
	if n.shape != p.shape {
		panic("nn: packed weights of another shape")
	}
	p.slab = n.slab
	parallel.Run(2*(4+3*len(p.blocks)), p.refresh)
	p.slab = nil
}

func newPackedLayer(l *layer) packedLayer {
	return packedLayer{
		layer:   l,
		forward: kernel.NewPanels(l.taps*l.inPitch, l.outPitch),
		pull:    kernel.NewPanels(l.taps*l.outPitch, l.inPitch),
		bias:    kernel.Slab(l.outPitch),
	}
}

// refresh packs the weights for the layer, and its bias, or for the pullback.
func (p *packedLayer) refresh(slab []float32, forward bool) {
	l := p.layer
	w, row := l.weight(slab), l.in*l.taps
	for j := range l.taps {
		if forward {
			p.forward.Pack(j*l.inPitch, kernel.Block{
				Data: w[j:], Rows: l.in, Columns: l.out, RowStep: l.taps, ColumnStep: row})
		} else {
			p.pull.Pack((l.taps-1-j)*l.outPitch, kernel.Block{
				Data: w[j:], Rows: l.out, Columns: l.in, RowStep: row, ColumnStep: l.taps})
		}
	}
	if forward {
		copy(p.bias, l.bias(slab))
	}
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
