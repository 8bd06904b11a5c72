package kernel

import "unsafe"

// Winograd's algorithm F(4x4, 3x3) computes 4 x 4 pixels of the result from 6 x 6
// pixels of the source with 36 products a pair of channels instead of 144.
//
// A row of 4 values of y = w * d is the product of two polynomials, of degree 2
// and 3, transposed. The product is found from its values at the points
// 0, +-a, +-b and infinity, here with a = 3/4 and b = 3/2 (half the error of the
// integers 1 and 2). With one matrix a factor,
//
//	y = A' ((G w) . (B' d)),
//
//	A' = | 1  1   1   1   1   0 |    G = | 1/N0                    |
//	     | 0  a  -a   b  -b   0 |        | 1/Na  +-a/Na    a^2/Na  |
//	     | 0  a^2 a^2 b^2 b^2 0 |        | 1/Nb  +-b/Nb    b^2/Nb  |
//	     | 0  a^3 -a^3 b^3 -b^3 1 |      | 0       0         1     |
//
//	B' = | a^2 b^2   0     -(a^2+b^2)    0        1   0 |
//	     |    0   -+a b^2     -b^2      +-a       1   0 |
//	     |    0   -+b a^2     -a^2      +-b       1   0 |
//	     |    0   a^2 b^2      0    -(a^2+b^2)    0   1 |
//
// where N0 = a^2 b^2, Na = 2 a^2 (a^2 - b^2) and Nb = 2 b^2 (b^2 - a^2). In two
// dimensions each matrix acts on the rows and on the columns. For each of the 36
// frequencies the sum over channels is a matrix product of tiles x channels. The
// pullback to the source is the same with flipped filters; that to the weights is
//
//	dw = G' (sum over tiles of (B' d) . (A dy)).
//
// Sources: S. Winograd, Arithmetic complexity of computations, SIAM 1980; A. Lavin
// and S. Gray, Fast algorithms for convolutional neural networks, CVPR 2016.

const (
	side        = 4        // pixels of a tile
	reach       = side + 2 // of the source under a tile
	frequencies = reach * reach
)

// winogradMethod computes a convolution by Winograd's algorithm.
type winogradMethod struct {
	*Convolver
	tiles         int     // of an image
	pixels, under []int32 // of every tile, side^2 and reach^2: places in an image, -1 outside

	source, result, gradient                     planes    // of the call in progress, shared by its workers
	group, groupEnd                              int       // tiles
	sums                                         []float32 // of pixels of the cotangent
	blockWork                                    func(worker, piece int)
	inputWork, multiplyWork, outputWork          func(worker, piece int)
	runWork, groupWork, gradientWork, filterWork func(worker, piece int)
	sourceWork, columnsWork                      func(worker, piece int)
}

func newWinograd(v *Convolver) *winogradMethod {
	w := &winogradMethod{Convolver: v}
	for top := 0; top < v.height; top += side {
		for left := 0; left < v.width; left += side {
			w.addTile(top, left)
		}
	}
	w.blockWork = w.blockPiece
	w.inputWork, w.multiplyWork, w.outputWork = w.inputPiece, w.multiplyPiece, w.outputPiece
	w.runWork, w.groupWork, w.gradientWork, w.filterWork = w.runPiece, w.groupPiece, w.gradientPiece, w.filterPiece
	w.sourceWork, w.columnsWork = w.sourcePiece, w.columnsPiece
	return w
}

// addTile lists the pixels of a tile.
func (w *winogradMethod) addTile(top, left int) {
	w.tiles++
	for i := range frequencies {
		y, x := top+i/reach-1, left+i%reach-1
		if w.Padding == Circular {
			y, x = (y+w.height)%w.height, (x+w.width)%w.width
		}
		w.under = append(w.under, pixelIndex(y, x, w.height, w.width))
	}
	for i := range side * side {
		w.pixels = append(w.pixels, pixelIndex(top+i/side, left+i%side, w.height, w.width))
	}
}

// pixelIndex is the place of a pixel in an image, or -1 outside.
func pixelIndex(y, x, height, width int) int32 {
	if y < 0 || y >= height || x < 0 || x >= width {
		return -1
	}
	return int32(y*width + x)
}

// planes are the values of some tiles at all frequencies: channel c of tile t at
// frequency f is at f*plane + t*pitch + c/16*block + c%16.
type planes struct {
	data                          []float32
	channels, pitch, block, plane int
}

// planePadding keeps the frequencies of a value in different sets of the cache.
const planePadding = 16

func planesSize(tiles, channels int) int { return frequencies * (tiles*channels + planePadding) }

// newPlanes takes planes for some tiles from the front of scratch space and
// returns them and the rest. The channels of a tile lie together.
func newPlanes(scratch []float32, tiles, channels int) (planes, []float32) {
	size := planesSize(tiles, channels)
	return planes{scratch[:size], channels, channels, vector, size / frequencies}, scratch[size:]
}

// newBlockedPlanes does the same for planes of which the same 16 channels lie
// together, at all frequencies.
func newBlockedPlanes(scratch []float32, tiles, channels int) (planes, []float32) {
	size := blockedSize(tiles, channels)
	plane := tiles*vector + planePadding
	return planes{scratch[:size], channels, vector, frequencies * plane, plane}, scratch[size:]
}

