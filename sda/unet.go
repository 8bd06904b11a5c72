package sda

import (
	"fmt"

	"retrace/internal/nn/unet"
	"retrace/scoresum"
)

// fields is a U-Net of any of the kinds, with what tells them apart.
type fields struct {
	network *unet.Network
	// size is that of one window of length states of the given shape.
	size func(length int, state []int) unet.Size
	// windows is cut for states that the network takes.
	windows func(length int, state []int) (int, []scoresum.Piece, error)
	// context holds fixed channels, (channels, rows, columns), whose grid is that
	// of all fields. Without it they are the waves, or there are none.
	context      []float32
	contextShape []int
	waves        bool
}

// takeUNet takes the tensors of a U-Net and of its time embedding below prefix.
func takeUNet(s *source, prefix string, shape unet.Shape) *unet.Network {
	s.frequencies(prefix + "embedding.freqs")
	data := map[string][]float32{}
	shape.Tensors(func(name string, want []int) bool {
		data[name] = s.take(prefix+name, want...)
		return !s.failed()
	})
	if s.failed() || s.file == nil {
		return nil
	}
	n, err := unet.New(shape)
	if err != nil {
		s.fault = err
		return nil
	}
	n.Assign(func(name string, _ []int) []float32 { return data[name] })
	return n
}

// check tells why the network does not take fields of a shape.
func (f *fields) check(length int, state []int) error {
	if f.contextShape != nil && !fits(state[1:], f.contextShape[1:]) {
		return fmt.Errorf("fields have the shape %s, but the network has a forcing of %s", shapeText(state[1:]), shapeText(f.contextShape[1:]))
	}
	return f.network.Shape().CheckGrid(f.size(length, state).Grid)
}

func (f *fields) cut(length int, state []int) (int, []scoresum.Piece, error) {
	if err := f.check(length, state); err != nil {
		return 0, nil, err
	}
	return f.windows(length, state)
}

// Limits of a batch of windows: one that holds them all need not be evaluated
// again when it is pulled back.
const (
	batchMemory = 2 << 30 // bytes
	mostWindows = 1 << 10
)

func (f *fields) workers(int) int { return 1 } // it uses all cores itself

func (f *fields) evaluator(length int, state []int, windows int) (evaluator, error) {
	size := f.size(length, state)
	memory, err := unet.Memory(f.network, size)
	if err != nil {
		return nil, err
	}
	// As few batches as possible, and these of the same size.
	most := min(max(batchMemory/memory, 1), mostWindows)
	batches := (windows + most - 1) / most
	size.Batch = (windows + batches - 1) / batches
	w, err := unet.NewWorkspace(f.network, size)
	if err != nil {
		return nil, err
	}
	if f.waves {
		w.SetContext(wavesOn(size.Grid))
	} else if f.context != nil {
		w.SetContext(f.context)
	}
	n := size.Batch * size.Frames * size.Rows * size.Columns * f.network.Shape().In
	return &fieldsWork{workspace: w, in: make([]float32, n), out: make([]float32, n)}, nil
}

// fieldsWork evaluates batches of windows; one that is not full is followed by
// what was there before, which does not matter.
type fieldsWork struct {
	workspace *unet.Workspace
	in, out   []float32
	time      [1]float32
}

func (w *fieldsWork) batch() int { return w.workspace.Size().Batch }

func (w *fieldsWork) forward(out, in []float32, t float64) {
	w.time[0] = float32(t)
	copy(w.in, in)
	w.workspace.Forward(w.out, w.in, w.time[:])
	copy(out, w.out)
}

func (w *fieldsWork) pull(dst, v []float32) {
	copy(w.out, v)
	w.workspace.PullInput(w.in, w.out)
	copy(dst, w.in)
}
