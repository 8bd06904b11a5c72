package scoresum

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/kernel"
	"retrace/internal/nn"
	"retrace/internal/nn/unet"
	"retrace/internal/safetensors"
)

// grid tells how the values of a state are laid out in space: fields of rows of
// columns, one field after the other. A state without such a layout is one field of
// one row.
type grid struct {
	fields, rows, columns int
	circular              bool // closes upon itself along both axes
}

func (g grid) cells() int { return g.rows * g.columns }

// newGrid reads states of two axes in space, with coordinates, behind at most one that
// counts fields. The error is an input error.
func newGrid(space dynamics.Space) (grid, error) {
	n := len(space.Axes)
	if n < 2 || n > 3 || len(space.Axes[n-1].Coordinates) == 0 || len(space.Axes[n-2].Coordinates) == 0 {
		var names []string
		for _, a := range space.Axes {
			names = append(names, a.Name)
		}
		return grid{}, fault.Inputf("network: U-Nets look at fields on two axes in space, behind at most one that counts them, but the axes of a state are %q: use mlp or temporal", names)
	}
	rows, columns := space.Axes[n-2], space.Axes[n-1]
	g := grid{rows: rows.Len(), columns: columns.Len(), circular: rows.Period > 0 && columns.Period > 0}
	g.fields = space.Size() / g.cells()
	return g, nil
}

// The network of Rozet & Louppe's quasi-geostrophic model (2023): blocks that widen their
// channels four times, and three taps in time.
const (
	framesExpansion = 4
	framesTime      = 3
)

// fieldShape is the shape of the U-Net for windows on a grid. States are channels side by
// side, with a plane for each that tells whether it is there, or frames that follow each
// other.
func (s Settings) fieldShape(g grid) unet.Shape {
	shape := unet.Shape{
		In: views*s.Window*g.fields + s.Window, Out: s.Window * g.fields,
		Embedding: s.Embedding, Spatial: 2, Kernel: unet.Grid{Rows: s.Kernel, Columns: s.Kernel},
		Step: unet.Grid{Rows: 2, Columns: 2}, Padding: kernel.Zeros,
	}
	if s.Network == "frames" {
		shape.In, shape.Out, shape.Expansion, shape.Time = views*g.fields, g.fields, framesExpansion, framesTime
	}
	if g.circular {
		shape.Padding = kernel.Circular
	}
	for _, width := range s.Widths {
		shape.Levels = append(shape.Levels, unet.Level{Channels: width, Blocks: s.Blocks})
	}
	return shape
}

// fieldNetwork is a U-Net on windows of fields, whose tokens are its frames.
type fieldNetwork struct {
	*unet.Network
	grid   unet.Grid
	frames int // of the longest window
}

func newFieldNetwork(s Settings, space dynamics.Space, g grid) (*fieldNetwork, error) {
	shape := s.fieldShape(g)
	size := unet.Grid{Rows: g.rows, Columns: g.columns}
	n, err := unet.New(shape)
	if err == nil {
		err = shape.CheckGrid(size)
	}
	if err != nil {
		return nil, fmt.Errorf("network = %q, widths = %v, kernel = %d: %w", s.Network, s.Widths, s.Kernel, err)
	}
	return &fieldNetwork{n, size, s.layout(space).tokens(s.Window)}, nil
}

func (n *fieldNetwork) weights() []float32 { return n.Slab() }

func (n *fieldNetwork) refresh() { n.Refresh() }

func (n *fieldNetwork) initialise(r *rand.Rand) {
	n.Init(r)
	list := n.Named(n.Slab())
	last := fmt.Sprintf("network.tails.%d.", len(n.Shape().Levels)-1)
	n.Assign(func(name string, shape []int) []float32 {
		i := slices.IndexFunc(list, func(q nn.Parameter) bool { return q.Name == name })
		if name == last+"weight" || name == last+"bias" {
			clear(list[i].Data)
		}
		return list[i].Data
	})
}

func (n *fieldNetwork) tensors() []safetensors.Tensor { return tensorsOf(n.Named(n.Slab())) }

func (n *fieldNetwork) fill(take func(name string, shape []int) ([]float32, error)) error {
	data := map[string][]float32{}
	var err error
	n.Shape().Tensors(func(name string, shape []int) bool {
		data[name], err = take(name, shape)
		return err == nil
	})
	if err == nil {
		n.Assign(func(name string, _ []int) []float32 { return data[name] })
	}
	return err
}

func (n *fieldNetwork) evaluator(int, int) evaluator {
	return &fieldEvaluator{network: n, workspaces: map[[2]int]*unet.Workspace{}}
}

func (n *fieldNetwork) learner(int, int, int) learner {
	return &fieldLearner{fieldEvaluator{
		network: n, workspaces: map[[2]int]*unet.Workspace{}, sum: kernel.Slab(len(n.Slab())),
	}}
}

// chunkMemory bounds the activations of a chunk of windows of fields: about the
// memory that a worker takes. It does not change a byte.
const chunkMemory = 1 << 27

// largestChunk is the number of windows that go through the network together.
func (n *fieldNetwork) largestChunk() (int, error) {
	bytes, err := unet.Memory(n.Network, unet.Size{Batch: 1, Frames: n.frames, Grid: n.grid})
	return max(1, chunkMemory/max(bytes, 1)), err
}

// fieldEvaluator has a workspace for each number of windows and of their frames that it
// has met, usually those of a chunk and of what remains.
type fieldEvaluator struct {
	network    *fieldNetwork
	workspaces map[[2]int]*unet.Workspace
	last       *unet.Workspace
	sum        []float32 // gradient, in training
}

func (e *fieldEvaluator) forward(out, in, times []float32, windows, frames int) {
	size := [2]int{windows, frames}
	w := e.workspaces[size]
	if w == nil {
		var err error
		w, err = unet.NewWorkspace(e.network.Network, unet.Size{Batch: windows, Frames: frames, Grid: e.network.grid})
		if err != nil {
			panic(err) // newFieldNetwork checks the grid
		}
		e.workspaces[size] = w
	}
	e.last = w
	w.Forward(out, in, times)
}

func (e *fieldEvaluator) pullInput(gin, gout []float32) { e.last.PullInput(gin, gout) }

func (e *fieldEvaluator) pullAll(gout []float32) { e.last.PullAll(nil, gout, e.sum) }

// fieldLearner has one evaluator, which uses all cores itself.
type fieldLearner struct{ fieldEvaluator }

func (l *fieldLearner) evaluators() []evaluator { return []evaluator{&l.fieldEvaluator} }

func (l *fieldLearner) clear() { clear(l.sum) }

func (l *fieldLearner) add(int) {}

func (l *fieldLearner) gradient() []float32 { return l.sum }