func blockedSize(tiles, channels int) int { return channels / vector * planesSize(tiles, vector) }

func (p planes) at(frequency, tile int) unsafe.Pointer {
	return pointer(p.data[frequency*p.plane+tile*p.pitch:])
}

// channel is where a channel starts, a multiple of 16, of the first tile.
func (p planes) channel(frequency, channel int) unsafe.Pointer {
	return pointer(p.data[frequency*p.plane+channel/vector*p.block:])
}

// part is count channels from the given one on, of planes of blocks.
func (p planes) part(first, count int) planes {
	p.data, p.channels = p.data[first/vector*p.block:], count
	return p
}

// tileRange is tiles first to last, counted over the batch, of planes that start
// with tile base.
type tileRange struct{ base, first, last int }

// transformScratch is the scratch space of a transform: 36 vectors and room for
// 64 pointers.
const transformScratch = frequencies*vector + 2*2*side*side*2

// gather transforms tiles of the source to the frequencies.
func (w *winogradMethod) gather(p planes, r tileRange, scratch []float32) {
	args := gatherArgs{scratch: pointer(scratch)}
	w.transform(&args, p, r, w.job.src, w.under)
}

// gatherResult does the same with a cotangent of the result, of which it adds the
// pixels to sums.
func (w *winogradMethod) gatherResult(p planes, r tileRange, scratch, sums []float32) {
	args := gatherArgs{scratch: pointer(scratch), sums: pointer(sums)}
	w.transform(&args, p, r, w.job.dst, w.pixels)
}

// transform transforms tiles of an image, those of one image of the batch at a
// time.
func (w *winogradMethod) transform(args *gatherArgs, p planes, r tileRange, m Image, table []int32) {
	size := len(table) / w.tiles
	args.zeros, args.lds = pointer(w.zeros), 4*m.Stride
	args.ldd, args.plane, args.channels, args.next = 4*p.pitch, 4*p.plane, 4*m.Channels, 4*p.block
	for first := r.first; first < r.last; first += args.tiles {
		n, tile := first/w.tiles, first%w.tiles
		args.tiles = min(r.last-first, w.tiles-tile)
		args.src, args.table = pointer(m.at(n)), unsafe.Pointer(&table[tile*size])
		args.dst = p.at(0, first-r.base)
		if args.sums == nil {
			winogradInput(args)
		} else {
			winogradResult(args)
		}
	}
}

// scatter transforms tiles from the frequencies to the result.
func (w *winogradMethod) scatter(p planes, r tileRange, scratch []float32) {
	dst, extra := w.job.dst, w.job.extra
	const size = side * side
	args := scatterArgs{
		scratch: pointer(scratch), dump: pointer(scratch[transformScratch:]), bias: pointer(w.zeros),
		lds: 4 * p.pitch, ldd: 4 * dst.Stride, ldr: 4 * extra.Add.Stride, plane: 4 * p.plane, channels: 4 * dst.Channels,
	}
	if extra.Bias != nil {
		args.bias = pointer(extra.Bias)
	}
	for first := r.first; first < r.last; first += args.tiles {
		n, tile := first/w.tiles, first%w.tiles
		args.tiles = min(r.last-first, w.tiles-tile)
		args.src, args.table = p.at(0, first-r.base), unsafe.Pointer(&w.pixels[tile*size])
		args.dst = pointer(dst.at(n))
		if extra.Add.Data != nil {
			args.residual = pointer(extra.Add.at(n))
		}
		winogradOutput(&args)
	}
}

// channelBlock bounds the channels that are summed at a time, so that a panel of
// 48 columns, 36 KB, stays in the first-level cache.
const channelBlock = 192

// multiplyFrequency computes m = p U at one frequency, for some tiles.
func multiplyFrequency(m, p planes, frequency, tiles int, panels []float32) {
	in, out := p.channels, m.channels
	u := panels[frequency*filterPlane(in, out):]
	args := planeArgs{rows: RoundUp(tiles, planeUnit()), lda: 4 * p.pitch, ldc: 4 * m.pitch}
	block := RoundUp(in/pieces(in, channelBlock), ChannelUnit)
	for first := 0; first < in; first += args.k {
		args.k = min(block, in-first)
		args.a = unsafe.Add(p.at(frequency, 0), 4*first)
		for column := 0; column < out; column += args.width {
			args.width = panelWidth(out, column)
			args.ldb = 4 * args.width
			args.b = pointer(u[column*in+first*args.width:])
			args.c = unsafe.Add(m.at(frequency, 0), 4*column)
			next := column + args.width
			if next < out {
				args.next = pointer(u[next*in+first*panelWidth(out, next):])
			} else if first+args.k < in {
				args.next = pointer(u[(first+args.k)*panelWidth(out, 0):])
			} else {
				args.next = pointer(u[filterPlane(in, out)-planePadding:])
			}
			multiplyPlane(&args)
		}
		args.add = 1
	}
}

// filterPlane is the length of the weights at one frequency.
func filterPlane(in, out int) int { return in*out + planePadding }
