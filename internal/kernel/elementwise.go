package kernel

// vector is the number of values that every kernel takes at once.
const vector = 16

// SiLU computes dst = src sigmoid(src). dst may be src.
func SiLU(dst, src []float32) {
	if len(dst) != len(src) {
		panic("kernel: lengths do not match")
	}
	whole := len(src) / vector * vector
	if whole > 0 {
		silu(&siluArgs{dst: pointer(dst), src: pointer(src), n: whole})
	}
	if whole < len(src) {
		var last [vector]float32
		copy(last[:], src[whole:])
		silu(&siluArgs{dst: pointer(last[:]), src: pointer(last[:]), n: vector})
		copy(dst[whole:], last[:])
	}
}

// SiLUPull computes dst = grad times the derivative of SiLU at src. dst may be
// grad.
func SiLUPull(dst, grad, src []float32) {
	if len(dst) != len(src) || len(grad) != len(src) {
		panic("kernel: lengths do not match")
	}
	whole := len(src) / vector * vector
	if whole > 0 {
		siluPull(&siluArgs{dst: pointer(dst), grad: pointer(grad), src: pointer(src), n: whole})
	}
	if whole < len(src) {
		var last, lastGrad [vector]float32
		copy(last[:], src[whole:])
		copy(lastGrad[:], grad[whole:])
		siluPull(&siluArgs{dst: pointer(lastGrad[:]), grad: pointer(lastGrad[:]), src: pointer(last[:]), n: vector})
		copy(dst[whole:], lastGrad[:])
	}
}

// SiLUSlope computes dst = src sigmoid(src) and slope, its derivative at src:
// pulling back is then one Scale. dst or slope may be src.
func SiLUSlope(dst, slope, src []float32) {
	if len(dst) != len(src) || len(slope) != len(src) {
		panic("kernel: lengths do not match")
	}
	whole := len(src) / vector * vector
	if whole > 0 {
		siluSlope(&siluArgs{dst: pointer(dst), grad: pointer(slope), src: pointer(src), n: whole})
	}
	if whole < len(src) {
		var last, lastSlope [vector]float32
		copy(last[:], src[whole:])
		siluSlope(&siluArgs{dst: pointer(last[:]), grad: pointer(lastSlope[:]), src: pointer(last[:]), n: vector})
		copy(dst[whole:], last[:])
		copy(slope[whole:], lastSlope[:])
	}
}

// Scale computes dst = src factor, value by value. dst may be either.
func Scale(dst, src, factor []float32) {
	if len(dst) != len(src) || len(factor) != len(src) {
		panic("kernel: lengths do not match")
	}
	whole := len(src) / vector * vector
	if whole > 0 {
		scale(&scaleArgs{pointer(dst), pointer(factor), pointer(src), whole})
	}
	for i := whole; i < len(src); i++ {
		dst[i] = src[i] * factor[i]
	}
}

// Add computes dst += src.
func Add(dst, src []float32) {
	if len(dst) != len(src) {
		panic("kernel: lengths do not match")
	}
	whole := len(src) / vector * vector
	if whole > 0 {
		add(&addArgs{pointer(dst), pointer(src), whole})
	}
	for i := whole; i < len(src); i++ {
		dst[i] += src[i]
	}
}

// SumSquares returns the sum of the squares of x, summed in float64 over
// blocks of float32 sums.
func SumSquares(x []float32) float64 {
	const block = 4096
	var sum float64
	for len(x) >= 2*vector {
		args := squaresArgs{src: pointer(x), n: min(block, len(x)/(2*vector)*(2*vector))}
		squares(&args)
		sum += float64(args.sum)
		x = x[args.n:]
	}
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return sum
}

// AddColumnSums adds the sum of the rows of m to dst. The columns of m must be
// a multiple of ColumnUnit.
func AddColumnSums(dst []float32, m Matrix) {
	m.check()
	if len(dst) != m.Columns || m.Columns%ColumnUnit != 0 {
		panic("kernel: columns are not padded")
	}
	if m.Rows == 0 {
		return
	}
	for column := 0; column < m.Columns; column += ColumnUnit {
		columnSums(&columnSumsArgs{pointer(dst[column:]), pointer(m.Data[column:]), 4 * m.Stride, m.Rows})
	}
}
