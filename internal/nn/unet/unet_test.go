package unet_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"retrace/internal/fault"
	"retrace/internal/kernel"
	"retrace/internal/nn"
	"retrace/internal/nn/unet"
)

// windows is a U-Net on windows of three states of two channels as channels,
// frames one on trajectories of frames.
var (
	windows = unet.Shape{
		In: 6, Out: 6, Embedding: 16, Spatial: 2, Levels: []unet.Level{{Channels: 16, Blocks: 1}, {Channels: 32, Blocks: 1}},
		Kernel: unet.Grid{Rows: 3, Columns: 3}, Step: unet.Grid{Rows: 2, Columns: 2},
	}
	frames = unet.Shape{
		In: 2, Out: 2, Context: 1, Embedding: 16, Spatial: 2, Levels: []unet.Level{{Channels: 16, Blocks: 1}, {Channels: 32, Blocks: 1}},
		Kernel: unet.Grid{Rows: 5, Columns: 5}, Step: unet.Grid{Rows: 2, Columns: 2}, Expansion: 4, Time: 3,
	}
	grid = unet.Grid{Rows: 8, Columns: 12}
)

// A problem is a network with random parameters, and arguments for it.
type problem struct {
	network        *unet.Network
	workspace      *unet.Workspace
	in, gout       []float32
	times          []float32
	out, gin, grad []float32
}

