package sda

import "retrace/internal/kernel"

// perceptronBatch is the number of windows that go through the layers together.
const perceptronBatch = 64

// perceptronWork evaluates batches of windows; the rows of one that is not full
// hold what was there before, which does not matter.
type perceptronWork struct {
	*perceptron
	time      float64
	embedded  []float32 // at that time
	input     rows
	cotangent rows
	layers    []perceptronRecord
	noShift   []float32
}

// perceptronRecord is what a layer keeps and works with.
type perceptronRecord struct {
	value, gradient rows
	normal, hidden  rows
	scale           []float32 // of LN, a value a row
	one, two        rows      // scratch
}

func (n *perceptron) evaluator(int, []int, int) (evaluator, error) {
	inputs, widest := n.values+n.embedded, 0
	w := &perceptronWork{perceptron: n, time: -1, input: newRows(perceptronBatch, inputs), cotangent: newRows(perceptronBatch, inputs)}
	for _, l := range n.layers {
		r := func() rows { return newRows(perceptronBatch, l.size) }
		w.layers = append(w.layers, perceptronRecord{r(), r(), r(), r(), kernel.Slab(perceptronBatch), r(), r()})
		widest = max(widest, l.size)
	}
	w.noShift = kernel.Slab(widest)
	return w, nil
}

func (w *perceptronWork) batch() int { return perceptronBatch }

func (w *perceptronWork) forward(out, in []float32, t float64) {
	if t != w.time {
		w.time, w.embedded = t, w.embedding.at(t)
	}
	w.input.put(in, w.values)
	for i := range perceptronBatch {
		copy(w.input.data[i*w.input.pitch+w.values:], w.embedded)
	}
	x := w.input
	for i, l := range w.perceptron.layers {
		r := &w.layers[i]
		if l.change != nil {
			l.change.apply(r.value, x, false)
		} else {
			copy(r.value.data, x.data)
		}
		shift := kernel.Matrix{Data: w.noShift, Rows: perceptronBatch, Columns: l.size}
		kernel.LayerNorm(r.normal.values(), r.scale, r.value.values(), shift)
		l.first.apply(r.hidden, r.normal, false)
		w.activation.Apply(r.one.data, r.hidden.data)
		l.second.apply(r.value, r.one, true)
		x = r.value
	}
	x.take(out, w.values)
}

func (w *perceptronWork) pull(dst, v []float32) {
	last := len(w.layers) - 1
	w.layers[last].gradient.put(v, w.values)
	for i := last; i >= 0; i-- {
		l, r := &w.perceptron.layers[i], &w.layers[i]
		l.second.pull(r.one, r.gradient)
		w.activation.Pull(r.one.data, r.hidden.data)
		l.first.pull(r.two, r.one)
		kernel.LayerNormPull(r.gradient.values(), r.two.values(), r.scale, r.normal.values())
		below := w.cotangent
		if i > 0 {
			below = w.layers[i-1].gradient
		}
		if l.change != nil {
			l.change.pull(below, r.gradient)
		} else {
			copy(below.data, r.gradient.data)
		}
	}
	w.cotangent.take(dst, w.values)
}
