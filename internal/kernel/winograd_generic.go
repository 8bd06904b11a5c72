package kernel

import "unsafe"

// This file holds the portable twins of the transforms of Winograd's algorithm.
// They take the steps of the assembly, 16 channels at a time.

// The points and the norms of their polynomials.
const (
	pointA  = 0.75
	pointB  = 1.5
	squareA = pointA * pointA
	squareB = pointB * pointB

	normZero = squareA * squareB
	normA    = 2 * squareA * (squareA - squareB)
	normB    = 2 * squareB * (squareB - squareA)
)

// lane is one value of each of 16 channels.
type lane [vector]float32

func laneAt(p unsafe.Pointer) *lane { return (*lane)(p) }

// combine returns the sum of x_i times c_i.
func combine(x []lane, c ...float32) (sum lane) {
	for i, c := range c {
		if c == 0 {
			continue
		}
		for k, v := range x[i] {
			sum[k] += float32(v * c)
		}
	}
	return sum
}

func addLanes(x, y lane) lane {
	for k, v := range y {
		x[k] += v
	}
	return x
}

// pairOf returns even plus and minus p times odd.
func pairOf(even, odd lane, p float32) (plus, minus lane) {
	for k, v := range odd {
		plus[k], minus[k] = even[k]+float32(v*p), even[k]-float32(v*p)
	}
	return plus, minus
}

func inputLine(d *[reach]lane) (v [reach]lane) {
	const product, sum = squareA * squareB, squareA + squareB
	v[0] = combine([]lane{d[4], d[0], d[2]}, 1, product, -sum)
	v[5] = combine([]lane{d[5], d[1], d[3]}, 1, product, -sum)
	v[1], v[2] = pairOf(combine([]lane{d[4], d[2]}, 1, -squareB), combine([]lane{d[3], d[1]}, 1, -squareB), pointA)
	v[3], v[4] = pairOf(combine([]lane{d[4], d[2]}, 1, -squareA), combine([]lane{d[3], d[1]}, 1, -squareA), pointB)
	return v
}

func resultLine(y *[reach]lane) (v [reach]lane) {
	v[0], v[5] = y[0], y[3]
	v[1], v[2] = pairOf(combine([]lane{y[0], y[2]}, 1, squareA), combine([]lane{y[1], y[3]}, 1, squareA), pointA)
	v[3], v[4] = pairOf(combine([]lane{y[0], y[2]}, 1, squareB), combine([]lane{y[1], y[3]}, 1, squareB), pointB)
	return v
}

func outputLine(m *[reach]lane) (y [reach]lane) {
	evenA, oddA := pairOf(m[1], m[2], 1)
	evenB, oddB := pairOf(m[3], m[4], 1)
	y[0] = addLanes(addLanes(m[0], evenA), evenB)
	y[1] = combine([]lane{oddA, oddB}, pointA, pointB)
	y[2] = combine([]lane{evenA, evenB}, squareA, squareB)
	y[3] = combine([]lane{m[5], oddA, oddB}, 1, pointA*squareA, pointB*squareB)
	return y
}

func filterLine(g *[reach]lane) (u [reach]lane) {
	u[0] = combine(g[:], 1/normZero)
	u[1], u[2] = pairOf(combine(g[:], 1/normA, 0, squareA/normA), g[1], pointA/normA)
	u[3], u[4] = pairOf(combine(g[:], 1/normB, 0, squareB/normB), g[1], pointB/normB)
	u[5] = g[2]
	return u
}

func weightLine(u *[reach]lane) (g [reach]lane) {
	evenA, oddA := pairOf(u[1], u[2], 1)
	evenB, oddB := pairOf(u[3], u[4], 1)
	g[0] = combine([]lane{u[0], evenA, evenB}, 1/normZero, 1/normA, 1/normB)
	g[1] = combine([]lane{oddA, oddB}, pointA/normA, pointB/normB)
	g[2] = combine([]lane{u[5], evenA, evenB}, 1, squareA/normA, squareB/normB)
	return g
}

// line is one of the transforms; calls by value of a function would allocate.
type line int

const (
	toInput line = iota
	toResult
	toOutput
	toFilter
	toWeight
)

// sizes are the numbers of values of a line and of its result.
func (l line) sizes() (in, out int) {
	in = [...]int{reach, side, reach, reach - side + 1, reach}[l]
	return in, [...]int{reach, reach, side, reach, reach - side + 1}[l]
}

