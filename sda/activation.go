package sda

import (
	"math"

	"retrace/internal/kernel"
)

// An activation is a function of one value, under its name in PyTorch with
// PyTorch's default constants, and its derivative.
type activation struct {
	value, slope func(x float64) float64 // nil for SiLU, which has a kernel
}

// Activations lists the activations that an architecture can name.
func Activations() []string { return []string{"SiLU", "ReLU", "ELU", "GELU", "SELU", "Tanh"} }

// Constants of SELU (Klambauer et al. 2017).
const (
	seluAlpha = 1.6732632423543772848170429916717
	seluScale = 1.0507009873554804934193349852946
)

func activationNamed(name string) activation {
	switch name {
	case "SiLU":
		return activation{}
	case "ReLU":
		return activation{func(x float64) float64 { return max(x, 0) }, func(x float64) float64 {
			if x > 0 {
				return 1
			}
			return 0
		}}
	case "ELU":
		return exponential(1, 1)
	case "SELU":
		return exponential(seluScale, seluAlpha)
	case "GELU":
		return activation{func(x float64) float64 { return x * normal(x) }, func(x float64) float64 {
			return normal(x) + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
		}}
	case "Tanh":
		return activation{math.Tanh, func(x float64) float64 { y := math.Tanh(x); return 1 - y*y }}
	}
	panic("sda: unknown activation " + name)
}

// exponential is scale x for x > 0 and scale alpha (exp(x) - 1) below.
func exponential(scale, alpha float64) activation {
	return activation{func(x float64) float64 {
		if x > 0 {
			return scale * x
		}
		return scale * alpha * math.Expm1(x)
	}, func(x float64) float64 {
		if x > 0 {
			return scale
		}
		return scale * alpha * math.Exp(x)
	}}
}

// normal is the distribution function of the standard normal law.
func normal(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

// apply computes dst = f(src). dst may be src.
func (a activation) apply(dst, src []float32) {
	if a.value == nil {
		kernel.SiLU(dst, src)
		return
	}
	for i, x := range src {
		dst[i] = float32(a.value(float64(x)))
	}
}

// pull computes grad = grad f'(src).
func (a activation) pull(grad, src []float32) {
	if a.value == nil {
		kernel.SiLUPull(grad, grad, src)
		return
	}
	for i, x := range src {
		grad[i] *= float32(a.slope(float64(x)))
	}
}
