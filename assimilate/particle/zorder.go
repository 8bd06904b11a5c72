// Z-order (Morton 1966): points are sorted by a key that interleaves the bits of
// their cell numbers, most significant first, so that points that follow each
// other are mostly close in space.

package particle

import "math"

// keyBits is the number of bits of a key.
const keyBits = 32

// zOrder gives points their keys, on a grid of cubic cells.
type zOrder struct {
	origin  []float64 // the corner of least values
	far     []float64 // the corner of greatest values
	perCell float64   // cells per unit of length
	bits    int       // of a cell number
	used    int       // components that count: the first keyBits of them
	// spread has the bits of a byte at distances of used.
	spread [256]uint32
}

func newZOrder(size int) *zOrder {
	used := min(size, keyBits)
	z := &zOrder{origin: make([]float64, size), far: make([]float64, size), bits: keyBits / used, used: used}
	for b := range z.spread {
		for bit := 0; bit < 8 && bit*used < keyBits; bit++ {
			z.spread[b] |= uint32(b>>bit&1) << (bit * used)
		}
	}
	return z
}

// cover lays the grid over points, row by row.
func (z *zOrder) cover(points []float64) {
	size := len(z.origin)
	copy(z.origin, points)
	copy(z.far, points)
	for ; len(points) > 0; points = points[size:] {
		for j, x := range points[:size] {
			z.origin[j], z.far[j] = min(z.origin[j], x), max(z.far[j], x)
		}
	}
	extent := math.SmallestNonzeroFloat32 // of a single point, not zero
	for j, far := range z.far {
		extent = max(extent, far-z.origin[j])
	}
	// Slightly less than all the cells, so that rounding stays inside.
	z.perCell = math.Exp2(float64(z.bits)) * (1 - 1e-9) / extent
}

// key is the key of a point that the grid covers.
func (z *zOrder) key(point []float64) uint32 {
	var key uint32
	for j, x := range point[:z.used] {
		shift := j
		for cell := uint32((x - z.origin[j]) * z.perCell); cell > 0; cell >>= 8 {
			key |= z.spread[cell&255] << shift
			shift += 8 * z.used
		}
	}
	return key
}

// sortHighHalf sorts keys by their high 32 bits, byte by byte, stably. spare has
// the same length.
func sortHighHalf(keys, spare []uint64) {
	for shift := 32; shift < 64; shift += 8 {
		var start [257]int
		for _, k := range keys {
			start[k>>shift&255+1]++
		}
		for b := range 256 {
			start[b+1] += start[b]
		}
		for _, k := range keys {
			b := k >> shift & 255
			spare[start[b]] = k
			start[b]++
		}
		keys, spare = spare, keys // an even number of passes ends in keys
	}
}