func (l line) apply(x *[reach]lane) [reach]lane {
	switch l {
	case toInput:
		return inputLine(x)
	case toResult:
		return resultLine(x)
	case toOutput:
		return outputLine(x)
	case toFilter:
		return filterLine(x)
	}
	return weightLine(x)
}

// square applies a line along both sides of a square: load(a, b) gives its values,
// store(a, b) takes those of the result with sides exchanged.
func square(l line, load func(a, b int) *lane, store func(a, b int, x lane)) {
	in, out := l.sizes()
	var between [reach][reach]lane
	var x [reach]lane
	for a := range in {
		for b := range in {
			x[b] = *load(a, b)
		}
		for b, v := range l.apply(&x) {
			between[b][a] = v
		}
	}
	for a := range out {
		v := l.apply(&between[a])
		for b := range out {
			store(a, b, v[b])
		}
	}
}

// pixelOrElse is the address of a pixel of a list, or a substitute.
func pixelOrElse(list unsafe.Pointer, i int, base unsafe.Pointer, step int, substitute unsafe.Pointer) unsafe.Pointer {
	if pixel := int32At(list, i); pixel >= 0 {
		return unsafe.Add(base, pixel*step)
	}
	return substitute
}

func winogradInputGeneric(p *gatherArgs) { gatherGeneric(p, toInput) }

func winogradResultGeneric(p *gatherArgs) {
	gatherGeneric(p, toResult)
	for t := range p.tiles {
		table := unsafe.Add(p.table, 4*side*side*t)
		for c := 0; c < p.channels; c += vectorBytes {
			var sum lane
			for a := range side {
				var part lane
				for b := range side {
					part = addLanes(part, *laneAt(unsafe.Add(pixelOrElse(table, b*side+a, p.src, p.lds, p.zeros), c)))
				}
				sum = addLanes(sum, part)
			}
			total := laneAt(unsafe.Add(p.sums, c))
			*total = addLanes(*total, sum)
		}
	}
}

func gatherGeneric(p *gatherArgs, l line) {
	in, _ := l.sizes()
	for t := range p.tiles {
		table := unsafe.Add(p.table, 4*in*in*t)
		for c := 0; c < p.channels; c += vectorBytes {
			dst := unsafe.Add(p.dst, t*p.ldd+c/vectorBytes*p.next)
			square(l, func(a, b int) *lane {
				return laneAt(unsafe.Add(pixelOrElse(table, b*in+a, p.src, p.lds, p.zeros), c))
			}, func(a, b int, x lane) {
				*laneAt(unsafe.Add(dst, (6*a+b)*p.plane)) = x
			})
		}
	}
}

func winogradOutputGeneric(p *scatterArgs) {
	const out = 4
	for t := range p.tiles {
		table := unsafe.Add(p.table, 4*out*out*t)
		for c := 0; c < p.channels; c += vectorBytes {
			src := unsafe.Add(p.src, t*p.lds+c)
			square(toOutput, func(a, b int) *lane {
				return laneAt(unsafe.Add(src, (6*a+b)*p.plane))
			}, func(a, b int, x lane) {
				x = addLanes(x, *laneAt(unsafe.Add(p.bias, c)))
				if p.residual != nil {
					x = addLanes(x, *laneAt(unsafe.Add(pixelOrElse(table, b*out+a, p.residual, p.ldr, p.dump), c)))
				}
				*laneAt(unsafe.Add(pixelOrElse(table, b*out+a, p.dst, p.ldd, p.dump), c)) = x
			})
		}
	}
}

func winogradFilterGeneric(p *filterArgs) {
	for i := range p.rows {
		for c := 0; c < p.channels; c += vectorBytes {
			src, dst := unsafe.Add(p.src, i*p.srcStep+c), unsafe.Add(p.dst, i*p.dstStep+c)
			square(toFilter, func(a, b int) *lane {
				return laneAt(unsafe.Add(src, (3*b+a)*p.tapStep))
			}, func(a, b int, x lane) {
				*laneAt(unsafe.Add(dst, (6*a+b)*p.plane)) = x
			})
		}
	}
}

func winogradWeightsGeneric(p *filterArgs) {
	for i := range p.rows {
		for c := 0; c < p.channels; c += vectorBytes {
			src, dst := unsafe.Add(p.src, i*p.srcStep+c), unsafe.Add(p.dst, i*p.dstStep+c)
			square(toWeight, func(a, b int) *lane {
				return laneAt(unsafe.Add(src, (6*a+b)*p.plane))
			}, func(a, b int, x lane) {
				g := laneAt(unsafe.Add(dst, (3*b+a)*p.tapStep))
				*g = addLanes(*g, x)
			})
		}
	}
}
