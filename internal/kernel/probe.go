package kernel

import (
	"math"
	"unsafe"
)

// The probes measure what the processor reaches at the level in use, as the
// peak that the other kernels are compared with. Both return a value that
// depends on all the work done, so that tests can tell that it was.

// multiplyAddsArgs and readArgs are arguments like those in arguments.go. sums
// and bits are the lanes of one vector.
type multiplyAddsArgs struct {
	rounds         int
	factor, addend float32
	sums           [vector]float32
}

type readArgs struct {
	src       unsafe.Pointer
	n, passes int
	bits      [vector]uint32
}

// maxRounds bounds a call of MultiplyAdds, which cannot be preempted.
const maxRounds = 1 << 16

// MultiplyAdds makes rounds of x = x/2 + 1/2 on independent values in
// registers, all zero at first, and returns the sum of the values and the number
// of floating-point operations, two a value and round. rounds is at least 1 and
// at most 65536. Assembly makes one fused instruction a vector and keeps enough
// of them in flight to fill the processor's units; the portable twin makes what
// the compiler makes of scalar code.
func MultiplyAdds(rounds int) (sum float32, operations int) {
	if rounds < 1 || rounds > maxRounds {
		panic("kernel: rounds out of range")
	}
	args := multiplyAddsArgs{rounds: rounds, factor: 0.5, addend: 0.5}
	values := multiplyAdds(&args)
	for _, s := range args.sums {
		sum += s
	}
	return sum, 2 * values * rounds
}

// readUnit is the number of values of a step of Read, maxRead of a call.
const (
	readUnit = 128
	maxRead  = 1 << 20
)

// Read loads the values of x in order, several times, and returns the exclusive
// or of the bits of all that was loaded. The length of x is a multiple of 128,
// and times passes at most 2^20.
func Read(x []float32, passes int) uint32 {
	if len(x)%readUnit != 0 || len(x) == 0 || passes < 1 || len(x) > maxRead/passes {
		panic("kernel: size out of range")
	}
	args := readArgs{src: pointer(x), n: len(x), passes: passes}
	read(&args)
	var bits uint32
	for _, b := range args.bits {
		bits ^= b
	}
	return bits
}

// multiplyAddsGeneric returns the number of values that it works on, few
// enough for the registers.
func multiplyAddsGeneric(p *multiplyAddsArgs) (values int) {
	f, a := p.factor, p.addend
	var x0, x1, x2, x3, x4, x5, x6, x7 float32
	for range p.rounds {
		x0, x1, x2, x3 = x0*f+a, x1*f+a, x2*f+a, x3*f+a
		x4, x5, x6, x7 = x4*f+a, x5*f+a, x6*f+a, x7*f+a
	}
	p.sums = [vector]float32{x0, x1, x2, x3, x4, x5, x6, x7}
	return 8
}

func readGeneric(p *readArgs) {
	x := floats(p.src, p.n)
	var b0, b1, b2, b3 uint32
	for range p.passes {
		for i := 0; i < len(x); i += 4 {
			four := (*[4]float32)(x[i:])
			b0 ^= math.Float32bits(four[0])
			b1 ^= math.Float32bits(four[1])
			b2 ^= math.Float32bits(four[2])
			b3 ^= math.Float32bits(four[3])
		}
	}
	p.bits = [vector]uint32{b0, b1, b2, b3}
}
