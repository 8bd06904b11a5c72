package sda

import (
	"fmt"
	"strconv"
)

// Perceptron is the arguments of "mcscore-mlp". With n = features (2 order + 1)
// values of a window, the network maps the window and the time embedding to n
// values: for each size in hidden_features and n, a linear layer if the size
// changes, and a residual block.
type Perceptron struct {
	Features       int   `toml:"features,required" json:"features" doc:"values of a state"`
	Order          int   `toml:"order,required" json:"order" doc:"k: windows have 2k+1 states"`
	Embedding      int   `toml:"embedding,required" json:"embedding" doc:"features of the time embedding"`
	HiddenFeatures []int `toml:"hidden_features,required" json:"hidden_features" doc:"sizes of the hidden layers"`
}

func (p *Perceptron) problems() []error {
	var c checks
	c.between("features", p.Features, 1, mostChannels)
	c.between("order", p.Order, 1, mostLayers)
	c.between("embedding", p.Embedding, 1, mostChannels)
	c.eachBetween("hidden_features", p.HiddenFeatures, 2, mostChannels)
	return c
}

func (p *Perceptron) window() int { return 2*p.Order + 1 }

func (p *Perceptron) checkState(_ int, state []int) error {
	if len(state) != 1 || state[0] != p.Features {
		return fmt.Errorf("states have the shape %s, but those of the network are (%d)", shapeText(state), p.Features)
	}
	return nil
}

// perceptronLayer is a linear map, a residual block, or one after the other.
type perceptronLayer struct {
	size   int
	linear *convolution // nil where the size stays
	block  block
}

// perceptron works on a batch of windows, the pixels of a grid of one row.
type perceptron struct {
	values, embedded int
	embedding        embedding
	layers           []perceptronLayer
}

func (p *Perceptron) build(s *source, name string) network {
	values := p.Features * p.window()
	n := &perceptron{values: values, embedded: p.Embedding}
	n.embedding = takeEmbedding(s, "kernel.embedding", p.Embedding)
	before, place := values+p.Embedding, 0
	for _, size := range append(append([]int{}, p.HiddenFeatures...), values) {
		if s.failed() {
			break
		}
		layer := perceptronLayer{size: size}
		if size != before {
			layer.linear = takeConvolution(s, fmt.Sprintf("kernel.network.%d", place), before, size, pointwise)
			place++
		}
		inner := "kernel.network." + strconv.Itoa(place)
		layer.block = block{
			takeConvolution(s, inner+".1", size, size, pointwise),
			takeConvolution(s, inner+".3", size, size, pointwise), activationNamed(name),
		}
		place++
		n.layers = append(n.layers, layer)
		before = size
	}
	return n
}

// perceptronBatch is the number of windows that go through the layers together.
const perceptronBatch = 64

func (n *perceptron) batch() int { return perceptronBatch }

func (n *perceptron) checkState([]int) error { return nil }

func (n *perceptron) condition(t float64) condition {
	e := n.embedding.at(t)
	c := condition{embedding: make([]float32, len(e))}
	for i, v := range e {
		c.embedding[i] = float32(v)
	}
	return c
}

type perceptronWork struct {
	*perceptron
	input, cotangent sheet
	layers           []perceptronRecord
}

type perceptronRecord struct {
	value, gradient sheet
	record          record
	scratch         scratch
}

func (n *perceptron) work(_ int, _ []int) worker {
	g := grid{1, perceptronBatch}
	inputs := n.values + n.embedded
	w := &perceptronWork{perceptron: n, input: newSheet(g, inputs), cotangent: newSheet(g, inputs)}
	for _, l := range n.layers {
		r := perceptronRecord{newSheet(g, l.size), newSheet(g, l.size), newRecord(g, l.size), newScratch(&margins{}, g, l.size)}
		w.layers = append(w.layers, r)
	}
	return w
}

func (w *perceptronWork) forward(out, in []float32, c condition) {
	for i := range len(in) / w.values {
		row := w.input.data[i*w.input.pitch:]
		copy(row[copy(row, in[i*w.values:][:w.values]):], c.embedding)
	}
	x := w.input
	for i, l := range w.perceptron.layers {
		r := &w.layers[i]
		if l.linear != nil {
			l.linear.apply(r.value, x, false, nil)
		} else {
			copy(r.value.data, x.data)
		}
		l.block.apply(r.value, r.scratch.noShift, r.record, r.scratch)
		x = r.value
	}
	for i := range len(out) / w.values {
		copy(out[i*w.values:][:w.values], x.data[i*x.pitch:])
	}
}

func (w *perceptronWork) pull(dst, v []float32) {
	g := w.layers[len(w.layers)-1].gradient
	for i := range len(v) / w.values {
		copy(g.data[i*g.pitch:], v[i*w.values:][:w.values])
	}
	for i := len(w.layers) - 1; i >= 0; i-- {
		l, r := &w.perceptron.layers[i], &w.layers[i]
		l.block.pull(r.gradient, r.record, r.scratch)
		below := w.cotangent
		if i > 0 {
			below = w.layers[i-1].gradient
		}
		if l.linear != nil {
			l.linear.pull(below, r.gradient, false, nil)
		} else {
			copy(below.data, r.gradient.data)
		}
	}
	for i := range len(dst) / w.values {
		copy(dst[i*w.values:][:w.values], w.cotangent.data[i*w.cotangent.pitch:])
	}
}
