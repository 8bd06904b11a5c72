package kernel

import "retrace/internal/parallel"

// Blocks of C that a worker computes at once: with a depth of depthBlock, 256
// rows of A and 512 columns of B are 256 and 512 KB of its second-level cache.
const widthBlock = 512

// A Product is a plan for products of one shape, of any size and on all cores:
// it packs the right side, then computes blocks of the result. It owns the
// packed copy and serves one call at a time. Networks, whose right sides are
// weights, pack them once and use Multiply.
type Product struct {
	k, n   int
	panels *Panels
	c, a   Matrix
	b      Block
	add    bool

	pack, multiply func(worker, piece int)
}

// NewProduct returns a plan for right sides of k rows and n columns.
func NewProduct(k, n int) *Product {
	p := &Product{k: k, n: n, panels: NewPanels(k, n)}
	p.pack, p.multiply = p.packPiece, p.multiplyPiece
	return p
}

// Multiply computes C = A B, or C += A B where add is set. A has k columns and B
// is k by n with any steps, for instance transposed. C has n columns rounded up
// to a multiple of ColumnUnit. The result is the same for any GOMAXPROCS.
func (p *Product) Multiply(c, a Matrix, b Block, add bool) {
	c.check()
	a.check()
	if b.Rows != p.k || b.Columns != p.n || a.Columns != p.k || a.Rows != c.Rows || c.Columns != p.panels.n {
		panic("kernel: shapes of a product do not match")
	}
	p.c, p.a, p.b, p.add = c, a, b, add
	parallel.Run(blocks(p.k, depthBlock), p.pack)
	parallel.Run(blocks(c.Rows, heightBlock)*blocks(c.Columns, widthBlock), p.multiply)
	p.c, p.a, p.b = Matrix{}, Matrix{}, Block{}
}

// blocks is the number of blocks of a size that cover n.
func blocks(n, size int) int { return (n + size - 1) / size }

// packPiece packs one block of rows.
func (p *Product) packPiece(_, piece int) {
	row := piece * depthBlock
	part := p.b
	part.Data = part.Data[row*part.RowStep:]
	part.Rows = min(depthBlock, p.k-row)
	p.panels.Pack(row, part)
}

// multiplyPiece computes one block of C.
func (p *Product) multiplyPiece(_, piece int) {
	across := blocks(p.c.Columns, widthBlock)
	row, column := piece/across*heightBlock, piece%across*widthBlock
	rows, columns := min(heightBlock, p.c.Rows-row), min(widthBlock, p.c.Columns-column)
	c := Matrix{p.c.Data[row*p.c.Stride+column:], rows, columns, p.c.Stride}
	a := Matrix{p.a.Data[row*p.a.Stride:], rows, p.k, p.a.Stride}
	multiply(c, a, &right{p.panels, column, nil}, p.add)
}
