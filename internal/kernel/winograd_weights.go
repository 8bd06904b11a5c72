package kernel

// PullWeights by Winograd's algorithm sums products of the frequencies of the
// source and of the cotangent over all tiles, and transforms the sums back.
//
// Where there are many tiles and the sums of all frequencies fit the second-level
// cache, a piece is a run of tiles with sums of its own, which are added up in the
// order of the runs. Elsewhere the sums are shared, a group of tiles is taken at a
// time, and its pieces are tiles in the transforms and frequencies in the products.

const (
	// runTiles is the least number of tiles of a run, and mostRuns the most runs.
	runTiles = 128
	mostRuns = 8
	// runBlock is the number of tiles of a run that are transformed at a time.
	runBlock = 32
	// runWeights bounds the products of channels of a convolution with runs.
	runWeights = 128 * 128
	// groupTiles is the number of tiles of a group.
	groupTiles = 128
	// filterRows is the number of rows of filters of a piece.
	filterRows = 16
)

// groupPitch is the distance of the tiles of a group: a product walks from tile
// to tile, which should not lie in the same sets of the first-level cache.
func groupPitch(channels int) int {
	if channels%256 == 0 {
		return channels + vector
	}
	return channels
}

// weightRuns is the number of runs; one where the sums are shared.
func (w *winogradMethod) weightRuns() int {
	if w.In*w.Out > runWeights {
		return 1
	}
	return min(max(w.batch*w.tiles/runTiles, 1), mostRuns)
}

// pullWeights runs the job.
func (w *winogradMethod) pullWeights() {
	shared := w.shared()
	runs := w.weightRuns()
	w.gradient, shared = newPlanes(shared, runs*w.In, w.Out, w.Out)
	w.sums, shared = shared[:w.weightSums()*w.Out], shared[w.weightSums()*w.Out:]
	clear(w.sums)
	if runs > 1 {
		w.run(runs, w.runWork)
	} else {
		w.sumGroups(shared)
	}
	w.run(w.In/filterRows, w.filterWork)
	for i := 0; i < len(w.sums) && w.job.dbias != nil; i += w.Out {
		Add(w.job.dbias, w.sums[i:i+w.Out])
	}
}

// weightSums is the number of sums of pixels: one for each piece of a transform.
func (w *winogradMethod) weightSums() int {
	if runs := w.weightRuns(); runs > 1 {
		return runs
	}
	return groupTiles / phaseTiles
}

// sumsOf is the sum of pixels of a piece.
func (w *winogradMethod) sumsOf(piece int) []float32 { return w.sums[piece*w.Out:][:w.Out] }

// runPiece computes the sums of a run, a block of tiles at a time.
func (w *winogradMethod) runPiece(worker, piece int) {
	tiles, runs := w.batch*w.tiles, w.weightRuns()
	first, last := piece*tiles/runs, (piece+1)*tiles/runs
	scratch := w.scratch(worker)
	source, space := newPlanes(scratch[w.transformSize():], runBlock, w.In, w.In)
	result, _ := newPlanes(space, runBlock, w.Out, w.Out)
	for start := first; start < last; start += runBlock {
		end := min(start+runBlock, last)
		r := tileRange{start, start, end}
		w.gather(source, r, scratch)
		w.gatherResult(result, r, scratch, w.sumsOf(piece))
		pairs := w.tilePairs(worker, end-start, source, result)
		for f := range frequencies {
			w.addProducts(piece, f, source, result, pairs, start > first)
		}
	}
}

// tilePairs lists the places of some tiles in planes of the source and of the
// result.
func (w *winogradMethod) tilePairs(worker, tiles int, source, result planes) []pair {
	pairs := w.pairs[worker][:tiles]
	for t := range pairs {
		pairs[t] = pair{4 * t * source.pitch, 4 * t * result.pitch}
	}
	return pairs
}

// addProducts computes the sums of a run at one frequency over some tiles, or adds
// to them.
func (w *winogradMethod) addProducts(run, frequency int, source, result planes, pairs []pair, add bool) {
	args := pairsArgs{a: source.at(frequency, 0), pairs: pairsPointer(pairs), k: len(pairs), rows: w.In, ldc: 4 * w.Out}
	if add {
		args.add = 1
	}
	sums := w.gradient.data[frequency*w.gradient.plane+run*w.In*w.Out:]
	for column := 0; column < w.Out; column += args.width {
		args.width = panelWidth(w.Out, column)
		args.b = pointer(result.data[frequency*result.plane+column:])
		args.c = pointer(sums[column:])
		multiplyPairs(&args)
	}
}

// sumGroups computes the shared sums.
func (w *winogradMethod) sumGroups(space []float32) {
	tiles := w.batch * w.tiles
	rows := min(tiles, groupTiles)
	w.source, space = newPlanes(space, rows, w.In, groupPitch(w.In))
	w.result, _ = newPlanes(space, rows, w.Out, groupPitch(w.Out))
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
func (w *winogradMethod) gradientPiece(worker, frequency int) {
	w.addProducts(0, frequency, w.source, w.result, w.tilePairs(worker, w.groupEnd-w.group, w.source, w.result), w.group > 0)
}

// filterPiece adds some rows of the sums to the cotangent of the weights.
func (w *winogradMethod) filterPiece(worker, piece int) {
	row := piece * filterRows
	args := filterArgs{
		dst: pointer(w.job.dw[row*w.Out:]), scratch: pointer(w.scratch(worker)),
		tapStep: 4 * w.In * w.Out, plane: 4 * w.gradient.plane,
		channels: 4 * w.Out, rows: filterRows, srcStep: 4 * w.Out, dstStep: 4 * w.Out,
	}
	for run := range w.weightRuns() {
		args.src = w.gradient.at(0, run*w.In+row)
		winogradWeights(&args)
	}
}
