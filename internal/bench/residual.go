package bench

import (
	"fmt"

	"retrace/internal/kernel"
	"retrace/internal/parallel"
)

// residual is the plainest network of its kind, for comparing the engine with
// others: five blocks of
//
//	x = x + SiLU(LN(x) W + b)
//
// on a batch of rows. A pass is forward, or forward and backward with the
// gradients of x, W and b. The batch is cut into chunks of rows that stay in a
// core's second-level cache and go through all blocks and back at once. Chunk i
// adds to the gradients of slot i mod slots, slots chunks are in work at a time,
// and the slots are added up in the end: sums do not depend on the cores.
type residual struct {
	width, rows, chunk int
	training           bool
	in, out            []float32 // rows x width; after training out is the gradient of in
	layers             []residualLayer
	chunks             []*residualChunk // one a core
	slots              [][]residualGradient
	first              int // chunk of the first slot in work
	pass, add          func(worker, piece int)
}

// residualLayer holds a weight, packed for both directions.
type residualLayer struct {
	into, back *kernel.Panels
	bias       []float32
}

// residualGradient is the gradient of a layer.
type residualGradient struct{ weight, bias []float32 }

// residualChunk is the memory of a chunk in work.
type residualChunk struct {
	work, grad []float32       // chunk x width
	blocks     []residualBlock // what they keep for going back
}

// residualBlock keeps LN(x) with its scale, and the slope of SiLU.
type residualBlock struct{ normal, scale, slope []float32 }

const residualBlocks = 5

func newResidual(width, rows int, training bool) *residual {
	const slots, tall, cache = 8, 64, 1 << 14 // rows, and values, that leave all of a chunk in the cache
	r := &residual{width: width, rows: rows, training: training, chunk: max(16, min(rows, tall, cache/width))}
	r.in, r.out = values(rows*width), kernel.Slab(rows*width)
	weight := kernel.Slab(width * width)
	fill(weight, 2/float32(width))
	for range residualBlocks {
		l := residualLayer{kernel.NewPanels(width, width), kernel.NewPanels(width, width), kernel.Slab(width)}
		l.into.Pack(0, kernel.Block{Data: weight, Rows: width, Columns: width, RowStep: width, ColumnStep: 1})
		l.back.Pack(0, kernel.Block{Data: weight, Rows: width, Columns: width, RowStep: 1, ColumnStep: width})
		r.layers = append(r.layers, l)
	}
	for range min(slots, r.count()) {
		var slot []residualGradient
		for range residualBlocks {
			slot = append(slot, residualGradient{kernel.Slab(width * width), kernel.Slab(width)})
		}
		r.slots = append(r.slots, slot)
	}
	for range parallel.Workers(len(r.slots)) {
		r.chunks = append(r.chunks, newResidualChunk(r.chunk, width))
	}
	r.pass, r.add = r.passPiece, r.addPiece
	return r
}

func newResidualChunk(rows, width int) *residualChunk {
	n := rows * width
	c := &residualChunk{work: kernel.Slab(n), grad: kernel.Slab(n)}
	for range residualBlocks {
		c.blocks = append(c.blocks, residualBlock{kernel.Slab(n), kernel.Slab(rows), kernel.Slab(n)})
	}
	return c
}

// count is the number of chunks.
func (r *residual) count() int { return (r.rows + r.chunk - 1) / r.chunk }

// run makes one pass over the batch.
func (r *residual) run() {
	for r.first = 0; r.first < r.count(); r.first += len(r.slots) {
		parallel.Run(min(len(r.slots), r.count()-r.first), r.pass)
	}
	if r.training {
		parallel.Run(residualBlocks, r.add)
	}
}

func (r *residual) matrix(x []float32, rows int) kernel.Matrix {
	return kernel.Matrix{Data: x, Rows: rows, Columns: r.width, Stride: r.width}
}

// passPiece takes a chunk through the blocks and, in training, back.
func (r *residual) passPiece(worker, slot int) {
	c, first := r.chunks[worker], (r.first+slot)*r.chunk
	rows := min(r.chunk, r.rows-first)
	x := r.out[first*r.width:][:rows*r.width]
	copy(x, r.in[first*r.width:])
	r.forward(c, x, rows)
	if r.training { // the cotangent of x is x itself: that of half its square
		r.backward(c, x, rows, r.slots[slot])
	}
}

func (r *residual) forward(c *residualChunk, x []float32, rows int) {
	work := c.work[:len(x)]
	shift := kernel.Matrix{Data: r.layers[0].bias, Rows: rows, Columns: r.width} // zeros for all rows
	for i := range r.layers {
		b, l := &c.blocks[i], &r.layers[i]
		slope := b.slope[:len(x)]
		kernel.LayerNorm(r.matrix(b.normal, rows), b.scale, r.matrix(x, rows), shift)
		kernel.Multiply(r.matrix(slope, rows), r.matrix(b.normal, rows), l.into, l.bias, false)
		if r.training {
			kernel.SiLUSlope(work, slope, slope)
		} else {
			kernel.SiLU(work, slope)
		}
		kernel.Add(x, work)
	}
}

// backward turns the cotangent x of the result into that of the argument and adds
// to the gradients.
func (r *residual) backward(c *residualChunk, x []float32, rows int, to []residualGradient) {
	work, grad := r.matrix(c.work, rows), r.matrix(c.grad, rows)
	for i := len(r.layers) - 1; i >= 0; i-- {
		b := &c.blocks[i]
		if r.first == 0 {
			clear(to[i].weight)
			clear(to[i].bias)
		}
		kernel.Scale(c.grad[:len(x)], x, b.slope[:len(x)])
		kernel.MultiplyTransposed(r.matrix(to[i].weight, r.width), r.matrix(b.normal, rows), grad)
		kernel.AddColumnSums(to[i].bias, grad)
		kernel.Multiply(work, grad, r.layers[i].back, nil, false)
		kernel.LayerNormPull(r.matrix(x, rows), work, b.scale, r.matrix(b.normal, rows))
	}
}

// addPiece adds up the gradients of a block in the first slot.
func (r *residual) addPiece(_, block int) {
	sum := r.slots[0][block]
	for _, slot := range r.slots[1:] {
		kernel.Add(sum.weight, slot[block].weight)
		kernel.Add(sum.bias, slot[block].bias)
	}
}

// Residuals returns probes of batches of rows through residual networks, forward
// and in training, whose packing of weights and optimiser are not timed.
func Residuals() []Probe {
	var probes []Probe
	for _, width := range []int{64, 128, 256, 512} {
		for _, rows := range []int{1024, 16384, 65536} {
			if width > 256 && rows > 16384 {
				continue
			}
			probes = append(probes, residualProbe(width, rows, forward), residualProbe(width, rows, training))
		}
	}
	return probes
}

func residualProbe(width, rows int, work string) Probe {
	operations, passes := 2*residualBlocks*float64(rows)*float64(width)*float64(width), 1.0
	if work == training {
		passes = 3
	}
	return Probe{
		Counts: []Count{{fmt.Sprintf("residual mlp, %d wide, %d rows", width, rows), work, GigaFLOPs, passes * operations / 1e9}},
		Whole:  true,
		Peer:   Request{"kind": "mlp", "width": width, "batch": rows, "work": peerWork[work]},
		Worker: func() (func() error, error) {
			r := newResidual(width, rows, work == training)
			return func() error { r.run(); return nil }, nil
		},
	}
}
