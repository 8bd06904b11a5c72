package nn

import (
	"math"

	"retrace/internal/kernel"
)

// Activation is a function of one value that is applied to every channel, under
// its name in PyTorch and with PyTorch's default constants. The zero value is
// SiLU. Every activation maps 0 to 0, so that channels that pad stay zero.
type Activation struct{ function *function }

// function is an activation and its derivative, by definition and on vectors.
type function struct {
	name         string
	value, slope func(x float64) float64
	apply, pull  func(dst, src []float32) // dst = f(src), dst = dst f'(src)
}

// Constants of SELU (Klambauer et al. 2017).
const (
	seluAlpha = 1.6732632423543772848170429916717
	seluScale = 1.0507009873554804934193349852946
)

// functions are those that an Activation can be; the first is the zero value.
var functions = []function{
	{"SiLU", func(x float64) float64 { return x / (1 + math.Exp(-x)) }, func(x float64) float64 {
		s := 1 / (1 + math.Exp(-x))
		return s * (1 + x*(1-s))
	}, kernel.SiLU, func(dst, src []float32) { kernel.SiLUPull(dst, dst, src) }},
	{"ReLU", func(x float64) float64 { return max(x, 0) }, func(x float64) float64 {
		if x > 0 {
			return 1
		}
		return 0
	}, applyReLU, pullReLU},
	exponential("ELU", 1, 1),
	{"GELU", func(x float64) float64 { return x * math.Erfc(-x/math.Sqrt2) / 2 }, func(x float64) float64 {
		return math.Erfc(-x/math.Sqrt2)/2 + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
	}, applyGELU, pullGELU},
	exponential("SELU", seluScale, seluAlpha),
	{"Tanh", math.Tanh, func(x float64) float64 { y := math.Tanh(x); return 1 - y*y }, applyTanh, pullTanh},
}

// exponential is scale x for x > 0 and scale alpha (exp(x) - 1) below.
func exponential(name string, scale, alpha float64) function {
	return function{name, func(x float64) float64 {
		if x > 0 {
			return scale * x
		}
		return scale * alpha * math.Expm1(x)
	}, func(x float64) float64 {
		if x > 0 {
			return scale
		}
		return scale * alpha * math.Exp(x)
	}, func(dst, src []float32) {
		applyExponential(dst, src, float32(scale), float32(scale*alpha))
	}, func(dst, src []float32) {
		pullExponential(dst, src, float32(scale), float32(scale*alpha))
	}}
}

// Activations lists the names that ActivationNamed knows.
func Activations() []string {
	var names []string
	for i := range functions {
		names = append(names, functions[i].name)
	}
	return names
}

// ActivationNamed returns the activation of a name, and whether there is one.
func ActivationNamed(name string) (Activation, bool) {
	for i := range functions {
		if functions[i].name == name {
			return Activation{&functions[i]}, true
		}
	}
	return Activation{}, false
}

func (a Activation) of() *function {
	if a.function == nil {
		return &functions[0]
	}
	return a.function
}

// String is the name in PyTorch.
func (a Activation) String() string { return a.of().name }

// Value is the activation of x.
func (a Activation) Value(x float64) float64 { return a.of().value(x) }

// Slope is the derivative at x.
func (a Activation) Slope(x float64) float64 { return a.of().slope(x) }

// Apply computes dst = f(src), to 3e-7 of the larger of 1 and the result. dst may
// be src.
func (a Activation) Apply(dst, src []float32) { a.of().apply(dst, src) }

// Pull computes grad = grad f'(src). As f is a function of each value alone, this
// is its tangent map, too.
func (a Activation) Pull(grad, src []float32) { a.of().pull(grad, src) }
