package kernel

import "unsafe"

// PullWeights by Winograd's algorithm sums products of the frequencies of the
// source and of the cotangent over all tiles, and transforms the sums back. It
// keeps what is used again in the second-level cache, in one of three ways:
//
// Where there are few tiles, all of the source are transformed at once. A piece
// then transforms those of some channels of the cotangent, makes the sums of
// these columns of the weights, some rows at a time but at all frequencies, and
// transforms them back at once.
//
// Where there are many tiles and the sums of all weights fit the cache, a piece
// is a run of tiles with sums of its own, which are added up in the order of the
// runs.
//
// Elsewhere the sums are shared, a group of tiles is taken at a time, and its
// pieces are tiles in the transforms and frequencies in the products.

const (
	// runTiles is the least number of tiles of a run, and mostRuns the most runs.
	runTiles = 128
	mostRuns = 8
	// runBlock is the number of tiles of a run that are transformed at a time.
	runBlock = 32
	// runWeights bounds the products of channels of a convolution with runs.
	runWeights = 128 * 128
	// groupTiles is the number of tiles of a group, and the most that are few.
	groupTiles = 128
	// filterRows is the number of rows of filters of a piece.
	filterRows = 16
	// sourceChannels is the number of channels of the source that a piece of its
	// transform takes where tiles are few.
	sourceChannels = 32
	// columnRows is the most rows of a piece of weights where tiles are few.
	columnRows = 512
)

// fewTiles tells whether all tiles are transformed at once.
func (w *winogradMethod) fewTiles() bool { return w.batch*w.tiles <= groupTiles }

// weightRuns is the number of runs; one where the sums are shared.
func (w *winogradMethod) weightRuns() int {
	if w.In*w.Out > runWeights {
		return 1
	}
	return min(max(w.batch*w.tiles/runTiles, 1), mostRuns)
}

// weightsSize is the scratch space that the workers share, and columnsSize that
// of each where tiles are few.
func (w *winogradMethod) weightsSize() int {
	tiles, runs, sums := w.batch*w.tiles, w.weightRuns(), w.weightSums()*w.Out
	switch {
	case w.fewTiles():
		return sums + blockedSize(tiles, w.In)
	case runs > 1:
		return sums + planesSize(runs*w.In, w.Out)
	}
	return sums + planesSize(w.In, w.Out) + blockedSize(groupTiles, w.In) + blockedSize(groupTiles, w.Out)
}

func (w *winogradMethod) columnsSize() int {
	if !w.fewTiles() {
		return 0
	}
	width := panelWidth(w.Out, 0)
	return w.transformSize() + blockedSize(w.batch*w.tiles, width) + planesSize(filterRows, width)
}

// pullWeights runs the job.
func (w *winogradMethod) pullWeights() {
	shared := w.shared()
	w.sums, shared = shared[:w.weightSums()*w.Out], shared[w.weightSums()*w.Out:]
	clear(w.sums)
	switch runs := w.weightRuns(); {
	case w.fewTiles():
		w.source, _ = newBlockedPlanes(shared, w.batch*w.tiles, w.In)
		w.run(pieces(w.In, sourceChannels), w.sourceWork)
		w.run(panelCount(w.Out)*pieces(w.In, columnRows), w.columnsWork)
	case runs > 1:
		w.gradient, _ = newPlanes(shared, runs*w.In, w.Out)
		w.run(runs, w.runWork)
		w.run(w.In/filterRows, w.filterWork)
	default:
		w.gradient, shared = newPlanes(shared, w.In, w.Out)
		w.sumGroups(shared)
		w.run(w.In/filterRows, w.filterWork)
	}
	for i := 0; i < len(w.sums) && w.job.dbias != nil; i += w.Out {
		Add(w.job.dbias, w.sums[i:i+w.Out])
	}
}

// weightSums is the number of sums of pixels: one for each piece of a transform.
func (w *winogradMethod) weightSums() int {
	switch runs := w.weightRuns(); {
	case w.fewTiles():
		return 1
	case runs > 1:
		return runs
	}
	return groupTiles / phaseTiles
}

// sumsOf is the sum of pixels of a piece.
func (w *winogradMethod) sumsOf(piece int) []float32 { return w.sums[piece*w.Out:][:w.Out] }

// sourcePiece transforms all tiles of some channels of the source.
func (w *winogradMethod) sourcePiece(worker, piece int) {
	first := piece * sourceChannels
	count := min(sourceChannels, w.In-first)
	args := gatherArgs{scratch: pointer(w.scratch(worker))}
	w.transform(&args, w.source.part(first, count), w.allTiles(), w.job.src.Part(first, count), w.under)
}

func (w *winogradMethod) allTiles() tileRange { return tileRange{0, 0, w.batch * w.tiles} }

