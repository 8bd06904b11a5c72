package kernel

import "unsafe"

// Epsilon is added to the variance by LayerNorm.
const Epsilon = 1e-5

// LayerNorm normalises every row of src + shift over its columns, without
// affine parameters and with the unbiased variance:
//
//	dst = (src + shift - mean) scale,  scale = 1/sqrt(variance + Epsilon)
//
// shift has as many rows as src, or any number with a stride of 0 and so the
// same values for all rows. scale takes one value a row. dst and src have the
// same stride and at least two columns; dst may be src.
func LayerNorm(dst Matrix, scale []float32, src, shift Matrix) {
	dst.check()
	src.check()
	shift.check()
	if !sameShape(dst, src) || shift.Rows != src.Rows || shift.Columns != src.Columns || len(scale) < src.Rows {
		panic("kernel: shapes of a layer norm do not match")
	}
	if src.Rows == 0 {
		return
	}
	args := normArgs(dst, scale, src)
	args.shift, args.shiftStride = pointer(shift.Data), 4*shift.Stride
	layerNorm(&args)
}

// LayerNormPull pulls grad, the gradient with respect to the result y of
// LayerNorm, back to its argument: grad is overwritten with the gradient with
// respect to src (and shift), which is also added to sum.
//
//	grad = scale (grad - mean(grad) - y sum(grad y)/(n-1))
func LayerNormPull(sum, grad Matrix, scale []float32, y Matrix) {
	sum.check()
	grad.check()
	y.check()
	if !sameShape(sum, y) || !sameShape(grad, y) || len(scale) < y.Rows {
		panic("kernel: shapes of a layer norm do not match")
	}
	if y.Rows == 0 {
		return
	}
	args := normArgs(sum, scale, y)
	args.shift = pointer(grad.Data)
	layerNormPull(&args)
}

func sameShape(a, b Matrix) bool {
	return a.Rows == b.Rows && a.Columns == b.Columns && a.Stride == b.Stride
}

// firstLanes is a mask of 32 lanes from any of its first words on: of the first
// n where 32-n words are skipped.
var firstLanes = func() (mask [2 * ColumnUnit]uint32) {
	for i := range ColumnUnit {
		mask[i] = 1<<32 - 1
	}
	return mask
}()

func normArgs(dst Matrix, scale []float32, src Matrix) layerNormArgs {
	n := src.Columns
	if n < 2 {
		panic("kernel: a layer norm needs two columns")
	}
	var mask unsafe.Pointer
	if left := n % ColumnUnit; left > 0 {
		mask = unsafe.Pointer(&firstLanes[ColumnUnit-left])
	}
	return layerNormArgs{
		mask: mask, dst: pointer(dst.Data), scale: pointer(scale), src: pointer(src.Data),
		stride: 4 * src.Stride, channels: 4 * n, rows: src.Rows,
		mean: 1 / float32(n), variance: 1 / float32(n-1), epsilon: Epsilon,
	}
}
