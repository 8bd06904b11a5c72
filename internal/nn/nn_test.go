package nn_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"retrace/internal/kernel"
	"retrace/internal/nn"
)

// A problem is a network with all parameters random, and arguments for it.
type problem struct {
	network    *nn.Network
	packed     *nn.Packed
	workspace  *nn.Workspace
	rows, time int
	in, gout   []float32
	times      []float32
	out, gin   []float32
	gradient   *nn.Gradient
}

func normal(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

func newProblem(tb testing.TB, shape nn.Shape, rows, time, times int) *problem {
	tb.Helper()
	n, err := nn.New(shape)
	if err != nil {
		tb.Fatal(err)
	}
	r := rand.New(rand.NewPCG(7, uint64(rows)))
	n.Init(r)
	for _, p := range n.Parameters()[len(n.Parameters())-2:] { // the output layer starts at zero
		for i := range p.Data {
			p.Data[i] = float32(0.3 * r.NormFloat64())
		}
	}
	p := &problem{network: n, packed: n.Pack(), workspace: nn.NewWorkspace(shape, rows, time), rows: rows, time: time}
	p.in, p.gout = normal(r, rows*time*shape.In), normal(r, rows*time*shape.Out)
	for range times {
		p.times = append(p.times, r.Float32())
	}
	p.out, p.gin = make([]float32, len(p.gout)), make([]float32, len(p.in))
	p.gradient = nn.NewGradient(n)
	return p
}

// pullAll replaces the gradient by that of the last forward pass.
func (p *problem) pullAll() {
	p.workspace.PullAll(p.packed, p.gin, p.gout)
	p.gradient.Clear()
	p.gradient.Add([]*nn.Workspace{p.workspace})
}

func (p *problem) forward() { p.workspace.Forward(p.packed, p.out, p.in, p.times, p.rows, p.time) }

func float64s(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// distance is the largest difference relative to the root mean square of want.
func distance(got []float32, want []float64) float64 {
	var worst, square float64
	for i, w := range want {
		worst = max(worst, math.Abs(float64(got[i])-w))
		square += w * w
		if math.IsNaN(float64(got[i])) {
			return math.NaN()
		}
	}
	if square == 0 {
		return worst
	}
	return worst / math.Sqrt(square/float64(len(want)))
}

var shapes = []struct {
	shape             nn.Shape
	rows, time, times int
}{
	{nn.Shape{In: 9, Out: 9, Width: 32, Blocks: 2, Kernel: 1, Embedding: 32}, 5, 1, 5},
	{nn.Shape{In: 9, Out: 7, Width: 24, Blocks: 2, Kernel: 1, Embedding: 8}, 9, 1, 1},
	{nn.Shape{In: 4, Out: 3, Width: 16, Blocks: 1, Kernel: 1, Embedding: 5}, 3, 2, 3},
	{nn.Shape{In: 3, Out: 3, Width: 32, Blocks: 2, Kernel: 3, Embedding: 32}, 3, 7, 3},
	{nn.Shape{In: 3, Out: 2, Width: 20, Blocks: 1, Kernel: 5, Embedding: 6}, 2, 4, 1},
	{nn.Shape{In: 2, Out: 3, Width: 8, Blocks: 1, Kernel: 3, Embedding: 4}, 3, 1, 3},
}

func eachShape(t *testing.T, test func(t *testing.T, p *problem)) {
	before := kernel.Level()
	defer kernel.Use(before)
	for _, level := range []string{kernel.Generic, kernel.AVX2, kernel.AVX512} {
		if kernel.Use(level) != nil {
			continue
		}
		for _, s := range shapes {
			t.Run(fmt.Sprintf("%s/%+v/%dx%d/%d", level, s.shape, s.rows, s.time, s.times), func(t *testing.T) {
				test(t, newProblem(t, s.shape, s.rows, s.time, s.times))
			})
		}
	}
}

func TestForwardAgreesWithFloat64(t *testing.T) {
	eachShape(t, func(t *testing.T, p *problem) {
		p.forward()
		want := newReference(p.network).evaluate(float64s(p.in), p.times, p.rows, p.time)
		if d := distance(p.out, want); !(d < 1e-5) {
			t.Errorf("distance %g", d)
		}
	})
}

func TestPullInputIsTheDerivative(t *testing.T) {
	eachShape(t, func(t *testing.T, p *problem) {
		p.forward()
		p.workspace.PullInput(p.packed, p.gin, p.gout)
		r, in := newReference(p.network), float64s(p.in)
		want := make([]float64, len(in))
		for i := range in {
			want[i] = slope(&in[i], func() float64 { return r.product(p.gout, in, p.times, p.rows, p.time) })
		}
		if d := distance(p.gin, want); !(d < 1e-5) {
			t.Errorf("distance %g", d)
		}
	})
}

func TestPullAllIsTheDerivative(t *testing.T) {
	eachShape(t, func(t *testing.T, p *problem) {
		p.forward()
		p.workspace.PullInput(p.packed, p.gin, p.gout)
		gin := slices.Clone(p.gin)
		p.pullAll()
		if !slices.Equal(gin, p.gin) {
			t.Error("PullAll and PullInput differ")
		}
		r, in := newReference(p.network), float64s(p.in)
		offset := 0
		for _, parameter := range p.network.Parameters() {
			values := r.parameters[parameter.Name]
			got := p.gradient.Values()[offset:][:len(values)]
			offset += len(values)
			// A few values of every parameter: the reference is slow.
			var chosen []float32
			var want []float64
			for i := 0; i < len(values); i += 1 + len(values)/6 {
				chosen = append(chosen, got[i])
				want = append(want, slope(&values[i], func() float64 { return r.product(p.gout, in, p.times, p.rows, p.time) }))
			}
			if d := distance(chosen, want); !(d < 5e-5) {
				t.Errorf("%s: distance %g", parameter.Name, d)
			}
		}
	})
}

// slope is the central difference of f with respect to *x.
func slope(x *float64, f func() float64) float64 {
	const step = 1e-5
	at := *x
	*x = at + step
	above := f()
	*x = at - step
	below := f()
	*x = at
	return (above - below) / (2 * step)
}

// production are the shapes that experiments use.
var production = []struct {
	name       string
	shape      nn.Shape
	rows, time int
}{
	{"MLP256", nn.Shape{In: 51, Out: 51, Width: 256, Blocks: 5, Kernel: 1, Embedding: 32}, 9, 1},
	{"Conv64", nn.Shape{In: 3, Out: 3, Width: 64, Blocks: 6, Kernel: 3, Embedding: 32}, 3, 33},
}

// <J v, w> = <v, J^T w>, with J v the slope of the reference along v.
func TestPullInputIsTheAdjoint(t *testing.T) {
	for _, c := range production {
		t.Run(c.name, func(t *testing.T) {
			p := newProblem(t, c.shape, c.rows, c.time, c.rows)
			p.forward()
			p.workspace.PullInput(p.packed, p.gin, p.gout)
			r := newReference(p.network)
			v := normal(rand.New(rand.NewPCG(11, 12)), len(p.in))
			var along float64
			forward := slope(&along, func() float64 {
				in := float64s(p.in)
				for i := range in {
					in[i] += along * float64(v[i])
				}
				return r.product(p.gout, in, p.times, p.rows, p.time)
			})
			var back, norms float64
			for i := range v {
				back += float64(v[i]) * float64(p.gin[i])
				norms += float64(p.gin[i]) * float64(p.gin[i])
			}
			norms = math.Sqrt(norms * float64(len(v)))
			if math.Abs(forward-back) > 1e-6*norms {
				t.Errorf("%g forward, %g back, norms %g", forward, back, norms)
			}
		})
	}
}

// A member of an ensemble must be the same bits in every batch.
func TestRowsDoNotDependOnTheirBatch(t *testing.T) {
	eachShape(t, func(t *testing.T, p *problem) {
		s := p.network.Shape()
		p.forward()
		p.workspace.PullInput(p.packed, p.gin, p.gout)
		in, out := p.time*s.In, p.time*s.Out
		for first := range p.rows {
			for count := 1; first+count <= p.rows; count++ {
				times := p.times
				if len(times) > 1 {
					times = times[first : first+count]
				}
				y, g := make([]float32, count*out), make([]float32, count*in)
				p.workspace.Forward(p.packed, y, p.in[first*in:(first+count)*in], times, count, p.time)
				p.workspace.PullInput(p.packed, g, p.gout[first*out:(first+count)*out])
				if !slices.Equal(y, p.out[first*out:(first+count)*out]) || !slices.Equal(g, p.gin[first*in:(first+count)*in]) {
					t.Fatalf("rows %d to %d differ", first, first+count)
				}
			}
		}
	})
}

// Training gives every row its time, sampling one for all: same bits.
func TestASharedTimeIsAsGoodAsOneARow(t *testing.T) {
	eachShape(t, func(t *testing.T, p *problem) {
		p.times = p.times[:1]
		p.forward()
		p.workspace.PullInput(p.packed, p.gin, p.gout)
		out, gin := slices.Clone(p.out), slices.Clone(p.gin)
		for len(p.times) < p.rows {
			p.times = append(p.times, p.times[0])
		}
		p.forward()
		p.workspace.PullInput(p.packed, p.gin, p.gout)
		if !slices.Equal(out, p.out) || !slices.Equal(gin, p.gin) {
			t.Error("results differ")
		}
	})
}

// What a workspace computed before, even NaN, must not show.
func TestWorkspaceForgets(t *testing.T) {
	eachShape(t, func(t *testing.T, p *problem) {
		s := p.network.Shape()
		large := newProblem(t, s, p.rows+3, p.time+2, 1)
		for i := range large.in {
			large.in[i] = float32(math.NaN())
		}
		large.forward()
		large.pullAll()
		p.forward()
		p.pullAll()
		out, gin, grad := slices.Clone(p.out), slices.Clone(p.gin), slices.Clone(p.gradient.Values())
		p.workspace = large.workspace
		p.forward()
		p.pullAll()
		if !slices.Equal(out, p.out) || !slices.Equal(gin, p.gin) || !slices.Equal(grad, p.gradient.Values()) {
			t.Error("results differ from those of a fresh workspace")
		}
	})
}

// The rows of a batch in several workspaces, added in one call or in several,
// on any number of cores: the same bits.
func TestGradientDoesNotDependOnGroupsOrCores(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	eachShape(t, func(t *testing.T, p *problem) {
		var workspaces []*nn.Workspace
		s := p.network.Shape()
		for range 3 {
			w := nn.NewWorkspace(s, p.rows, p.time)
			w.Forward(p.packed, p.out, p.in, p.times, p.rows, p.time)
			w.PullAll(p.packed, nil, p.gout)
			workspaces = append(workspaces, w)
			for i := range p.in {
				p.in[i] = -0.7 * p.in[i]
			}
		}
		var want []float32
		for _, groups := range [][]int{{3}, {1, 2}, {2, 1}, {1, 1, 1}} {
			for _, cores := range []int{1, 3} {
				runtime.GOMAXPROCS(cores)
				p.gradient.Clear()
				first := 0
				for _, n := range groups {
					p.gradient.Add(workspaces[first : first+n])
					first += n
				}
				if want == nil {
					want = slices.Clone(p.gradient.Values())
				}
				if !slices.Equal(want, p.gradient.Values()) {
					t.Fatalf("groups %v, %d cores: bits differ", groups, cores)
				}
			}
		}
	})
}

func TestGradientAccumulates(t *testing.T) {
	p := newProblem(t, shapes[3].shape, shapes[3].rows, shapes[3].time, shapes[3].times)
	p.forward()
	p.pullAll()
	once := slices.Clone(p.gradient.Values())
	p.gradient.Add([]*nn.Workspace{p.workspace})
	for i, x := range p.gradient.Values() {
		if want := 2 * once[i]; math.Abs(float64(x-want)) > 1e-5*(1+math.Abs(float64(want))) {
			t.Fatalf("gradient %d is %g after two passes, %g after one", i, x, once[i])
		}
	}
	p.gradient.Clear()
	for _, x := range p.gradient.Values() {
		if x != 0 {
			t.Fatal("a cleared gradient is not zero")
		}
	}
}

func TestNothingIsAllocated(t *testing.T) {
	eachShape(t, func(t *testing.T, p *problem) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
		optimiser, workspaces := nn.NewAdamW(p.network.Slab()), []*nn.Workspace{p.workspace}
		if n := testing.AllocsPerRun(3, func() {
			p.forward()
			p.workspace.PullInput(p.packed, p.gin, p.gout)
			p.workspace.PullAll(p.packed, p.gin, p.gout)
			p.gradient.Clear()
			p.gradient.Add(workspaces)
			optimiser.Step(p.gradient.Values(), 1e-3)
			p.packed.Refresh(p.network)
		}); n != 0 {
			t.Errorf("%g allocations", n)
		}
	})
}

func BenchmarkNetwork(b *testing.B) {
	for _, c := range []struct {
		name       string
		shape      nn.Shape
		rows, time int
	}{
		{"MLP256/rows=64", nn.Shape{In: 51, Out: 51, Width: 256, Blocks: 5, Kernel: 1, Embedding: 32}, 64, 1},
		{"MLP256/rows=128", nn.Shape{In: 51, Out: 51, Width: 256, Blocks: 5, Kernel: 1, Embedding: 32}, 128, 1},
		{"MLP256/rows=256", nn.Shape{In: 51, Out: 51, Width: 256, Blocks: 5, Kernel: 1, Embedding: 32}, 256, 1},
		{"Conv64/rows=8", nn.Shape{In: 3, Out: 3, Width: 64, Blocks: 6, Kernel: 3, Embedding: 32}, 8, 33},
		{"Conv64/rows=32", nn.Shape{In: 3, Out: 3, Width: 64, Blocks: 6, Kernel: 3, Embedding: 32}, 32, 33},
	} {
		s := c.shape
		// Multiplications and additions of the layers on sequences.
		flops := 2 * float64(c.rows*c.time*s.Kernel*s.Width*(s.In+s.Out+2*s.Blocks*s.Width))
		run := func(name string, times int, passes float64, step func(p *problem)) {
			b.Run(c.name+"/"+name, func(b *testing.B) {
				p := newProblem(b, s, c.rows, c.time, times)
				for b.Loop() {
					step(p)
				}
				b.ReportMetric(passes*flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOPS")
			})
		}
		run("forward", 1, 1, func(p *problem) { p.forward() })
		run("pull", 1, 2, func(p *problem) {
			p.forward()
			p.workspace.PullInput(p.packed, p.gin, p.gout)
		})
		run("train", c.rows, 3, func(p *problem) {
			p.forward()
			p.pullAll()
		})
	}
}

func BenchmarkRefresh(b *testing.B) {
	p := newProblem(b, nn.Shape{In: 51, Out: 51, Width: 256, Blocks: 5, Kernel: 1, Embedding: 32}, 8, 1, 1)
	for b.Loop() {
		p.packed.Refresh(p.network)
	}
}

func BenchmarkAdamW(b *testing.B) {
	p := newProblem(b, nn.Shape{In: 51, Out: 51, Width: 256, Blocks: 5, Kernel: 1, Embedding: 32}, 8, 1, 1)
	optimiser := nn.NewAdamW(p.network.Slab())
	for b.Loop() {
		optimiser.Step(p.gradient.Values(), 1e-3)
	}
}
