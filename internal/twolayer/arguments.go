package twolayer

// lanes is the number of columns of a strip.
const lanes = 8

// The structures below are the arguments of the assembly kernels, which read
// them at fixed offsets.

type fluxArgs struct {
	u, v, q, fluxX, fluxY *float64
	n                     int
	background            float64
	fastestX, fastestY    [lanes]float64
}

type stepArgs struct {
	out                                 [8]*float64  // products 1 and 2, positive and negative strip, real and imaginary
	in                                  [12]*float64 // fields w1, w2, z likewise
	state, tables, k                    *float64
	rows, opposites                     *int
	l                                   *float64
	masks                               *uint64
	count, last, oldest, self           int
	delta, drag                         float64
	gradient                            [2]float64
	now, lastWeight, oldestWeight, half float64
}
