package sda

import (
	"math"

	"retrace/internal/nn"
)

// The time embedding is
//
//	e(t) = W_2 SiLU(W_0 [cos(f t), sin(f t)] + b_0) + b_2,   f = pi k, k = 1 ... 16,
//
// with 256 hidden features.

const embeddingWidth = 256

// linear is y = W x + b with W of (out, in).
type linear struct {
	in, out      int
	weight, bias []float32
}

func takeLinear(s *source, name string, in, out int) linear {
	return linear{in, out, s.take(name+".weight", out, in), s.take(name+".bias", out)}
}

func (l linear) apply(x []float64) []float64 {
	y := make([]float64, l.out)
	for i := range y {
		y[i] = float64(l.bias[i])
		for j, w := range l.weight[i*l.in:][:l.in] {
			y[i] += float64(w) * x[j]
		}
	}
	return y
}

type embedding struct{ first, second linear }

// takeEmbedding takes the layers below name.
func takeEmbedding(s *source, name string, features int) embedding {
	s.frequencies(name + ".freqs")
	return embedding{
		takeLinear(s, name+".0", 2*nn.Frequencies, embeddingWidth),
		takeLinear(s, name+".2", embeddingWidth, features),
	}
}

// at returns e(t). The arguments of the waves are rounded as PyTorch rounds them.
func (e embedding) at(t float64) []float32 {
	waves := make([]float64, 2*nn.Frequencies)
	for k := range nn.Frequencies {
		argument := float64(frequency(k) * float32(t))
		waves[k], waves[nn.Frequencies+k] = math.Cos(argument), math.Sin(argument)
	}
	hidden := e.first.apply(waves)
	for i, x := range hidden {
		hidden[i] = x / (1 + math.Exp(-x))
	}
	var result []float32
	for _, x := range e.second.apply(hidden) {
		result = append(result, float32(x))
	}
	return result
}

func frequency(k int) float32 { return float32(math.Pi) * float32(k+1) }
