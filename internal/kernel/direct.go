package kernel

import "unsafe"

// directMethod computes a convolution by its definition. Pixels of the result form
// tiles that stay in registers while the taps go by; tables say which pixels of
// the source they meet, so that any grid, step and padding is the same work.
type directMethod struct {
	*Convolver
	sourceRow, sourceColumn axis // source for a place of the result and a tap
	resultRow, resultColumn axis // result for a place of the source and a tap
	source, result          *tileTable
	table                   *tileTable // of the call in progress
	lists                   [][]pair   // of each worker and tap of a row

	tilesWork, weightsWork, biasWork func(worker, piece int)
}

func newDirect(v *Convolver) *directMethod {
	d := &directMethod{Convolver: v}
	d.sourceRow, d.resultRow = v.axes(v.height)
	d.sourceColumn, d.resultColumn = v.axes(v.width)
	d.tilesWork, d.weightsWork, d.biasWork = d.tilesPiece, d.weightsPiece, d.biasPiece
	d.prepare()
	return d
}

// prepare makes the tables for the level in use, which only tests change. With
// step 1 the pullback is a convolution with the flipped filter.
func (d *directMethod) prepare() {
	if d.source != nil && d.source.rows == directRows() {
		return
	}
	d.source = newTileTable(d.sourceRow, d.sourceColumn, d.width, 1)
	d.result = d.source
	if d.Step > 1 {
		d.result = newTileTable(d.resultRow, d.resultColumn, d.outWidth, d.Step)
	}
}

func (d *directMethod) sharedSize() int { return 0 }
func (d *directMethod) workerSize() int { return maxWidth }

func (d *directMethod) bind(workers int) {
	d.lists = make([][]pair, workers*d.Size)
	for i := range d.lists {
		d.lists[i] = newPairs()[:0]
	}
}

func (d *directMethod) forward() {
	d.prepare()
	d.apply(d.source)
}

func (d *directMethod) pullInput() {
	d.prepare()
	d.apply(d.result)
}

// tilesAPiece is the number of tiles of a piece; all are of one image.
const tilesAPiece = 16

func (d *directMethod) apply(t *tileTable) {
	d.table = t
	d.run(d.batch*pieces(len(t.tiles), tilesAPiece), d.tilesWork)
}

// pieces is the number of pieces of a size that n makes, the last maybe smaller.
func pieces(n, size int) int { return (n + size - 1) / size }

// tilesPiece computes a piece, panel by panel.
func (d *directMethod) tilesPiece(worker, piece int) {
	dst, src, extra := d.job.dst, d.job.src, d.job.extra
	blocks := pieces(len(d.table.tiles), tilesAPiece)
	n, first := piece/blocks, piece%blocks*tilesAPiece
	tiles := d.table.tiles[first:min(first+tilesAPiece, len(d.table.tiles))]
	args := tapsArgs{
		k: 4 * src.Channels, lda: 4 * src.Stride, ldc: 4 * dst.Stride, ldr: 4 * extra.Add.Stride,
		a: pointer(src.at(n)), zeros: pointer(d.zeros), dump: pointer(d.scratch(worker)),
	}
	for column := 0; column < dst.Channels; column += args.width {
		args.width = panelWidth(dst.Channels, column)
		args.ldb = 4 * args.width
		args.tapStep = args.ldb * src.Channels
		args.b = pointer(d.job.panels[column*d.taps()*src.Channels:])
		args.c = pointer(dst.at(n)[column:])
		if extra.Bias != nil {
			args.bias = pointer(extra.Bias[column:])
		}
		if extra.Add.Data != nil {
			args.residual = pointer(extra.Add.at(n)[column:])
		}
		for i := range tiles {
			args.tile(d.table, &tiles[i])
			multiplyTaps(&args)
		}
	}
}

func (a *tapsArgs) tile(t *tileTable, tile *directTile) {
	a.pixels = unsafe.Pointer(&tile.pixels)
	a.records, a.taps = nil, int(tile.taps)
	if tile.taps > 0 {
		a.records = unsafe.Pointer(&t.records[int(tile.first)*recordSize])
	}
}
