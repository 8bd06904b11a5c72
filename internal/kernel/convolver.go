package kernel

import (
	"sync/atomic"

	"retrace/internal/parallel"
)

// Convolver applies a convolution to batches of images of one size. It makes
// one call at a time and allocates nothing in it.
//
// Its calls share their work among the cores by parallel.Run. The pieces depend
// on the shape of the problem and the level of the kernels only, and sums over
// pieces are taken in the order of the pieces: the result is the same bytes for
// any GOMAXPROCS.
type Convolver struct {
	Convolution
	batch               int
	height, width       int // of the source
	outHeight, outWidth int // of the result

	method    method
	workspace []float32
	workers   int
	zeros     []float32 // a pixel outside

	job     job
	pieces  int
	next    atomic.Int64 // piece
	work    func(worker, piece int)
	sharing func(worker, piece int) // takePieces, made once
}

// job is the call in progress.
type job struct {
	dst, src  Image
	panels    []float32
	extra     Extra
	dw, dbias []float32
}

// method is an algorithm; it finds the call in progress in the Convolver's job.
type method interface {
	// sharedSize and workerSize are the scratch space that the workers share, and
	// that of each.
	sharedSize() int
	workerSize() int
	bind(workers int)
	forward()
	pullInput()
	pullWeights()
}

// NewConvolver prepares a convolution of a batch of images of the given height
// and width, the size of the source of Forward.
func NewConvolver(c Convolution, batch, height, width int) *Convolver {
	c.check()
	if batch < 1 || height < 1 || width < 1 {
		panic("kernel: empty image")
	}
	v := &Convolver{Convolution: c, batch: batch, height: height, width: width, zeros: Slab(max(c.In, c.Out))}
	v.outHeight, v.outWidth = c.Grid(height, width)
	v.sharing = v.takePieces
	if c.winograd() {
		v.method = newWinograd(v)
	} else {
		v.method = newDirect(v)
	}
	return v
}

// WorkspaceSize is the number of float32 values of scratch space that calls
// need with up to so many workers.
func (v *Convolver) WorkspaceSize(workers int) int {
	return v.method.sharedSize() + workers*v.method.workerSize()
}

// Bind sets the scratch space, of WorkspaceSize(workers) values that start on a
// cache line, and with it the number of workers. It holds nothing between calls:
// Convolvers that are not used at the same time may share one.
func (v *Convolver) Bind(workspace []float32, workers int) {
	if workers < 1 || len(workspace) < v.WorkspaceSize(workers) {
		panic("kernel: workspace too small")
	}
	v.workspace, v.workers = workspace, workers
	v.method.bind(workers)
}

// scratch is the part of the workspace that belongs to a worker.
func (v *Convolver) scratch(worker int) []float32 {
	size := v.method.workerSize()
	return v.workspace[v.method.sharedSize()+worker*size:][:size]
}

// shared is the part of the workspace that the workers share.
func (v *Convolver) shared() []float32 { return v.workspace[:v.method.sharedSize()] }

// run shares pieces among at most as many workers as the workspace is for.
func (v *Convolver) run(pieces int, work func(worker, piece int)) {
	v.pieces, v.work = pieces, work
	v.next.Store(0)
	parallel.Run(min(v.workers, pieces), v.sharing)
}

// takePieces works on pieces, in order, until there are none left.
func (v *Convolver) takePieces(worker, _ int) {
	for {
		piece := int(v.next.Add(1)) - 1
		if piece >= v.pieces {
			return
		}
		v.work(worker, piece)
	}
}

// Forward computes dst = w * src + extra. dst may be extra.Add but must not
// overlap src. The filter needs Pack.
func (v *Convolver) Forward(dst, src Image, f *Filter, extra Extra) {
	v.checkImages(dst, src)
	v.checkExtra(dst, extra)
	v.checkFilter(f, f.forward)
	v.job = job{dst: dst, src: src, panels: f.forward, extra: extra}
	v.method.forward()
}

// PullInput computes dst = J' src + extra, J being the derivative of Forward's
// result with respect to its source: src is a cotangent of the result, dst of the
// source. dst may be extra.Add, to which the cotangent is then added. The filter
// needs PackPull.
func (v *Convolver) PullInput(dst, src Image, f *Filter, extra Extra) {
	v.checkImages(src, dst)
	v.checkExtra(dst, extra)
	v.checkFilter(f, f.pull)
	v.job = job{dst: dst, src: src, panels: f.pull, extra: extra}
	v.method.pullInput()
}

// PullWeights adds to dw the cotangent of the weights, in their order, and to
// dbias that of the bias, given the source of Forward and a cotangent of its
// result. dbias may be nil.
func (v *Convolver) PullWeights(dw, dbias []float32, src, cotangent Image) {
	v.checkImages(cotangent, src)
	if len(dw) != v.WeightSize() || dbias != nil && len(dbias) != v.Out {
		panic("kernel: number of weights does not match")
	}
	v.job = job{dst: cotangent, src: src, dw: dw, dbias: dbias}
	v.method.pullWeights()
}

func (v *Convolver) checkImages(result, source Image) {
	if v.workers == 0 {
		panic("kernel: convolver without workspace")
	}
	result.check()
	source.check()
	if result.Batch != v.batch || result.Height != v.outHeight || result.Width != v.outWidth || result.Channels != v.Out {
		panic("kernel: shape of the result of a convolution does not match")
	}
	if source.Batch != v.batch || source.Height != v.height || source.Width != v.width || source.Channels != v.In {
		panic("kernel: shape of the source of a convolution does not match")
	}
}

func (v *Convolver) checkExtra(dst Image, extra Extra) {
	if extra.Bias != nil && len(extra.Bias) != dst.Channels {
		panic("kernel: length of the bias does not match")
	}
	if a := extra.Add; a.Data != nil {
		a.check()
		if a.Batch != dst.Batch || a.Height != dst.Height || a.Width != dst.Width || a.Channels != dst.Channels {
			panic("kernel: shape of the addend does not match")
		}
	}
}

func (v *Convolver) checkFilter(f *Filter, panels []float32) {
	if f.convolution != v.Convolution {
		panic("kernel: filter of another convolution")
	}
	if panels == nil {
		panic("kernel: filter is not packed")
	}
}
