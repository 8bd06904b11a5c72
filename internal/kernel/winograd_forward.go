package kernel

// Forward and PullInput by Winograd's algorithm. Many tiles are taken in blocks,
// whose frequencies stay in the second-level cache of a core: a piece is a block
// from source to result. Few tiles, which would make too few blocks or read many
// weights too often, are taken in three phases: transforms by tiles, products by
// frequency, transforms by tiles.

const (
	// leastBlocks is the number of blocks below which phases are taken.
	leastBlocks = 4
	// phaseWeights is the number of pairs of channels from which on phases are
	// better for few tiles, too: each block would read all weights, which are far
	// away, once more.
	phaseWeights = 192 * 192
	// phaseTiles is the number of tiles of a piece of a transform.
	phaseTiles = 4
)

// blockTiles is the number of tiles of a block. The frequencies of few channels
// fit the second-level cache, and those of many are read and written less often
// than the weights, which a block reads once; but smaller blocks, down to a limit,
// are better than phases.
func (w *winogradMethod) blockTiles() int {
	size, least := 64, 32
	if w.In+w.Out <= 256 {
		least = 16
	}
	if w.In+w.Out < 224 {
		size = 32
	}
	for size > least && pieces(w.batch*w.tiles, size) < leastBlocks {
		size /= 2
	}
	return size
}

// sizes returns the number of tiles of the batch and of blocks of them; no blocks
// if phases are to be taken.
func (w *winogradMethod) sizes() (tiles, blocks int) {
	tiles = w.batch * w.tiles
	blocks = pieces(tiles, w.blockTiles())
	if blocks < leastBlocks || w.fewTiles() && w.In*w.Out >= phaseWeights {
		blocks = 0
	}
	return tiles, blocks
}

// The pullback to the source is a convolution with the flipped filter.
func (w *winogradMethod) forward()   { w.apply() }
func (w *winogradMethod) pullInput() { w.apply() }

// apply runs the job.
func (w *winogradMethod) apply() {
	tiles, blocks := w.sizes()
	if blocks > 0 {
		w.run(blocks, w.blockWork)
		return
	}
	rows := RoundUp(tiles, tileRows)
	shared := w.shared()
	w.source, shared = newPlanes(shared, rows, w.job.src.Channels)
	w.result, _ = newPlanes(shared, rows, w.job.dst.Channels)
	w.run(pieces(tiles, phaseTiles), w.inputWork)
	w.run(frequencies, w.multiplyWork)
	w.run(pieces(tiles, phaseTiles), w.outputWork)
}

// sharedSize is the scratch space of phases and of pullWeights.
func (w *winogradMethod) sharedSize() int {
	tiles, blocks := w.sizes()
	size := w.weightsSize()
	if blocks == 0 {
		rows := RoundUp(tiles, tileRows)
		size = max(size, planesSize(rows, w.In)+planesSize(rows, w.Out))
	}
	return RoundUp(size, vector)
}

// workerSize is the scratch space of transforms and of a block.
func (w *winogradMethod) workerSize() int {
	rows := w.blockTiles()
	return max(w.columnsSize(), w.transformSize()+max(planesSize(rows, w.In)+planesSize(rows, w.Out), blockedSize(runBlock, w.In)+blockedSize(runBlock, w.Out)))
}

// transformSize is the scratch space of a transform and of a pixel.
func (w *winogradMethod) transformSize() int { return transformScratch + max(w.In, w.Out) }

// bind has nothing to make: workers keep no lists.
func (w *winogradMethod) bind(int) {}

// blockPiece computes a block.
func (w *winogradMethod) blockPiece(worker, piece int) {
	tiles, blocks := w.sizes()
	first, last := piece*tiles/blocks, (piece+1)*tiles/blocks
	rows := RoundUp(last-first, tileRows)
	scratch := w.scratch(worker)
	space := scratch[w.transformSize():]
	source, space := newPlanes(space, rows, w.job.src.Channels)
	result, _ := newPlanes(space, rows, w.job.dst.Channels)
	r := tileRange{first, first, last}
	w.gather(source, r, scratch)
	for f := range frequencies {
		multiplyFrequency(result, source, f, last-first, w.job.panels)
	}
	w.scatter(result, r, scratch)
}

// phaseRange is the tiles of a piece of a transform.
func (w *winogradMethod) phaseRange(piece int) tileRange {
	return tileRange{0, piece * phaseTiles, min((piece+1)*phaseTiles, w.batch*w.tiles)}
}

func (w *winogradMethod) inputPiece(worker, piece int) {
	w.gather(w.source, w.phaseRange(piece), w.scratch(worker))
}

func (w *winogradMethod) multiplyPiece(_, frequency int) {
	multiplyFrequency(w.result, w.source, frequency, w.batch*w.tiles, w.job.panels)
}

func (w *winogradMethod) outputPiece(worker, piece int) {
	w.scatter(w.result, w.phaseRange(piece), w.scratch(worker))
}
