package fft

// The structures below are the arguments of the assembly kernels, which read
// them at fixed offsets. Pitches and steps are in bytes.

type stageArgs struct {
	srcRe, srcIm, dstRe, dstIm, twiddles *float64
	srcPitch, span, blocks               int
}

type transposeArgs struct {
	src, dst       *float64
	from, to       *int
	dstStep, count int
}

type spreadArgs struct {
	src, dst          *float64
	from              *int
	srcStep, dstPitch int
	strips, height    int
}

// bytes is the size of n values.
func bytes(n int) int { return 8 * n }
