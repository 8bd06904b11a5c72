package kernel

import "unsafe"

// The structures below are the arguments of the assembly kernels, which read
// them at fixed offsets: all fields are 8 bytes wide but the float32 ones at
// the end. Strides are in bytes.

type productArgs struct {
	a, b, c, bias unsafe.Pointer
	lda, ldb, ldc int
	k, rows       int
	add           int
}

// rightHalf is the product for columns 16 to 31 of the panel.
func (p *productArgs) rightHalf() productArgs {
	half := *p
	half.b = unsafe.Add(p.b, 64)
	half.c = unsafe.Add(p.c, 64)
	if p.bias != nil {
		half.bias = unsafe.Add(p.bias, 64)
	}
	return half
}

type siluArgs struct {
	dst, grad, src unsafe.Pointer
	n              int
}

type layerNormArgs struct {
	dst, scale, src, shift        unsafe.Pointer
	stride, shiftStride, channels int
	rows                          int
	mask                          unsafe.Pointer // of the channels that do not fill 32, or nil
	mean, variance, epsilon       float32        // 1/n, 1/(n-1)
}

type addArgs struct {
	dst, src unsafe.Pointer
	n        int
}

type scaleArgs struct {
	dst, factor, src unsafe.Pointer
	n                int
}

type squaresArgs struct {
	src unsafe.Pointer
	n   int
	sum float32
}

type columnSumsArgs struct {
	dst, src     unsafe.Pointer
	stride, rows int
}

type adamArgs struct {
	parameters, gradient, first, second, average unsafe.Pointer
	n                                            int
	scale, beta1, rest1, beta2, rest2            float32
	correction, epsilon, decay, rate, fresh      float32
}

type transposeArgs struct {
	dst, src     unsafe.Pointer
	stride, rows int
}
