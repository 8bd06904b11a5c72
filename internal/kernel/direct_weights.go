package kernel

// The cotangent of the weights of one tap is a product A'B, A being the pixels
// of the source and B those of the cotangent of the result that the tap joins.
// A piece computes some rows of it, for the taps of one row of the filter and
// one panel of columns; it takes the pixels in their order, a block at a time.

const (
	// pairBlock is the number of pairs of pixels that stay in the first-level
	// cache while all rows of a piece meet them.
	pairBlock = 128
	// weightRows bounds the rows of a piece.
	weightRows = 96
	// biasRows is the number of pixels that are summed before they are added to
	// the bias.
	biasRows = 512
)

// pair is the places of two pixels that a tap joins, in bytes.
type pair struct{ source, result int }

// newPairs makes room for a block of pairs. The kernel looks some pairs ahead.
func newPairs() []pair { return make([]pair, pairBlock+pairsAhead) }

// pairsAhead is how far ahead of its work multiplyPairs fetches pixels.
const pairsAhead = 16

func (d *directMethod) pullWeights() {
	d.run(d.Size*pieces(d.In, weightRows)*panelCount(d.Out), d.weightsWork)
	if d.job.dbias != nil {
		d.run(d.Out/vector, d.biasWork)
	}
}

func (d *directMethod) weightsPiece(worker, piece int) {
	panels, blocks := panelCount(d.Out), pieces(d.In, weightRows)
	column := panelStart(d.Out, piece%panels)
	row := piece / panels % blocks * weightRows
	ky := piece / panels / blocks
	args := pairsArgs{rows: min(weightRows, d.In-row), width: panelWidth(d.Out, column), ldc: 4 * d.Out, add: 1}
	for first := 0; first < d.outHeight*d.outWidth; first += pairBlock {
		lists := d.listPairs(worker, ky, first)
		for n := range d.batch {
			args.a, args.b = pointer(d.job.src.at(n)[row:]), pointer(d.job.dst.at(n)[column:])
			for kx, pairs := range lists {
				if len(pairs) > 0 {
					args.c = pointer(d.job.dw[((ky*d.Size+kx)*d.In+row)*d.Out+column:])
					args.pairs, args.k = pairsPointer(pairs), len(pairs)
					multiplyPairs(&args)
				}
			}
		}
	}
}

// listPairs lists the pairs of pixels that each tap of a row of the filter joins,
// for a block of pixels of the result.
func (d *directMethod) listPairs(worker, ky, first int) [][]pair {
	lists := d.lists[worker*d.Size:][:d.Size]
	sourceStep, resultStep := 4*d.job.src.Stride, 4*d.job.dst.Stride
	last := min(first+pairBlock, d.outHeight*d.outWidth)
	for kx := range lists {
		pairs := lists[kx][:0]
		for p := first; p < last; {
			i, k := p/d.outWidth, p%d.outWidth
			columns := d.sourceColumn[kx][k:min(d.outWidth, k+last-p)]
			if y := int(d.sourceRow[ky][i]); y >= 0 {
				for across, x := range columns {
					if x >= 0 {
						pairs = append(pairs, pair{(y*d.width + int(x)) * sourceStep, (p + across) * resultStep})
					}
				}
			}
			p += len(columns)
		}
		lists[kx] = pairs
	}
	return lists
}

// biasPiece adds up 16 columns, in blocks of rows.
func (d *directMethod) biasPiece(_, piece int) {
	m := d.job.dst.Matrix()
	column := piece * vector
	args := sumArgs{dst: pointer(d.job.dbias[column:]), stride: 4 * m.Stride}
	for first := 0; first < m.Rows; first += biasRows {
		args.src, args.rows = pointer(m.Data[first*m.Stride+column:]), min(biasRows, m.Rows-first)
		sumRows(&args)
	}
}
