package kernel

import (
	"math"
	"unsafe"
)

// This file holds the portable twins of the assembly kernels. They take the
// same arguments and make the same steps, so they differ only where a fused
// multiply-add rounds once and Go rounds twice, and in the order of sums.

// floats views n values at p.
func floats(p unsafe.Pointer, n int) []float32 { return unsafe.Slice((*float32)(p), n) }

// floatsAt views n values at p plus an offset in bytes.
func floatsAt(p unsafe.Pointer, offset, n int) []float32 { return floats(unsafe.Add(p, offset), n) }

func productGeneric(p *productArgs, transposed bool) {
	rowStep, depthStep := p.lda, 4
	ldb := 4 * ColumnUnit
	if transposed {
		rowStep, depthStep, ldb = 4, p.lda, p.ldb
	}
	for i := range p.rows {
		var sum [ColumnUnit]float32
		if p.bias != nil {
			copy(sum[:], floats(p.bias, ColumnUnit))
		}
		a := unsafe.Add(p.a, i*rowStep)
		for k := range p.k {
			x := *(*float32)(unsafe.Add(a, k*depthStep))
			b := floatsAt(p.b, k*ldb, ColumnUnit)
			for j := range sum {
				sum[j] += float32(x * b[j])
			}
		}
		c := floatsAt(p.c, i*p.ldc, ColumnUnit)
		if p.add != 0 {
			for j := range sum {
				sum[j] += c[j]
			}
		}
		copy(c, sum[:])
	}
}

// sigmoidInverse is 1 + exp(-x) with x limited to +-87; gen/elementwise.go says
// how.
func sigmoidInverse(x float32) float32 {
	const magic = 3 << 22
	x = min(max(x, -87), 87)
	t := float32(x*-math.Log2E) + magic
	n := t - magic
	r := -x - n*0.693359375 + n*2.12194440e-4
	p := float32(8.3125248767e-3)
	for _, c := range [...]float32{4.1890113171e-2, 1.6667114465e-1, 4.9999231791e-1, 1, 1} {
		p = p*r + c
	}
	return 1 + math.Float32frombits(math.Float32bits(p)+math.Float32bits(t)<<23)
}

func siluGeneric(p *siluArgs) {
	dst, src := floats(p.dst, p.n), floats(p.src, p.n)
	for i, x := range src {
		if x != x {
			dst[i] = x
			continue
		}
		dst[i] = x / sigmoidInverse(x)
	}
}

func siluSlopeGeneric(p *siluArgs) {
	dst, slope, src := floats(p.dst, p.n), floats(p.grad, p.n), floats(p.src, p.n)
	for i, x := range src {
		if x != x {
			dst[i], slope[i] = x, x
			continue
		}
		s := 1 / sigmoidInverse(x)
		dst[i], slope[i] = x*s, s*((1-s)*x+1)
	}
}

func siluPullGeneric(p *siluArgs) {
	dst, grad, src := floats(p.dst, p.n), floats(p.grad, p.n), floats(p.src, p.n)
	for i, x := range src {
		if x != x {
			dst[i] = x
			continue
		}
		s := 1 / sigmoidInverse(x)
		dst[i] = grad[i] * (s * ((1-s)*x + 1))
	}
}

func layerNormGeneric(p *layerNormArgs) {
	n := p.channels / 4
	for i := range p.rows {
		dst := floatsAt(p.dst, i*p.stride, n)
		src := floatsAt(p.src, i*p.stride, n)
		shift := floatsAt(p.shift, i*p.shiftStride, n)
		var sum float32
		for j := range dst {
			dst[j] = src[j] + shift[j]
			sum += dst[j]
		}
		mean := sum * p.mean
		var squares float32
		for _, x := range dst {
			squares += (x - mean) * (x - mean)
		}
		scale := 1 / float32(math.Sqrt(float64(squares*p.variance+p.epsilon)))
		*(*float32)(unsafe.Add(p.scale, 4*i)) = scale
		for j := range dst {
			dst[j] = (dst[j] - mean) * scale
		}
	}
}

func layerNormPullGeneric(p *layerNormArgs) {
	n := p.channels / 4
	for i := range p.rows {
		dst := floatsAt(p.dst, i*p.stride, n)
		src := floatsAt(p.src, i*p.stride, n)
		grad := floatsAt(p.shift, i*p.stride, n)
		scale := *(*float32)(unsafe.Add(p.scale, 4*i))
		var sum, product float32
		for j, g := range grad {
			sum += g
			product += g * src[j]
		}
		mean, along := sum*p.mean, product*p.variance
		for j, g := range grad {
			grad[j] = (g - mean - src[j]*along) * scale
			dst[j] += grad[j]
		}
	}
}

func addGeneric(p *addArgs) {
	dst, src := floats(p.dst, p.n), floats(p.src, p.n)
	for i, x := range src {
		dst[i] += x
	}
}

func scaleGeneric(p *scaleArgs) {
	dst, factor, src := floats(p.dst, p.n), floats(p.factor, p.n), floats(p.src, p.n)
	for i, x := range src {
		dst[i] = x * factor[i]
	}
}

func squaresGeneric(p *squaresArgs) {
	p.sum = 0
	for _, x := range floats(p.src, p.n) {
		p.sum += x * x
	}
}

func columnSumsGeneric(p *columnSumsArgs) {
	var sum [ColumnUnit]float32
	for i := range p.rows {
		for j, x := range floatsAt(p.src, i*p.stride, ColumnUnit) {
			sum[j] += x
		}
	}
	for j := range sum {
		floats(p.dst, ColumnUnit)[j] += sum[j]
	}
}

func adamGeneric(p *adamArgs) {
	parameters, average := floats(p.parameters, p.n), floats(p.average, p.n)
	first, second := floats(p.first, p.n), floats(p.second, p.n)
	for i, g := range floats(p.gradient, p.n) {
		g *= p.scale
		first[i] = first[i]*p.beta1 + g*p.rest1
		second[i] = second[i]*p.beta2 + g*g*p.rest2
		root := float32(math.Sqrt(float64(second[i] * p.correction)))
		parameters[i] = parameters[i]*p.decay - first[i]/(root+p.epsilon)*p.rate
		average[i] += (parameters[i] - average[i]) * p.fresh
	}
}

func transposeGeneric(p *transposeArgs) {
	for j := range transposeUnit {
		for i, x := range floatsAt(p.src, j*p.stride, p.rows) {
			floatsAt(p.dst, 4*i*ColumnUnit, transposeUnit)[j] = x
		}
	}
}
