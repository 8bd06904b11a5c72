package kernel_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"retrace/internal/kernel"
)

// benchmarkShapes are channels, side of the grid and batch.
var benchmarkShapes = [][3]int{
	{64, 64, 1}, {64, 64, 8}, {96, 64, 1}, {96, 64, 8}, {128, 32, 1}, {128, 32, 8}, {192, 32, 8},
	{256, 16, 1}, {256, 16, 8}, {384, 16, 1}, {384, 16, 8}, {64, 256, 1},
}

// BenchmarkConvolution reports effective rates: the operations of the definition
// over the time, whatever the algorithm makes of them.
func BenchmarkConvolution(b *testing.B) {
	for _, algorithm := range []kernel.Algorithm{kernel.Auto, kernel.Direct} {
		for _, s := range benchmarkShapes {
			c := kernel.Convolution{Size: 3, Step: 1, In: s[0], Out: s[0], Algorithm: algorithm}
			name := fmt.Sprintf("%s/%dch/%dx%d/batch%d", [...]string{"winograd", "direct"}[algorithm], s[0], s[1], s[1], s[2])
			p := problem{c, s[2], s[1], s[1]}
			b.Run(name+"/forward", func(b *testing.B) { p.benchmark(b, 1, (*call).forward) })
			b.Run(name+"/pull", func(b *testing.B) { p.benchmark(b, 2, (*call).forward, (*call).pullInput) })
			b.Run(name+"/backward", func(b *testing.B) {
				p.benchmark(b, 3, (*call).pack, (*call).forward, (*call).pullInput, (*call).pullWeights)
			})
		}
	}
}

// call is a convolver with random data.
type call struct {
	v                               *kernel.Convolver
	f                               *kernel.Filter
	source, result, cotangent, pull kernel.Image
	weight, bias, dw, dbias         []float32
}

func (c *call) forward()   { c.v.Forward(c.result, c.source, c.f, kernel.Extra{Bias: c.bias}) }
func (c *call) pullInput() { c.v.PullInput(c.pull, c.cotangent, c.f, kernel.Extra{}) }
func (c *call) pullWeights() {
	c.v.PullWeights(c.dw, c.dbias, c.source, c.cotangent)
}
func (c *call) pack() {
	c.f.Pack(c.weight)
	c.f.PackPull(c.weight)
}

// call draws data, the same for the same problem.
func (p problem) call(workers int) *call {
	r := rand.New(rand.NewPCG(1, 2))
	c := &call{v: kernel.NewConvolver(p.Convolution, p.batch, p.height, p.width), f: kernel.NewFilter(p.Convolution)}
	c.weight, c.dw = normal(r, p.WeightSize()), kernel.Slab(p.WeightSize())
	c.bias, c.dbias = normal(r, p.Out), kernel.Slab(p.Out)
	c.v.Bind(kernel.Slab(c.v.WorkspaceSize(workers)), workers)
	height, width := p.Grid(p.height, p.width)
	for _, m := range []*kernel.Image{&c.source, &c.pull} {
		*m = kernel.NewImage(p.batch, p.height, p.width, p.In)
	}
	for _, m := range []*kernel.Image{&c.result, &c.cotangent} {
		*m = kernel.NewImage(p.batch, height, width, p.Out)
	}
	copy(c.source.Data, normal(r, len(c.source.Data)))
	copy(c.cotangent.Data, normal(r, len(c.cotangent.Data)))
	c.pack()
	return c
}

// benchmark times some steps, which together make so many passes.
func (p problem) benchmark(b *testing.B, passes int, steps ...func(*call)) {
	c := p.call(runtime.GOMAXPROCS(0))
	height, width := p.Grid(p.height, p.width)
	operations := 2 * float64(passes) * float64(p.WeightSize()) * float64(p.batch*height*width)
	for b.Loop() {
		for _, step := range steps {
			step(c)
		}
	}
	b.ReportMetric(operations*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOPS")
}
