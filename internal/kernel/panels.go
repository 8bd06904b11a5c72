package kernel

// Panels is a matrix of k rows and n columns packed for the right side of
// Multiply: blocks of depthBlock rows, each cut into panels of ColumnUnit columns
// with contiguous rows. What a product reads together lies together, so that it
// spreads evenly over a cache.
type Panels struct {
	k, n int // n is a multiple of ColumnUnit
	data []float32
}

// NewPanels returns a zero matrix of k rows and n columns, n rounded
// up to a multiple of ColumnUnit.
func NewPanels(k, n int) *Panels {
	if k < 1 || n < 1 {
		panic("kernel: a matrix without rows or columns")
	}
	n = RoundUp(n, ColumnUnit)
	return &Panels{k: k, n: n, data: Slab(k * n)}
}

// at is the memory of a panel from a row on, to the end of the row's block.
func (p *Panels) at(row, column int) []float32 {
	first := row / depthBlock * depthBlock
	depth := min(depthBlock, p.k-first)
	start := first*p.n + column*depth
	return p.data[start:][(row-first)*ColumnUnit : depth*ColumnUnit]
}

// Block is a matrix with any steps between its values, in elements: value
// (i, j) is Data[i*RowStep + j*ColumnStep].
type Block struct {
	Data                []float32
	Rows, Columns       int
	RowStep, ColumnStep int
}

// Pack copies a block to rows first, first+1, ... and columns 0, 1, ... of the
// matrix.
func (p *Panels) Pack(first int, b Block) {
	if first < 0 || first+b.Rows > p.k || b.Columns > p.n {
		panic("kernel: block leaves the panels")
	}
	for b.Rows > 0 {
		part := b
		part.Rows = min(b.Rows, depthBlock-first%depthBlock)
		p.packBlock(first, part)
		first += part.Rows
		if b.Rows -= part.Rows; b.Rows > 0 {
			b.Data = b.Data[part.Rows*b.RowStep:]
		}
	}
}

// packBlock copies a block that lies within a block of rows.
func (p *Panels) packBlock(first int, b Block) {
	for column := 0; column < b.Columns; column += ColumnUnit {
		part := b
		part.Data = b.Data[column*b.ColumnStep:]
		part.Columns = min(ColumnUnit, b.Columns-column)
		panel := p.at(first, column)
		switch {
		case b.ColumnStep == 1:
			packRows(panel, part)
		case b.RowStep == 1:
			packColumns(panel, part)
		default:
			packAny(panel, part, 0, 0)
		}
	}
}

// packRows copies rows of contiguous values.
func packRows(panel []float32, b Block) {
	for i := range b.Rows {
		copy(panel[i*ColumnUnit:][:b.Columns], b.Data[i*b.RowStep:])
	}
}

// transposeUnit is the number of rows and columns that transpose exchanges.
const transposeUnit = 8

// packColumns copies columns of contiguous values, whole squares first.
func packColumns(panel []float32, b Block) {
	rows := b.Rows / transposeUnit * transposeUnit
	columns := b.Columns / transposeUnit * transposeUnit
	if rows > 0 {
		for j := 0; j < columns; j += transposeUnit {
			source := b.Data[j*b.ColumnStep:]
			_ = source[(transposeUnit-1)*b.ColumnStep+rows-1]
			transpose(&transposeArgs{pointer(panel[j:]), pointer(source), 4 * b.ColumnStep, rows})
		}
	}
	packAny(panel, b, rows, 0)
	b.Rows = rows
	packAny(panel, b, 0, columns)
}

// packAny copies the values from the given row and column on.
func packAny(panel []float32, b Block, row, column int) {
	for i := row; i < b.Rows; i++ {
		for j := column; j < b.Columns; j++ {
			panel[i*ColumnUnit+j] = b.Data[i*b.RowStep+j*b.ColumnStep]
		}
	}
}
