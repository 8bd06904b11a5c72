package nn

import (
	"retrace/internal/kernel"
)

// Workspace holds the activations and gradients of one worker, for up to a
// given number of rows; nothing is allocated after NewWorkspace and the first
// PullAll. It is not
// safe for concurrent use; workers share the Packed weights, not a Workspace.
//
// A row of any result depends on its own row of the input alone, bit for bit:
// neither on its place nor on the number of rows.
type Workspace struct {
	shape    Shape
	capacity layout
	layout   layout // of the last Forward; no sequences before the first

	conditions condition
	input      buffer
	stream     buffer // h, at the end of the forward pass
	blocks     []activations
	output     buffer // result, then its gradient

	gradStream, gradHidden, gradNormal buffer
	gradInput                          buffer
	kept                               []cotangents // one a block, from the first PullAll on
}

// activations are what a block keeps for pulling back.
type activations struct {
	normal    buffer    // LN(h + shift)
	scale     []float32 // of LN, one a row
	hidden    buffer    // first(normal), then the slope of SiLU there
	activated buffer    // SiLU(hidden)
}

// NewWorkspace returns a workspace for a number of rows, sequences of the
// given time, of networks of the shape. Fewer rows and shorter times fit too.
func NewWorkspace(shape Shape, rows, time int) *Workspace {
	if err := shape.Validate(); err != nil || rows < 1 || time < 1 {
		panic("nn: bad shape of a workspace")
	}
	l := newLayers(shape)
	w := &Workspace{shape: shape, capacity: layout{rows, time, shape.halo()}}
	w.conditions = newCondition(shape, rows)
	w.input = newBuffer(w.capacity.rows(), l.input.inPitch, w.capacity.halo)
	w.stream = w.sequence(shape.Width)
	for range shape.Blocks {
		w.blocks = append(w.blocks, activations{
			w.sequence(shape.Width), kernel.Slab(w.capacity.padded()), w.sequence(shape.Width), w.sequence(shape.Width)})
	}
	w.output = w.sequence(shape.Out)
	w.gradStream, w.gradHidden, w.gradNormal = w.sequence(shape.Width), w.sequence(shape.Width), w.sequence(shape.Width)
	w.gradInput = w.sequence(shape.In)
	return w
}

// sequence returns a buffer of sequences of so many channels.
func (w *Workspace) sequence(channels int) buffer {
	return newBuffer(w.capacity.rows(), kernel.RoundUp(channels, kernel.ColumnUnit), w.capacity.halo)
}

// Forward computes out = network(in, times) for rows sequences of the given
// time and keeps what pulling back needs. in is (rows, time, In), out (rows,
// time, Out), row-major. times holds the noise time of every row, or one for
// all rows, in [0, 1].
func (w *Workspace) Forward(p *Packed, out, in, times []float32, rows, time int) {
	w.begin(p, len(out), len(in), len(times), rows, time)
	w.conditions.forward(p, times)
	l := w.layout
	m := l.padded()
	l.load(w.input, in)
	p.input.apply(w.stream, w.input, m, false)
	for i := range w.blocks {
		b, weights := &w.blocks[i], &p.blocks[i]
		w.normalise(b, w.conditions.shifts[i])
		weights.first.apply(b.hidden, b.normal, m, false)
		l.clearHalos(b.hidden)
		n := m * b.hidden.pitch
		hidden := b.hidden.from(0)[:n]
		kernel.SiLUSlope(b.activated.from(0)[:n], hidden, hidden)
		weights.second.apply(w.stream, b.activated, m, true)
	}
	l.clearHalos(w.stream)
	p.output.apply(w.output, w.stream, m, false)
	l.store(out, w.output)
}

// begin checks the arguments of Forward and sets the layout.
func (w *Workspace) begin(p *Packed, out, in, times, rows, time int) {
	l := layout{rows, time, w.capacity.halo}
	switch {
	case p.shape != w.shape:
		panic("nn: weights and workspace of different shapes")
	case rows < 1 || time < 1 || rows > w.capacity.sequences || l.rows() > w.capacity.rows():
		panic("nn: rows do not fit the workspace")
	case in != rows*time*w.shape.In || out != rows*time*w.shape.Out:
		panic("nn: length of input or output does not match its rows")
	case times != 1 && times != rows:
		panic("nn: times must be one or one a row")
	}
	w.layout = l
}

// span is a run of rows that one shift applies to, or one row each.
type span struct {
	first, rows int
	shift       int // row of the condition
	step        int // rows of the condition per row: 0 or 1
}

// spans cuts the rows by the shift that applies to them.
func (w *Workspace) spans(visit func(span)) {
	l, count := w.layout, w.conditions.count
	switch {
	case l.halo == 0 && count == 1:
		visit(span{0, l.rows(), 0, 0})
	case l.halo == 0 && l.time == 1:
		visit(span{0, l.rows(), 0, 1})
	default:
		for s := range l.sequences {
			visit(span{s * l.stride(), l.time, min(s, count-1), 0})
		}
	}
}

// normalise computes LN(h + shift) of a block.
func (w *Workspace) normalise(b *activations, shifts buffer) {
	w.spans(func(s span) {
		view := func(x buffer) kernel.Matrix {
			m := x.block(s.first, s.rows)
			m.Columns = w.shape.Width
			return m
		}
		shift := shifts.block(s.shift, s.rows)
		shift.Columns, shift.Stride = w.shape.Width, s.step*shifts.pitch
		kernel.LayerNorm(view(b.normal), b.scale[s.first:], view(w.stream), shift)
	})
	w.layout.clearHalos(b.normal)
}
