package kernel

// Matrix is a view of rows of float32 values, Stride values apart. Rows may
// overlap (Stride < Columns): the windows of a temporal convolution do.
type Matrix struct {
	Data                  []float32
	Rows, Columns, Stride int
}

// check panics where the view leaves its data; the kernels do not check.
func (m Matrix) check() {
	if m.Rows < 0 || m.Columns < 0 || m.Stride < 0 || m.Rows > 0 && (m.Rows-1)*m.Stride+m.Columns > len(m.Data) {
		panic("kernel: matrix leaves its data")
	}
}

const (
	// depthBlock bounds the rows of a panel in use: 256 x 32 values are 32 KB,
	// which leaves room for a tile of A in a first-level cache of 48 KB.
	depthBlock = 256
	// heightBlock bounds the rows of A that are reused by all panels: 256 x
	// 256 values are 256 KB of the second-level cache.
	heightBlock = 256
)

// Multiply computes C = A B + bias, or C += A B + bias where add is set; bias
// may be nil. C has as many columns as B. A row of the result depends on its
// row of A alone: not on the number of rows nor on its place.
func Multiply(c, a Matrix, b *Panels, bias []float32, add bool) {
	c.check()
	a.check()
	if a.Rows != c.Rows || a.Columns != b.k || c.Columns != b.n || bias != nil && len(bias) != b.n {
		panic("kernel: shapes of a product do not match")
	}
	multiply(c, a, &right{b, 0, bias}, add)
}

// right is the right side of a product, from a column of the panels on.
type right struct {
	*Panels
	column int
	bias   []float32
}

// block sets the panel and the bias for a column of C.
func (r *right) block(args *productArgs, depth, column int) {
	args.b = pointer(r.at(depth, r.column+column))
	args.bias = nil
	if r.bias != nil && depth == 0 {
		args.bias = pointer(r.bias[column:])
	}
}

func multiply(c, a Matrix, b *right, add bool) {
	for depth := 0; depth < b.k; depth += depthBlock {
		part := a
		part.Data = a.Data[min(depth, len(a.Data)):]
		multiplyBlock(c, part, b, depth, add || depth > 0)
	}
}

// multiplyBlock multiplies the first columns of A with the block of rows of B at
// depth.
func multiplyBlock(c, a Matrix, b *right, depth int, add bool) {
	block := productArgs{k: min(depthBlock, b.k-depth), lda: 4 * a.Stride, ldc: 4 * c.Stride}
	if add {
		block.add = 1
	}
	whole := a.Rows / RowUnit * RowUnit
	for row := 0; row < whole; row += heightBlock {
		block.rows = min(heightBlock, whole-row)
		block.a = pointer(a.Data[row*a.Stride:])
		for column := 0; column < c.Columns; column += ColumnUnit {
			b.block(&block, depth, column)
			block.c = pointer(c.Data[row*c.Stride+column:])
			productAN(&block)
		}
	}
	if whole < a.Rows {
		multiplyLast(block, c, a, b, depth)
	}
}

// multiplyLast computes the rows of C that do not fill a tile, in a tile of
// its own.
func multiplyLast(last productArgs, c, a Matrix, b *right, depth int) {
	var tileA [RowUnit * depthBlock]float32
	var tileC [RowUnit * ColumnUnit]float32
	row := a.Rows / RowUnit * RowUnit
	count := a.Rows - row
	for i := range count {
		copy(tileA[i*depthBlock:][:last.k], a.Data[(row+i)*a.Stride:])
	}
	last.rows, last.lda, last.ldc = RowUnit, 4*depthBlock, 4*ColumnUnit
	last.a, last.c = pointer(tileA[:]), pointer(tileC[:])
	for column := 0; column < c.Columns; column += ColumnUnit {
		b.block(&last, depth, column)
		for i := range count {
			copy(tileC[i*ColumnUnit:][:ColumnUnit], c.Data[(row+i)*c.Stride+column:])
		}
		productAN(&last)
		for i := range count {
			copy(c.Data[(row+i)*c.Stride+column:][:ColumnUnit], tileC[i*ColumnUnit:])
		}
	}
}

// sumBlock bounds the rows that MultiplyTransposed sums before it adds to C.
const sumBlock = 128

// MultiplyTransposed computes C += A^T B: the gradient of a weight, with a row
// of A and of B for each sample. The columns of C and of B must be a multiple
// of ColumnUnit and those of A a multiple of RowUnit.
func MultiplyTransposed(c, a, b Matrix) {
	c.check()
	a.check()
	b.check()
	if a.Rows != b.Rows || c.Rows != a.Columns || c.Columns != b.Columns {
		panic("kernel: shapes of a product do not match")
	}
	if c.Columns%ColumnUnit != 0 || c.Rows%RowUnit != 0 {
		panic("kernel: columns are not padded")
	}
	if c.Rows == 0 {
		return
	}
	for row := 0; row < a.Rows; row += sumBlock {
		block := productArgs{
			k: min(sumBlock, a.Rows-row), rows: c.Rows, add: 1,
			lda: 4 * a.Stride, ldb: 4 * b.Stride, ldc: 4 * c.Stride,
			a: pointer(a.Data[row*a.Stride:]),
		}
		for column := 0; column < c.Columns; column += ColumnUnit {
			block.b = pointer(b.Data[row*b.Stride+column:])
			block.c = pointer(c.Data[column:])
			productAT(&block)
		}
	}
}
