package nn

import (
	"retrace/internal/kernel"
	"retrace/internal/parallel"
)

// Gradient is the gradient with respect to the parameters, summed over the rows
// of one or more workspaces. For a layer y = W x it is
//
//	dL/dW = sum over rows of (dL/dy) x^T,  dL/db = sum over rows of dL/dy .
//
// The workspaces cut a batch by rows for the forward pass and for pulling back;
// here all cores work on all rows again, each on some outputs of a layer. So
// there is one gradient, whatever the number of workspaces, and nothing to add
// up between cores; every sum runs over the workspaces in their order and over
// their rows in order, for any GOMAXPROCS and any grouping of calls of Add.
type Gradient struct {
	slab    []float32
	pieces  []gradientPiece
	scratch [][]float32 // one a worker
	size    int         // of scratch
	empty   bool        // the slab counts as zero

	workspaces []*Workspace // of the call in progress
	add        func(worker, piece int)
}

// gradientPiece is a range of outputs of a layer.
type gradientPiece struct {
	layer       *layer
	index       int // of the layer in the order of the slab
	first, rows int
}

// pieceRows is the number of outputs of a piece; a multiple of the padding of
// columns.
const pieceRows = 64

// NewGradient returns a gradient of zeros for the parameters of a network.
func NewGradient(n *Network) *Gradient {
	g := &Gradient{slab: kernel.Slab(len(n.slab)), empty: true}
	for index, l := range n.layers.all() {
		for first := 0; first < l.out; first += pieceRows {
			p := gradientPiece{l, index, first, min(pieceRows, l.out-first)}
			g.pieces = append(g.pieces, p)
			g.size = max(g.size, p.padded()*l.columns())
		}
	}
	g.add = g.addPiece
	return g
}

// Values returns the gradient in the layout of Network.Slab. It is the
// Gradient's own memory and changes with the next Add.
func (g *Gradient) Values() []float32 {
	if g.empty {
		clear(g.slab)
	}
	return g.slab
}

// Clear sets the gradient to zero.
func (g *Gradient) Clear() { g.empty = true }

// Add adds what the last PullAll of every workspace has left. All must be
// workspaces of networks of the gradient's shape. It uses all cores.
func (g *Gradient) Add(workspaces []*Workspace) {
	for _, w := range workspaces {
		if len(w.kept) == 0 {
			panic("nn: a gradient before PullAll")
		}
	}
	for len(g.scratch) < parallel.Workers(len(g.pieces)) {
		g.scratch = append(g.scratch, kernel.Slab(g.size))
	}
	g.workspaces = workspaces
	parallel.Run(len(g.pieces), g.add)
	g.workspaces, g.empty = nil, false
}

func (g *Gradient) addPiece(worker, piece int) {
	p, scratch := &g.pieces[piece], g.scratch[worker]
	if g.empty {
		clear(p.weight(g.slab))
		clear(p.bias(g.slab))
	}
	for _, w := range g.workspaces {
		x, gy, rows := w.operands(p.index)
		p.addWeight(g.slab, x, gy, rows, scratch)
		p.addBias(g.slab, gy, rows, scratch)
	}
}

// padded is the number of outputs as products need it.
func (p *gradientPiece) padded() int { return kernel.RoundUp(p.rows, kernel.ColumnUnit) }

func (p *gradientPiece) weight(slab []float32) []float32 {
	size := p.layer.in * p.layer.taps
	return p.layer.weight(slab)[p.first*size:][:p.rows*size]
}

func (p *gradientPiece) bias(slab []float32) []float32 {
	return p.layer.bias(slab)[p.first:][:p.rows]
}

// addWeight adds gy^T x to the gradient of the weight. Rows of gy that are no
// result, the halos, must be zero.
func (p *gradientPiece) addWeight(slab []float32, x, gy buffer, rows int, scratch []float32) {
	l, columns := p.layer, p.layer.columns()
	c := kernel.Matrix{Data: p.weight(slab), Rows: p.rows, Columns: columns, Stride: columns}
	direct := columns == l.in && p.rows%kernel.RowUnit == 0
	if !direct {
		c.Rows = kernel.RoundUp(p.rows, kernel.RowUnit)
		c.Data = scratch[:c.Rows*columns]
		clear(c.Data)
	}
	a := gy.rows(rows)
	a.Data, a.Columns = a.Data[p.first:], c.Rows
	b := x.windows(rows, l.taps)
	b.Columns = columns
	kernel.MultiplyTransposed(c, a, b)
	if !direct {
		p.scatter(slab, c)
	}
}

// scatter adds the gradient c, (out, tap, padded in), to the layout (out, in,
// tap) of the slab.
func (p *gradientPiece) scatter(slab []float32, c kernel.Matrix) {
	l, weight := p.layer, p.weight(slab)
	for o := range p.rows {
		row := weight[o*l.in*l.taps:][:l.in*l.taps]
		for j := range l.taps {
			for i, g := range c.Data[o*c.Stride+j*l.inPitch:][:l.in] {
				row[i*l.taps+j] += g
			}
		}
	}
}

// addBias adds the sum of the rows of gy to the gradient of the bias.
func (p *gradientPiece) addBias(slab []float32, gy buffer, rows int, scratch []float32) {
	a := gy.rows(rows)
	a.Data, a.Columns = a.Data[p.first:], p.padded()
	sums := scratch[:p.padded()]
	clear(sums)
	kernel.AddColumnSums(sums, a)
	for i := range p.bias(slab) {
		p.bias(slab)[i] += sums[i]
	}
}