// columnsPiece computes some columns of weights, as far as one piece goes all
// rows of them.
func (w *winogradMethod) columnsPiece(worker, piece int) {
	panels := panelCount(w.Out)
	column, first := panelStart(w.Out, piece%panels), piece/panels*columnRows
	scratch := w.scratch(worker)
	args := tilesArgs{k: w.batch * w.tiles, rows: filterRows, width: panelWidth(w.Out, column)}
	result, space := newBlockedPlanes(scratch[w.transformSize():], args.k, args.width)
	w.columnsOfResult(result, column, first == 0, scratch)
	sums, _ := newPlanes(space, filterRows, args.width)
	args.lda, args.ldb, args.ldc, args.ahead = 4*w.source.block, 4*result.block, 4*sums.pitch, 4*w.source.plane
	for row := first; row < min(first+columnRows, w.In); row += filterRows {
		for f := range frequencies {
			args.a, args.b, args.c = w.source.channel(f, row), result.channel(f, 0), sums.at(f, 0)
			multiplyTiles(&args)
		}
		w.transformBack(sums.at(0, 0), sums, row, column, scratch)
	}
}

// columnsOfResult transforms some channels of the cotangent from the given one
// on, and adds up their pixels if sum is set.
func (w *winogradMethod) columnsOfResult(p planes, column int, sum bool, scratch []float32) {
	args := gatherArgs{scratch: pointer(scratch), sums: pointer(scratch[transformScratch:])}
	if sum {
		args.sums = pointer(w.sums[column:])
	}
	w.transform(&args, p, w.allTiles(), w.job.dst.Part(column, p.channels), w.pixels)
}

// transformBack adds some rows of filters, whose frequencies are the tiles of
// planes from the given place on, to the cotangent of the weights.
func (w *winogradMethod) transformBack(from unsafe.Pointer, sums planes, row, column int, scratch []float32) {
	winogradWeights(&filterArgs{
		src: from, dst: pointer(w.job.dw[row*w.Out+column:]), scratch: pointer(scratch),
		tapStep: 4 * w.In * w.Out, plane: 4 * sums.plane, channels: 4 * sums.channels,
		rows: filterRows, srcStep: 4 * sums.pitch, dstStep: 4 * w.Out,
	})
}

// runPiece computes the sums of a run, a block of tiles at a time.
func (w *winogradMethod) runPiece(worker, piece int) {
	tiles, runs := w.batch*w.tiles, w.weightRuns()
	first, last := piece*tiles/runs, (piece+1)*tiles/runs
	scratch := w.scratch(worker)
	source, space := newBlockedPlanes(scratch[w.transformSize():], runBlock, w.In)
	result, _ := newBlockedPlanes(space, runBlock, w.Out)
	for start := first; start < last; start += runBlock {
		end := min(start+runBlock, last)
		r := tileRange{start, start, end}
		w.gather(source, r, scratch)
		w.gatherResult(result, r, scratch, w.sumsOf(piece))
		for f := range frequencies {
			w.addProducts(piece, f, source, result, end-start, start > first)
		}
	}
}

// addProducts computes the sums of a run at one frequency over some tiles, or adds
// to them.
func (w *winogradMethod) addProducts(run, frequency int, source, result planes, tiles int, add bool) {
	args := tilesArgs{
		a: source.channel(frequency, 0), k: tiles, rows: w.In,
		lda: 4 * source.block, ldb: 4 * result.block, ldc: 4 * w.Out, ahead: 4 * source.block,
	}
	if add {
		args.add = 1
	}
	sums := w.gradient.data[frequency*w.gradient.plane+run*w.In*w.Out:]
	for column := 0; column < w.Out; column += args.width {
		args.width = panelWidth(w.Out, column)
		args.b, args.c = result.channel(frequency, column), pointer(sums[column:])
		multiplyTiles(&args)
	}
}

// sumGroups computes the shared sums.
func (w *winogradMethod) sumGroups(space []float32) {
	w.source, space = newBlockedPlanes(space, groupTiles, w.In)
	w.result, _ = newBlockedPlanes(space, groupTiles, w.Out)
	tiles := w.batch * w.tiles
	for w.group = 0; w.group < tiles; w.group += groupTiles {
		w.groupEnd = min(w.group+groupTiles, tiles)
		w.run(pieces(w.groupEnd-w.group, phaseTiles), w.groupWork)
		w.run(frequencies, w.gradientWork)
	}
}

// groupPiece transforms some tiles of a group.
func (w *winogradMethod) groupPiece(worker, piece int) {
	first := w.group + piece*phaseTiles
	r := tileRange{w.group, first, min(first+phaseTiles, w.groupEnd)}
	scratch := w.scratch(worker)
	w.gather(w.source, r, scratch)
	w.gatherResult(w.result, r, scratch, w.sumsOf(piece))
}

// gradientPiece adds the products of a group at one frequency.
func (w *winogradMethod) gradientPiece(_, frequency int) {
	w.addProducts(0, frequency, w.source, w.result, w.groupEnd-w.group, w.group > 0)
}

// filterPiece adds some rows of the sums to the cotangent of the weights, run by
// run.
func (w *winogradMethod) filterPiece(worker, piece int) {
	row := piece * filterRows
	for run := range w.weightRuns() {
		w.transformBack(w.gradient.at(0, run*w.In+row), w.gradient, row, 0, w.scratch(worker))
	}
}
