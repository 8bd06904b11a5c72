package sda

import (
	"fmt"
	"strconv"

	"retrace/internal/nn"
	"retrace/internal/parallel"
	"retrace/scoresum"
)

// Perceptron is the arguments of "mcscore-mlp". With n = features (2 order + 1)
// values of a window, the network maps the window and the time embedding to n
// values: for each size in hidden_features and n, a linear layer if the size
// changes, and a residual block x + second(f(first(LN(x)))).
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

func (p *Perceptron) checkState(state []int) error {
	if len(state) != 1 || state[0] != p.Features {
		return fmt.Errorf("states have the shape %s, but those of the network are (%d)", shapeText(state), p.Features)
	}
	return nil
}

// perceptronLayer is a linear map, a residual block, or one after the other.
type perceptronLayer struct {
	size          int
	change        *dense // nil where the size stays
	first, second *dense
}

type perceptron struct {
	values, embedded int
	embedding        embedding
	activation       nn.Activation
	layers           []perceptronLayer
}

func (p *Perceptron) build(s *source, name string) network {
	values := p.Features * p.window()
	n := &perceptron{values: values, embedded: p.Embedding}
	n.activation, _ = nn.ActivationNamed(name)
	n.embedding = takeEmbedding(s, "kernel.embedding", p.Embedding)
	before, place := values+p.Embedding, 0
	for _, size := range append(append([]int{}, p.HiddenFeatures...), values) {
		if s.failed() {
			break
		}
		layer := perceptronLayer{size: size}
		if size != before {
			layer.change = takeDense(s, fmt.Sprintf("kernel.network.%d", place), before, size)
			place++
		}
		inner := "kernel.network." + strconv.Itoa(place)
		layer.first, layer.second = takeDense(s, inner+".1", size, size), takeDense(s, inner+".3", size, size)
		place++
		n.layers = append(n.layers, layer)
		before = size
	}
	return n
}

func (n *perceptron) cut(length int, state []int) (int, []scoresum.Piece, error) {
	window := n.values / state[0]
	pieces, err := scoresum.Compose("centre", length, window, 0)
	return window, pieces, err
}

// workers is the number of evaluators that may be at work on n batches.
func (n *perceptron) workers(batches int) int { return parallel.Workers(batches) }