func normals(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

func newNetwork(tb testing.TB, shape unet.Shape) *unet.Network {
	tb.Helper()
	n, err := unet.New(shape)
	if err != nil {
		tb.Fatal(err)
	}
	n.Init(rand.New(rand.NewPCG(1, 2)))
	n.Refresh()
	return n
}

func newWorkspace(tb testing.TB, n *unet.Network, size unet.Size) *unet.Workspace {
	tb.Helper()
	w, err := unet.NewWorkspace(n, size)
	if err != nil {
		tb.Fatal(err)
	}
	return w
}

func newProblem(tb testing.TB, shape unet.Shape, size unet.Size) *problem {
	tb.Helper()
	p := &problem{network: newNetwork(tb, shape)}
	p.workspace = newWorkspace(tb, p.network, size)
	r := rand.New(rand.NewPCG(3, 4))
	pixels := size.Batch * size.Frames * size.Rows * size.Columns
	p.in, p.gout = normals(r, pixels*shape.In), normals(r, pixels*shape.Out)
	p.out, p.gin = make([]float32, len(p.gout)), make([]float32, len(p.in))
	p.grad = make([]float32, len(p.network.Slab()))
	for range size.Batch {
		p.times = append(p.times, r.Float32())
	}
	return p
}

func (p *problem) run() {
	p.workspace.Forward(p.out, p.in, p.times)
	p.workspace.PullAll(p.gin, p.gout, p.grad)
}

func eachVariant(t *testing.T, test func(t *testing.T, shape unet.Shape, size unet.Size)) {
	t.Run("windows", func(t *testing.T) { test(t, windows, unet.Size{Batch: 3, Frames: 1, Grid: grid}) })
	t.Run("frames", func(t *testing.T) { test(t, frames, unet.Size{Batch: 2, Frames: 3, Grid: grid}) })
}

// A member of an ensemble must be the same bits in every batch, and with one time
// for all as with one each.
func TestTrajectoriesDoNotDependOnTheirBatch(t *testing.T) {
	eachVariant(t, func(t *testing.T, shape unet.Shape, size unet.Size) {
		p := newProblem(t, shape, size)
		for i := range p.times {
			p.times[i] = p.times[0]
		}
		p.run()
		batch := size.Batch
		size.Batch = 1
		one := newWorkspace(t, p.network, size)
		n, m := len(p.in)/batch, len(p.out)/batch
		out, gin := make([]float32, m), make([]float32, n)
		for i := range batch {
			one.Forward(out, p.in[i*n:(i+1)*n], p.times[:1])
			one.PullInput(gin, p.gout[i*m:(i+1)*m])
			if !slices.Equal(out, p.out[i*m:(i+1)*m]) || !slices.Equal(gin, p.gin[i*n:(i+1)*n]) {
				t.Errorf("trajectory %d is another one alone", i)
			}
		}
		want := slices.Clone(p.out)
		p.workspace.Forward(p.out, p.in, p.times[:1])
		if !slices.Equal(p.out, want) {
			t.Error("a shared time gives another result than the same time for each")
		}
	})
}

func TestResultsDoNotDependOnTheNumberOfWorkers(t *testing.T) {
	eachVariant(t, func(t *testing.T, shape unet.Shape, size unet.Size) {
		var want *problem
		for _, workers := range []int{1, 2, 5} {
			before := runtime.GOMAXPROCS(workers)
			p := newProblem(t, shape, size)
			p.run()
			runtime.GOMAXPROCS(before)
			if want == nil {
				want = p
			}
			if !slices.Equal(p.out, want.out) || !slices.Equal(p.gin, want.gin) || !slices.Equal(p.grad, want.grad) {
				t.Errorf("%d workers give another result", workers)
			}
		}
	})
}

// What a workspace computed before, even NaN, must not show.
func TestWorkspaceForgets(t *testing.T) {
	eachVariant(t, func(t *testing.T, shape unet.Shape, size unet.Size) {
		fresh, used := newProblem(t, shape, size), newProblem(t, shape, size)
		nan := make([]float32, len(used.in))
		for i := range nan {
			nan[i] = float32(math.NaN())
		}
		used.workspace.Forward(used.out, nan, used.times)
		used.workspace.PullAll(used.gin, used.gout, used.grad)
		used.workspace.Push(used.out, nan)
		clear(used.grad)
		used.run()
		fresh.run()
		if !slices.Equal(fresh.out, used.out) || !slices.Equal(fresh.gin, used.gin) || !slices.Equal(fresh.grad, used.grad) {
			t.Error("results differ from those of a fresh workspace")
		}
	})
}

func TestPullAllAddsToTheGradientAndPullInputAgrees(t *testing.T) {
	eachVariant(t, func(t *testing.T, shape unet.Shape, size unet.Size) {
		p := newProblem(t, shape, size)
		p.run()
		once, gin := slices.Clone(p.grad), slices.Clone(p.gin)
		p.workspace.PullInput(p.gin, p.gout)
		if !slices.Equal(gin, p.gin) {
			t.Error("PullInput and PullAll differ")
		}
		p.workspace.PullAll(nil, p.gout, p.grad)
		for i := range once {
			if want := 2 * once[i]; math.Abs(float64(p.grad[i]-want)) > 1e-4*(1+math.Abs(float64(want))) {
				t.Fatalf("gradient %d is %g after two passes, %g after one", i, p.grad[i], once[i])
			}
		}
	})
}

func TestNothingIsAllocated(t *testing.T) {
	eachVariant(t, func(t *testing.T, shape unet.Shape, size unet.Size) {
		p := newProblem(t, shape, size)
		optimiser := nn.NewAdamW(p.network.Slab())
		if n := testing.AllocsPerRun(3, func() {
			p.run()
			p.workspace.PullInput(p.gin, p.gout)
			p.workspace.Push(p.out, p.in)
			optimiser.Step(p.grad, 1e-3)
			p.network.Refresh()
		}); n != 0 {
			t.Errorf("%g allocations", n)
		}
	})
}

// The arrays are in PyTorch's order, or channels last; both are the same network.
func TestOrdersOfArrays(t *testing.T) {
	eachVariant(t, func(t *testing.T, shape unet.Shape, size unet.Size) {
		planes := newProblem(t, shape, size)
		size.ChannelsLast = true
		last := newProblem(t, shape, size)
		pixels := size.Rows * size.Columns
		transpose := func(dst, src []float32, channels int) {
			for i := range src {
				image, pixel, c := i/(pixels*channels), i/channels%pixels, i%channels
				dst[(image*channels+c)*pixels+pixel] = src[i]
			}
		}
		transpose(planes.in, last.in, shape.In)
		transpose(planes.gout, last.gout, shape.Out)
		planes.run()
		last.run()
		out, gin := make([]float32, len(last.out)), make([]float32, len(last.gin))
		transpose(out, last.out, shape.Out)
		transpose(gin, last.gin, shape.In)
		if !slices.Equal(out, planes.out) || !slices.Equal(gin, planes.gin) {
			t.Error("the orders give different results")
		}
	})
}

// A periodic network commutes with shifts by the size of a pixel of its coarsest
// level; context breaks that, unless it is shifted too.
func TestPeriodicNetworksAreEquivariant(t *testing.T) {
	eachVariant(t, func(t *testing.T, shape unet.Shape, size unet.Size) {
		p := newProblem(t, shape, size)
		context := normals(rand.New(rand.NewPCG(5, 6)), shape.Context*size.Rows*size.Columns)
		roll := func(x []float32) []float32 {
			y := make([]float32, len(x))
			pixels := size.Rows * size.Columns
			for i := range x {
				row, column := i%pixels/size.Columns, i%size.Columns
				to := (row+2)%size.Rows*size.Columns + (column+4)%size.Columns
				y[i/pixels*pixels+to] = x[i]
			}
			return y
		}
		p.workspace.SetContext(context)
		p.run()
		out, gin := roll(p.out), roll(p.gin)
		p.workspace.SetContext(roll(context))
		p.in, p.gout = roll(p.in), roll(p.gout)
		p.run()
		if d := distance(p.out, out); !(d < 1e-5) {
			t.Errorf("the output is %.2g away from the shifted one", d)
		}
		if d := distance(p.gin, gin); !(d < 1e-5) {
			t.Errorf("the gradient is %.2g away from the shifted one", d)
		}
	})
}

func distance(a, b []float32) float64 {
	var sum, square float64
	for i := range b {
		sum += float64(a[i]-b[i]) * float64(a[i]-b[i])
		square += float64(b[i]) * float64(b[i])
	}
	return math.Sqrt(sum / square)
}

// Frames beyond the reach of the taps in time do not matter: with two levels it is
// one frame for each of the two blocks that mix.
func TestFramesReachAsFarAsTheirTaps(t *testing.T) {
	size := unet.Size{Batch: 1, Frames: 6, Grid: unet.Grid{Rows: 4, Columns: 4}}
	p := newProblem(t, frames, size)
	p.workspace.Forward(p.out, p.in, p.times)
	clear(p.gout)
	frame := len(p.gout) / size.Frames
	p.gout[0] = 1
	p.workspace.PullInput(p.gin, p.gout)
	for i := range size.Frames {
		sees := slices.ContainsFunc(p.gin[i*frame:(i+1)*frame], func(g float32) bool { return g != 0 })
		if sees != (i <= 2) {
			t.Errorf("the first frame sees frame %d: %v", i, sees)
		}
	}
}

func TestParametersHaveTheNamesOfPyTorch(t *testing.T) {
	for want, shape := range map[string]unet.Shape{
		"embedding.0.weight [256 32]":                      windows,
		"embedding.2.bias [16]":                            windows,
		"network.heads.0.weight [16 6 3 3]":                windows,
		"network.heads.1.0.weight [32 16 3 3]":             windows,
		"network.tails.0.2.weight [16 32 3 3]":             windows,
		"network.tails.1.bias [6]":                         windows,
		"network.descent.1.0.project.0.weight [32 16]":     windows,
		"network.ascent.0.0.residue.3.weight [32 32 3 3]":  windows,
		"network.heads.0.weight [16 3 5 5]":                frames,
		"network.heads.1.1.0.weight [128 32 3]":            frames,
		"network.heads.1.1.2.weight [32 128 1]":            frames,
		"network.tails.0.0.0.bias [128]":                   frames,
		"network.tails.0.3.weight [16 32 5 5]":             frames,
		"network.descent.0.0.residue.1.weight [64 16 5 5]": frames,
		"network.descent.0.0.residue.3.weight [16 64 1 1]": frames,
	} {
		n := newNetwork(t, shape)
		var names []string
		for _, p := range n.Named(n.Slab()) {
			names = append(names, fmt.Sprint(p.Name, " ", p.Shape))
		}
		if !slices.Contains(names, want) {
			t.Errorf("no parameter %s in %q", want, names)
		}
	}
}

func TestWhatIsNamedIsAssigned(t *testing.T) {
	eachVariant(t, func(t *testing.T, shape unet.Shape, size unet.Size) {
		p := newProblem(t, shape, size)
		p.run()
		named := p.network.Named(p.network.Slab())
		other, err := unet.New(shape)
		if err != nil {
			t.Fatal(err)
		}
		i := 0
		shape.Tensors(func(name string, shape []int) bool {
			if name != named[i].Name || !slices.Equal(shape, named[i].Shape) {
				t.Errorf("Tensors lists %s %v, Named %s %v", name, shape, named[i].Name, named[i].Shape)
			}
			i++
			return true
		})
		i = 0
		other.Assign(func(string, []int) []float32 { i++; return named[i-1].Data })
		out := make([]float32, len(p.out))
		newWorkspace(t, other, size).Forward(out, p.in, p.times)
		if !slices.Equal(out, p.out) {
			t.Error("the network is another one")
		}
	})
}

// Parameters start within PyTorch's bounds, 1/sqrt(fan-in), and near them.
func TestInitDrawsAsPyTorchDoes(t *testing.T) {
	n := newNetwork(t, windows)
	bound := 0.0
	for _, p := range n.Named(n.Slab()) {
		if len(p.Shape) > 1 { // a bias shares the bound of the weight before it
			bound = 1 / math.Sqrt(float64(len(p.Data)/p.Shape[0]))
		}
		largest := 0.0
		for _, x := range p.Data {
			largest = max(largest, math.Abs(float64(x)))
		}
		if largest > bound || largest < bound/4 {
			t.Errorf("%s: largest value %g, bound %g", p.Name, largest, bound)
		}
	}
}

// Gradient descent learns to return its input.
func TestTrainingReducesTheLoss(t *testing.T) {
	p := newProblem(t, windows, unet.Size{Batch: 4, Frames: 1, Grid: grid})
	optimiser := nn.NewAdamW(p.network.Slab())
	r := rand.New(rand.NewPCG(9, 9))
	var first, last float64
	for step := range 60 {
		p.in = normals(r, len(p.in))
		p.workspace.Forward(p.out, p.in, p.times)
		loss := 0.0
		for i := range p.out {
			d := p.out[i] - p.in[i]
			loss += float64(d*d) / float64(len(p.out))
			p.gout[i] = 2 * d / float32(len(p.out))
		}
		if step == 0 {
			first = loss
		}
		last = loss
		clear(p.grad)
		p.workspace.PullAll(nil, p.gout, p.grad)
		optimiser.Step(p.grad, 3e-3)
		p.network.Refresh()
	}
	if !(last < 0.5*first) {
		t.Errorf("the loss went from %g to %g", first, last)
	}
}

// The estimate is what is allocated, but for tables and the structures themselves.
func TestMemoryIsWhatAWorkspaceTakes(t *testing.T) {
	size := unet.Size{Batch: 2, Frames: 4, Grid: unet.Grid{Rows: 64, Columns: 64}}
	n := newNetwork(t, frames)
	want, err := unet.Memory(n, size)
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	w := newWorkspace(t, n, size)
	runtime.ReadMemStats(&after)
	got := int(after.TotalAlloc - before.TotalAlloc)
	if got < want || got > want+want/4 {
		t.Errorf("%d bytes are allocated, the estimate is %d", got, want)
	}
	runtime.KeepAlive(w)
}

// Guided sampling of frames of 256 x 256 with six channels by the network of the
// QG paper must fit 4 GB: 32 frames at once, or windows of five states of a wide
// network one by one.
func TestLargeFieldsFitTheMemory(t *testing.T) {
	qg := frames
	qg.In, qg.Out, qg.Context = 6, 6, 4
	qg.Levels = []unet.Level{{Channels: 16, Blocks: 3}, {Channels: 32, Blocks: 3}, {Channels: 64, Blocks: 3}}
	master := windows
	master.In, master.Out = 30, 30
	master.Levels = []unet.Level{{Channels: 96, Blocks: 3}, {Channels: 192, Blocks: 3}, {Channels: 384, Blocks: 3}}
	for _, c := range []struct {
		shape unet.Shape
		size  unet.Size
	}{
		{qg, unet.Size{Batch: 1, Frames: 32, Grid: unet.Grid{Rows: 256, Columns: 256}}},
		{master, unet.Size{Batch: 1, Frames: 1, Grid: unet.Grid{Rows: 256, Columns: 256}}},
	} {
		n, err := unet.New(c.shape)
		if err != nil {
			t.Fatal(err)
		}
		bytes, err := unet.Memory(n, c.size)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%.2f GB", float64(bytes)/1e9)
		if bytes > 4e9 {
			t.Errorf("%d bytes", bytes)
		}
	}
}

func TestBadShapesAreInputErrors(t *testing.T) {
	for want, change := range map[string]func(*unet.Shape){
		"input channels: 0":      func(s *unet.Shape) { s.In = 0 },
		"output channels: -1":    func(s *unet.Shape) { s.Out = -1 },
		"context channels: -1":   func(s *unet.Shape) { s.Context = -1 },
		"embedding: 0":           func(s *unet.Shape) { s.Embedding = 0 },
		"dimensions: 3":          func(s *unet.Shape) { s.Spatial = 3 },
		"levels: 0":              func(s *unet.Shape) { s.Levels = nil },
		"level 0 has 1 channels": func(s *unet.Shape) { s.Levels = []unet.Level{{Channels: 1}} },
		"and -1 blocks":          func(s *unet.Shape) { s.Levels = []unet.Level{{Channels: 4, Blocks: -1}} },
		"kernel has 4 taps":      func(s *unet.Shape) { s.Kernel.Columns = 4 },
		"kernel has 0 taps":      func(s *unet.Shape) { s.Kernel.Rows = 0 },
		"kernel has 2 taps":      func(s *unet.Shape) { s.Time = 2 },
		"step: 0":                func(s *unet.Shape) { s.Step.Rows = 0 },
		"expansion: -1":          func(s *unet.Shape) { s.Expansion = -1 },
		"sequences have kernels": func(s *unet.Shape) { s.Spatial = 1 },
	} {
		s := windows
		change(&s)
		if _, err := unet.New(s); !fault.IsInput(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not contain %q", err, want)
		}
	}
}

func TestGridsThatCannotBeDividedAreInputErrors(t *testing.T) {
	n := newNetwork(t, windows)
	sequence := windows
	sequence.Spatial, sequence.Kernel, sequence.Step = 1, unet.Grid{Rows: 1, Columns: 3}, unet.Grid{Rows: 1, Columns: 2}
	for want, c := range map[string]struct {
		network *unet.Network
		grid    unet.Grid
	}{
		"rows must be a multiple of 2^1":    {n, unet.Grid{Rows: 3, Columns: 4}},
		"columns must be a multiple of 2^1": {n, unet.Grid{Rows: 2, Columns: 5}},
		"rows must be positive":             {n, unet.Grid{Rows: 0, Columns: 4}},
		"length must be a multiple of":      {newNetwork(t, sequence), unet.Grid{Rows: 1, Columns: 3}},
		"takes one row":                     {newNetwork(t, sequence), unet.Grid{Rows: 2, Columns: 4}},
	} {
		if _, err := unet.NewWorkspace(c.network, unet.Size{Batch: 1, Frames: 1, Grid: c.grid}); !fault.IsInput(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not contain %q", err, want)
		}
	}
	large := frames
	large.Kernel = unet.Grid{Rows: 7, Columns: 7}
	if err := large.CheckGrid(unet.Grid{Rows: 4, Columns: 8}); !fault.IsInput(err) || !strings.Contains(err.Error(), "too small") {
		t.Errorf("error %v", err)
	}
	large.Padding = kernel.Zeros
	if err := large.CheckGrid(unet.Grid{Rows: 4, Columns: 8}); err != nil {
		t.Error(err)
	}
}

func TestMisusePanics(t *testing.T) {
	p := newProblem(t, windows, unet.Size{Batch: 2, Frames: 1, Grid: grid})
	fresh := newProblem(t, windows, unet.Size{Batch: 2, Frames: 1, Grid: grid})
	raw, err := unet.New(windows)
	if err != nil {
		t.Fatal(err)
	}
	p.run()
	for name, call := range map[string]func(){
		"length of input":     func() { p.workspace.Forward(p.out, p.in[1:], p.times) },
		"length of output":    func() { p.workspace.Forward(p.out[1:], p.in, p.times) },
		"number of times":     func() { p.workspace.Forward(p.out, p.in, make([]float32, 3)) },
		"length of gradient":  func() { p.workspace.PullInput(p.gin, p.gout[1:]) },
		"length of cotangent": func() { p.workspace.PullAll(nil, p.gout[1:], p.grad) },
		"parameters":          func() { p.workspace.PullAll(nil, p.gout, p.grad[1:]) },
		"pull before forward": func() { fresh.workspace.PullInput(p.gin, p.gout) },
		"push before forward": func() { fresh.workspace.Push(p.out, p.in) },
		"context":             func() { p.workspace.SetContext(p.in) },
		"no refresh":          func() { newWorkspace(t, raw, unet.Size{Batch: 2, Frames: 1, Grid: grid}).Forward(p.out, p.in, p.times) },
		"empty batch":         func() { newWorkspace(t, p.network, unet.Size{Frames: 1, Grid: grid}) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if reason, ok := recover().(string); !ok || !strings.HasPrefix(reason, "unet: ") {
					t.Errorf("recovered %v", reason)
				}
			}()
			call()
		})
	}
}
