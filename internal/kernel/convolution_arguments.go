package kernel

import "unsafe"

// The structures below are the arguments of the kernels of convolutions, which
// the assembly reads at fixed offsets: all fields are 8 bytes wide. Steps and
// numbers of channels are in bytes.

// tapsArgs is a tile of a direct convolution: tileRows pixels and the columns
// of a panel.
type tapsArgs struct {
	a, b, c         unsafe.Pointer // image read, panel, image written
	records, pixels unsafe.Pointer // of the tile
	zeros, dump     unsafe.Pointer // where absent pixels are read, written
	bias, residual  unsafe.Pointer // nil: none; residual is an image like c
	taps, k         int
	lda, ldc, ldr   int
	tapStep, ldb    int // of the panel
	width           int // columns
}

// right is the tile for the columns of a panel from column 16 on.
func (p *tapsArgs) right() {
	p.b, p.c, p.width = unsafe.Add(p.b, vectorBytes), unsafe.Add(p.c, vectorBytes), p.width-vector
	if p.bias != nil {
		p.bias = unsafe.Add(p.bias, vectorBytes)
	}
	if p.residual != nil {
		p.residual = unsafe.Add(p.residual, vectorBytes)
	}
}

// vectorBytes is the size of 16 values.
const vectorBytes = 4 * vector

// pairsArgs is c (+)= sum over pairs of a(source)' b(result), for some rows, a
// multiple of RowUnit, and the columns of a panel.
type pairsArgs struct {
	a, b, c, pairs unsafe.Pointer
	k, rows, ldc   int
	add            int
	width          int
}

func (p *pairsArgs) right() {
	p.b, p.c, p.width = unsafe.Add(p.b, vectorBytes), unsafe.Add(p.c, vectorBytes), p.width-vector
}

func pairsPointer(p []pair) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(p)) }

// planeArgs is c (+)= a b for some rows, a multiple of planeRows, and the columns
// of a panel. k is a multiple of 4, in values, and rows of a are lda = 4 k apart
// if they are to be fetched ahead.
type planeArgs struct {
	a, b, c            unsafe.Pointer
	k, rows            int
	lda, ldc, ldb, add int
	next               unsafe.Pointer // panel to fetch
	width              int
}

func (p *planeArgs) right() {
	p.b, p.c, p.width = unsafe.Add(p.b, vectorBytes), unsafe.Add(p.c, vectorBytes), p.width-vector
}

// tilesArgs is c (+)= a'b for some rows, a multiple of 16, and the columns of a
// panel, summed over k tiles. Tiles are 16 values apart; every 16 channels of a
// and of b are lda and ldb apart.
type tilesArgs struct {
	a, b, c       unsafe.Pointer
	k, rows       int
	lda, ldb, ldc int
	add           int
	ahead         int // from a to the values of a that are needed next
	width         int
}

func (p *tilesArgs) right() {
	p.b, p.c, p.width = unsafe.Add(p.b, p.ldb), unsafe.Add(p.c, vectorBytes), p.width-vector
}

// gatherArgs is a transform of tiles of an image to the frequencies; the table
// lists the pixels of every tile.
type gatherArgs struct {
	src, table, dst, zeros, scratch unsafe.Pointer
	lds, ldd, plane                 int
	channels, tiles                 int
	sums                            unsafe.Pointer // of the result's pixels, added
	next                            int            // from 16 channels of dst to the next
}

// scatterArgs is the transform of frequencies to tiles of an image.
type scatterArgs struct {
	src, table, dst, dump, scratch unsafe.Pointer
	bias, residual                 unsafe.Pointer // residual may be nil
	lds, ldd, ldr, plane           int
	channels, tiles                int
}

// filterArgs is the transform of rows of filters to the frequencies, or its
// pullback. With stream the frequencies, which start on a cache line, need not be
// kept in the caches.
type filterArgs struct {
	src, dst, scratch unsafe.Pointer
	tapStep, plane    int
	channels, rows    int
	srcStep, dstStep  int
	stream            bool
}

// sumArgs is dst += sum of rows of src, for 16 columns.
type sumArgs struct {
	dst, src     unsafe.Pointer
	stride, rows int
}
