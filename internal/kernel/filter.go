package kernel

import "retrace/internal/parallel"

// Filter holds the weights of a convolution in the layout of its algorithm, for
// Forward and for PullInput. Pack fills the first and PackPull the second; after
// that it is only read, and may be shared by any number of Convolvers. Winograd's
// algorithm takes 36/9 times the memory of the weights for each.
type Filter struct {
	convolution   Convolution
	forward, pull []float32
	weight        []float32 // while packing

	forwardWork, pullWork func(worker, piece int)
}

// NewFilter returns the filter of a convolution, without weights yet.
func NewFilter(c Convolution) *Filter {
	c.check()
	f := &Filter{convolution: c}
	f.forwardWork, f.pullWork = f.packDirect, f.packPullDirect
	if c.winograd() {
		f.forwardWork, f.pullWork = f.packWinograd, f.packPullWinograd
	}
	return f
}

// Pack prepares Forward with the given weights, on all cores. The first call
// allocates.
func (f *Filter) Pack(weight []float32) {
	f.checkWeight(weight)
	if f.forward == nil {
		f.forward = Slab(f.size())
	}
	f.weight = weight
	parallel.Run(f.convolution.In/filterRows, f.forwardWork)
	f.weight = nil
}

// PackPull prepares PullInput with the given weights, on all cores. The first
// call allocates.
func (f *Filter) PackPull(weight []float32) {
	f.checkWeight(weight)
	if f.pull == nil {
		f.pull = Slab(f.size())
	}
	f.weight = weight
	parallel.Run(f.pullPieces(), f.pullWork)
	f.weight = nil
}

func (f *Filter) checkWeight(weight []float32) {
	if len(weight) != f.convolution.WeightSize() {
		panic("kernel: number of weights does not match")
	}
}

// size is the length of the packed weights of one direction.
func (f *Filter) size() int {
	c := f.convolution
	if c.winograd() {
		return frequencies * filterPlane(c.In, c.Out)
	}
	return c.WeightSize()
}

// streamValues is the size of packed weights above which they bypass the caches:
// those of a network do not stay there until they are used.
const streamValues = 1 << 22

// packDirect copies the weights of 16 input channels.
func (f *Filter) packDirect(_, piece int) {
	c := f.convolution
	for column := 0; column < c.Out; {
		width := panelWidth(c.Out, column)
		panel := f.forward[column*c.taps()*c.In:]
		for tap := range c.taps() {
			for i := piece * filterRows; i < (piece+1)*filterRows; i++ {
				k := tap*c.In + i
				copy(panel[k*width:][:width], f.weight[k*c.Out+column:])
			}
		}
		column += width
	}
}

// packWinograd transforms the weights of 16 input channels.
func (f *Filter) packWinograd(_, piece int) {
	c := f.convolution
	var scratch [transformScratch]float32
	args := filterArgs{
		scratch: pointer(scratch[:]), tapStep: 4 * c.In * c.Out, plane: 4 * filterPlane(c.In, c.Out),
		rows: filterRows, srcStep: 4 * c.Out, stream: f.size() > streamValues,
	}
	row := piece * filterRows
	for column := 0; column < c.Out; {
		width := panelWidth(c.Out, column)
		args.src = pointer(f.weight[row*c.Out+column:])
		args.dst = pointer(f.forward[column*c.In+row*width:])
		args.channels, args.dstStep = 4*width, 4*width
		winogradFilter(&args)
		column += width
	}
}

// A piece of the weights for PullInput is the panel of some input channels and at
// most pullRows output channels, of which exchangeRows are exchanged with 16
// input channels at a time.
const (
	pullRows     = 128
	exchangeRows = 32
)

// pullPieces is the number of pieces of the weights for PullInput.
func (f *Filter) pullPieces() int {
	return panelCount(f.convolution.In) * pieces(f.convolution.Out, pullRows)
}

// pullPiece returns the first column of a piece and its rows.
func (f *Filter) pullPiece(piece int) (column, first, last int) {
	panels := panelCount(f.convolution.In)
	first = piece / panels * pullRows
	return panelStart(f.convolution.In, piece%panels), first, min(first+pullRows, f.convolution.Out)
}

// exchange copies the weights of a tap for 16 input channels and some output
// channels to dst, a row of ColumnUnit for each output channel.
func (f *Filter) exchange(dst []float32, tap, in, out, rows int) {
	c := f.convolution
	for j := 0; j < vector; j += transposeUnit {
		source := f.weight[(tap*c.In+in+j)*c.Out+out:]
		transpose(&transposeArgs{pointer(dst[j:]), pointer(source), 4 * c.Out, rows})
	}
}

// packPullDirect copies the weights of a piece.
func (f *Filter) packPullDirect(_, piece int) {
	c := f.convolution
	var square [exchangeRows * ColumnUnit]float32
	column, first, last := f.pullPiece(piece)
	width := panelWidth(c.In, column)
	panel := f.pull[column*c.taps()*c.Out:]
	for tap := range c.taps() {
		place := tap
		if c.Step == 1 { // flipped
			place = c.taps() - 1 - tap
		}
		for row := first; row < last; row += exchangeRows {
			rows := min(exchangeRows, last-row)
			for j := 0; j < width; j += vector {
				f.exchange(square[:], tap, column+j, row, rows)
				for o := range rows {
					copy(panel[(place*c.Out+row+o)*width+j:][:vector], square[o*ColumnUnit:])
				}
			}
		}
	}
}

// packPullWinograd transforms the weights of a piece, flipped.
func (f *Filter) packPullWinograd(_, piece int) {
	c := f.convolution
	const tapSize = exchangeRows * ColumnUnit
	var scratch [transformScratch]float32
	var flipped [9 * tapSize]float32
	column, first, last := f.pullPiece(piece)
	width := panelWidth(c.In, column)
	args := filterArgs{
		src: pointer(flipped[:]), scratch: pointer(scratch[:]), tapStep: 4 * tapSize, plane: 4 * filterPlane(c.In, c.Out),
		channels: vectorBytes, srcStep: 4 * ColumnUnit, dstStep: 4 * width, stream: f.size() > streamValues,
	}
	for row := first; row < last; row += exchangeRows {
		args.rows = min(exchangeRows, last-row)
		for j := 0; j < width; j += vector {
			for tap := range c.taps() {
				f.exchange(flipped[(c.taps()-1-tap)*tapSize:], tap, column+j, row, args.rows)
			}
			args.dst = pointer(f.pull[column*c.Out+row*width+j:])
			winogradFilter(&args)
		}
	}
}

// panelWidth is the width of the panel of columns that starts at the given one
// of n: 48 or 32 columns fill the registers, and what is left over is 16.
func panelWidth(n, column int) int {
	switch {
	case n%48 == 0:
		return 48
	case n%32 == 0:
		return 32
	case n == 16:
		return 16
	case column == 0:
		return 48
	}
	return 32
}

// panelCount is the number of panels of n columns, and panelStart the first
// column of one.
func panelCount(n int) int {
	count := 0
	for column := 0; column < n; column += panelWidth(n, column) {
		count++
	}
	return count
}

func panelStart(n, panel int) int {
	column := 0
	for range panel {
		column += panelWidth(n, column)
	}
	return column
}
