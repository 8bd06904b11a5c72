package nn

import "math"

// Activations other than SiLU, which has a kernel, in float32 arithmetic that the
// compiler turns into a few dozen instructions a value: an exponential by range
// reduction, and the complementary error function by the rational Chebyshev fit of
// Press et al., Numerical Recipes (erfcc).

// Constants of exp: ln 2 in two parts, the first with few bits, and the fit of
// Moshier's Cephes library to (exp(r) - 1 - r)/r^2 on |r| < ln(2)/2.
const (
	ln2High = 0.693359375
	ln2Low  = -2.12194440e-4
	exp0    = 5.0000001201e-1
	exp1    = 1.6666665459e-1
	exp2    = 4.1665795894e-2
	exp3    = 8.3334519073e-3
	exp4    = 1.3981999507e-3
	exp5    = 1.9875691500e-4

	// Adding it rounds to a whole number, which is then in the lowest bits.
	rounding = 3 << 22
	largest  = 87
)

// split writes x as n ln 2 + r and returns exp(r) - 1 and 2^n. x is limited to
// +-largest.
func split(x float32) (rest, power float32) {
	x = min(max(x, -largest), largest)
	shifted := x*math.Log2E + rounding
	n := shifted - rounding
	r := x - n*ln2High - n*ln2Low
	rest = r + r*r*(exp0+r*(exp1+r*(exp2+r*(exp3+r*(exp4+r*exp5)))))
	return rest, math.Float32frombits(math.Float32bits(shifted)<<23 + 127<<23)
}

func exp(x float32) float32 {
	rest, power := split(x)
	return rest*power + power
}

// expm1 is exp(x) - 1 without cancellation near 0, where the power is 1.
func expm1(x float32) float32 {
	rest, power := split(x)
	return rest*power + (power - 1)
}

func applyReLU(dst, src []float32) {
	for i, x := range src {
		dst[i] = max(x, 0)
	}
}

func pullReLU(grad, src []float32) {
	for i, x := range src {
		if !(x > 0) {
			grad[i] = 0
		}
	}
}

// applyExponential computes scale x for x > 0 and below (exp(x) - 1) otherwise.
func applyExponential(dst, src []float32, scale, below float32) {
	for i, x := range src {
		dst[i] = scale*max(x, 0) + below*expm1(min(x, 0))
	}
}

func pullExponential(grad, src []float32, scale, below float32) {
	for i, x := range src {
		slope := scale
		if !(x > 0) {
			slope = below * exp(x)
		}
		grad[i] *= slope
	}
}

// Constants of erfc(z) = t exp(-z^2 + c0 + c1 t + ...), t = 1/(1 + z/2), z >= 0,
// with a relative error of 1.2e-7.
const (
	erfc0 = -1.26551223
	erfc1 = 1.00002368
	erfc2 = 0.37409196
	erfc3 = 0.09678418
	erfc4 = -0.18628806
	erfc5 = 0.27886807
	erfc6 = -1.13520398
	erfc7 = 1.48851587
	erfc8 = -0.82215223
	erfc9 = 0.17087277
)

// normal is the distribution function of the standard normal law.
func normal(x float32) float32 {
	z := math.Float32frombits(math.Float32bits(x)&^(1<<31)) * (1 / math.Sqrt2)
	t := 1 / (1 + z/2)
	t2 := t * t
	t4 := t2 * t2
	c := (erfc0 + t*erfc1 + t2*(erfc2+t*erfc3)) + t4*((erfc4+t*erfc5+t2*(erfc6+t*erfc7))+t4*(erfc8+t*erfc9))
	tail := t * exp(c-z*z) / 2
	if x > 0 {
		return 1 - tail
	}
	return tail
}

func applyGELU(dst, src []float32) {
	for i, x := range src {
		dst[i] = x * normal(x)
	}
}

func pullGELU(grad, src []float32) {
	const density = 1 / (math.Sqrt2 * math.SqrtPi)
	for i, x := range src {
		grad[i] *= normal(x) + x*density*exp(-x*x/2)
	}
}

// tanh is sign(x) (1 - 2/(exp(2 |x|) + 1)), with the quotient that does not cancel.
func tanh(x float32) float32 {
	e := expm1(2 * x)
	return e / (e + 2)
}

func applyTanh(dst, src []float32) {
	for i, x := range src {
		dst[i] = tanh(x)
	}
}

func pullTanh(grad, src []float32) {
	for i, x := range src {
		y := tanh(x)
		grad[i] *= 1 - y*y
	}
}
