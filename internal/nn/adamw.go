package nn

import (
	"math"

	"retrace/internal/kernel"
	"retrace/internal/parallel"
)

// AdamW is the optimiser of Loshchilov & Hutter, Decoupled Weight Decay
// Regularization (ICLR 2019), with a moving average of the weights:
//
//	m = Beta1 m + (1-Beta1) g,  v = Beta2 v + (1-Beta2) g^2
//	w = (1 - rate WeightDecay) w - rate (m/(1-Beta1^n)) / (sqrt(v/(1-Beta2^n)) + Epsilon)
//	average = Retention average + (1-Retention) w
//
// Its state is First, Second, Average and Steps: a run that restores them and
// the weights goes on with the same bytes. With Retention 0 the average is the
// weights: Average may then be set to them, which saves memory and time.
type AdamW struct {
	Beta1, Beta2 float64 // decay of the moments, in [0, 1)
	Epsilon      float64 // > 0
	WeightDecay  float64 // >= 0, a step
	Retention    float64 // share of the old average kept by a step, in [0, 1]
	ClipNorm     float64 // largest norm of the gradient; 0 is no limit

	First, Second []float32 // moments of the gradient
	Average       []float32 // moving average of the weights
	Steps         int       // steps done

	weights []float32

	// of the step in progress
	gradient         []float32
	squares          []float64 // sums of squares of the gradient's blocks
	step             kernel.AdamStep
	square, optimise func(worker, block int)
}

// adamBlock is the number of parameters that a core updates at once.
const adamBlock = 1 << 14

// NewAdamW returns an optimiser of the weights, which it updates in place: a
// Network's Slab. The moments are zero, the average starts at the weights.
// Beta1 is 0.9, Beta2 0.999, Epsilon 1e-8, as in PyTorch; WeightDecay,
// Retention and ClipNorm are zero.
func NewAdamW(weights []float32) *AdamW {
	a := &AdamW{
		Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, weights: weights,
		First: kernel.Slab(len(weights)), Second: kernel.Slab(len(weights)), Average: kernel.Slab(len(weights)),
	}
	copy(a.Average, weights)
	a.squares = make([]float64, (len(weights)+adamBlock-1)/adamBlock)
	a.square, a.optimise = a.squareBlock, a.optimiseBlock
	return a
}

// Step updates the weights along the gradient, on all cores, and returns the
// norm that the gradient had before clipping. Where that norm is not finite
// nothing is changed, and the caller must treat the training as diverged.
func (a *AdamW) Step(gradient []float32, rate float64) (norm float64) {
	if len(gradient) != len(a.weights) {
		panic("nn: a gradient of other weights")
	}
	a.gradient = gradient
	parallel.Run(len(a.squares), a.square)
	for _, s := range a.squares {
		norm += s
	}
	norm = math.Sqrt(norm)
	if math.IsNaN(norm) || math.IsInf(norm, 0) {
		return norm
	}
	scale := 1.0
	if a.ClipNorm > 0 && norm > a.ClipNorm {
		scale = a.ClipNorm / norm
	}
	a.Steps++
	n := float64(a.Steps)
	a.step = kernel.AdamStep{
		Scale: float32(scale), Beta1: float32(a.Beta1), Beta2: float32(a.Beta2),
		Correction: float32(1 / (1 - math.Pow(a.Beta2, n))), Epsilon: float32(a.Epsilon),
		Decay: float32(1 - rate*a.WeightDecay), Rate: float32(rate / (1 - math.Pow(a.Beta1, n))),
		Fresh: float32(1 - a.Retention),
	}
	parallel.Run(len(a.squares), a.optimise)
	return norm
}

func (a *AdamW) squareBlock(_, block int) {
	a.squares[block] = kernel.SumSquares(blockOf(a.gradient, block))
}

func (a *AdamW) optimiseBlock(_, block int) {
	kernel.AdamW(kernel.Moments{
		Parameters: blockOf(a.weights, block), First: blockOf(a.First, block),
		Second: blockOf(a.Second, block), Average: blockOf(a.Average, block),
	}, blockOf(a.gradient, block), a.step)
}

// blockOf is a block of a slab.
func blockOf(slab []float32, block int) []float32 {
	return slab[block*adamBlock : min((block+1)*adamBlock, len(slab))]
}
