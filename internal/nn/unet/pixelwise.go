package unet

import (
	"retrace/internal/kernel"
	"retrace/internal/nn"
	"retrace/internal/parallel"
)

// pieceValues is about the number of values of a piece of work on pixels.
const pieceValues = 1 << 14

// pixelwise does the work of kernels on pixels, in pieces whose bounds depend on
// the tensors alone. It holds the arguments of the call in progress, so that no
// function has to be made for it.
type pixelwise struct {
	y, x, z  tensor[float32]
	scale    []float32
	shift    shift[float32]
	function nn.Activation
	step     Grid
	size     int // pixels or values of a piece

	normalising, pullingNormalise, addingShift func(worker, piece int)
	activating, pullingActivate                func(worker, piece int)
	spreading, gathering                       func(worker, piece int)
}

func newPixelwise() *pixelwise {
	p := &pixelwise{}
	p.normalising, p.pullingNormalise, p.addingShift = p.normalisePiece, p.pullNormalisePiece, p.addShiftPiece
	p.activating, p.pullingActivate = p.activatePiece, p.pullActivatePiece
	p.spreading, p.gathering = p.spreadPiece, p.gatherPiece
	return p
}

// run cuts n things of so many values each into pieces.
func (p *pixelwise) run(n, values int, work func(worker, piece int)) {
	p.size = max(1, pieceValues/values)
	parallel.Run((n+p.size-1)/p.size, work)
}

// bounds are the first and the last thing but one of a piece of n.
func (p *pixelwise) bounds(piece, n int) (first, last int) {
	return piece * p.size, min((piece+1)*p.size, n)
}

// matrix views pixels of a tensor, without the channels that pad.
func matrix(t tensor[float32], first, last int) kernel.Matrix {
	return kernel.Matrix{Data: t.data[first*t.pitch : last*t.pitch], Rows: last - first, Columns: t.channels, Stride: t.pitch}
}

func (p *pixelwise) normalise(y tensor[float32], scale []float32, x tensor[float32], s shift[float32]) {
	p.y, p.scale, p.x, p.shift = y, scale, x, s
	p.run(x.rows(), x.pitch, p.normalising)
}

func (p *pixelwise) normalisePiece(_, piece int) {
	first, end := p.bounds(piece, p.x.rows())
	for first < end {
		image := first / p.x.pixels()
		last := min(end, (image+1)*p.x.pixels())
		shift := kernel.Matrix{Data: p.shift.at(image), Rows: last - first, Columns: p.x.channels}
		kernel.LayerNorm(matrix(p.y, first, last), p.scale[first:last], matrix(p.x, first, last), shift)
		first = last
	}
}

func (p *pixelwise) pullNormalise(sum, g tensor[float32], scale []float32, y tensor[float32]) {
	p.x, p.y, p.scale, p.z = sum, g, scale, y
	p.run(g.rows(), g.pitch, p.pullingNormalise)
}

func (p *pixelwise) pullNormalisePiece(_, piece int) {
	first, last := p.bounds(piece, p.y.rows())
	kernel.LayerNormPull(matrix(p.x, first, last), matrix(p.y, first, last), p.scale[first:last], matrix(p.z, first, last))
}

// addShift takes its sums in the order of the pixels: a piece is a block of
// channels of one row of the shift.
func (p *pixelwise) addShift(s shift[float32], g tensor[float32]) {
	p.shift, p.x = s, g
	p.size = kernel.ChannelUnit
	if g.pitch%kernel.ColumnUnit == 0 {
		p.size = kernel.ColumnUnit
	}
	rows := (s.first+g.images-1)/s.span - s.first/s.span + 1
	parallel.Run(rows*g.pitch/p.size, p.addingShift)
}

func (p *pixelwise) addShiftPiece(_, piece int) {
	s, g := p.shift, p.x
	blocks := g.pitch / p.size
	row, column := s.first/s.span+piece/blocks, piece%blocks*p.size
	first, last := max(row*s.span-s.first, 0), min((row+1)*s.span-s.first, g.images)
	sum := s.row(row)[column:][:p.size]
	for pixel := first * g.pixels(); pixel < last*g.pixels(); pixel += sumBlock {
		count := min(sumBlock, last*g.pixels()-pixel)
		addSums(sum, g.data[pixel*g.pitch+column:], count, g.pitch)
	}
}

// sumBlock is the number of pixels that are summed before their sum is added: it
// keeps rounding errors small.
const sumBlock = 128

// addSums adds the sums of the columns of so many rows, pitch values apart.
func addSums(sum, rows []float32, count, pitch int) {
	var block [kernel.ColumnUnit]float32
	if len(sum) == kernel.ColumnUnit {
		kernel.AddColumnSums(block[:], kernel.Matrix{Data: rows, Rows: count, Columns: len(sum), Stride: pitch})
	} else {
		for i := range count {
			for c, x := range rows[i*pitch:][:len(sum)] {
				block[c] += x
			}
		}
	}
	for c := range sum {
		sum[c] += block[c]
	}
}

func (p *pixelwise) activate(y, x tensor[float32], f nn.Activation) {
	p.y, p.x, p.function = y, x, f
	p.run(len(x.data), 1, p.activating)
}

func (p *pixelwise) activatePiece(_, piece int) {
	first, last := p.bounds(piece, len(p.x.data))
	p.function.Apply(p.y.data[first:last], p.x.data[first:last])
}

func (p *pixelwise) pullActivate(g, x tensor[float32], f nn.Activation) {
	p.y, p.x, p.function = g, x, f
	p.run(len(x.data), 1, p.pullingActivate)
}

func (p *pixelwise) pullActivatePiece(_, piece int) {
	first, last := p.bounds(piece, len(p.x.data))
	p.function.Pull(p.y.data[first:last], p.x.data[first:last])
}

func (p *pixelwise) spread(y, x tensor[float32], step Grid) {
	p.y, p.x, p.step = y, x, step
	p.run(x.images*x.Rows, x.Columns*x.pitch*step.pixels(), p.spreading)
}

// spreadPiece writes some rows of pixels of x.
func (p *pixelwise) spreadPiece(_, piece int) {
	first, last := p.bounds(piece, p.x.images*p.x.Rows)
	for r := first; r < last; r++ {
		wide := p.y.data[r*p.step.Rows*p.y.Columns*p.y.pitch:][:p.step.Rows*p.y.Columns*p.y.pitch]
		line := wide[:p.y.Columns*p.y.pitch]
		for c := range p.y.Columns {
			copy(line[c*p.y.pitch:][:p.y.pitch], p.x.row(r*p.x.Columns+c/p.step.Columns))
		}
		for i := 1; i < p.step.Rows; i++ {
			copy(wide[i*len(line):], line)
		}
	}
}

func (p *pixelwise) gather(gx, gy tensor[float32], step Grid) {
	p.x, p.y, p.step = gx, gy, step
	p.run(gx.images*gx.Rows, gx.Columns*gx.pitch*step.pixels(), p.gathering)
}

// gatherPiece sums for some rows of pixels of x.
func (p *pixelwise) gatherPiece(_, piece int) {
	first, last := p.bounds(piece, p.x.images*p.x.Rows)
	for pixel := first * p.x.Columns; pixel < last*p.x.Columns; pixel++ {
		sum := p.x.row(pixel)
		clear(sum)
		corner := pixel/p.x.Columns*p.step.Rows*p.y.Columns + pixel%p.x.Columns*p.step.Columns
		for i := range p.step.pixels() {
			kernel.Add(sum, p.y.row(corner+i/p.step.Columns*p.y.Columns+i%p.step.Columns))
		}
	}
}
