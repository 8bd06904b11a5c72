package unet

import (
	"fmt"
	"testing"

	"retrace/internal/kernel"
	"retrace/internal/nn"
)

// large is the network of the SDA paper for the Kolmogorov flow, small one that can
// be trained on a laptop.
var (
	large = Shape{
		In: 30, Out: 30, Embedding: 64, Spatial: 2, Levels: []Level{{96, 3}, {192, 3}, {384, 3}},
		Kernel: Grid{3, 3}, Step: Grid{2, 2},
	}
	small = Shape{
		In: 30, Out: 30, Embedding: 64, Spatial: 2, Levels: []Level{{48, 2}, {96, 2}, {192, 2}},
		Kernel: Grid{3, 3}, Step: Grid{2, 2},
	}
	qg = Shape{
		In: 6, Out: 6, Context: 4, Embedding: 64, Spatial: 2, Levels: []Level{{16, 3}, {32, 3}, {64, 3}},
		Kernel: Grid{5, 5}, Step: Grid{2, 2}, Expansion: 4, Time: 3,
	}
)

// benchmarked runs f and reports the time of a frame and the rate at which the
// definition would have to calculate.
func benchmarked(b *testing.B, name string, frames int, flops float64, f func()) {
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			f()
		}
		seconds := b.Elapsed().Seconds() / float64(b.N)
		b.ReportMetric(1e3*seconds/float64(frames), "ms/frame")
		b.ReportMetric(flops/seconds/1e9, "GFLOPS")
	})
}

// operations counts those of a forward pass by the definition of its layers.
func operations[T float](w *workspace[T]) float64 {
	sum := 0
	for i, v := range w.net.levels {
		pixels := w.levels[i].up.rows()
		count := func(l *layer[T]) int { return 2 * pixels * l.taps.pixels() * l.in * l.out }
		for _, b := range append(append([]block[T]{}, v.down...), v.up...) {
			sum += count(b.first) + count(b.second)
		}
		sum += count(v.head)
		if v.headTime != nil {
			sum += 2 * (count(v.headTime.first) + count(v.headTime.second))
		}
		if i > 0 {
			pixels = w.levels[i-1].up.rows()
		}
		sum += count(v.tail)
	}
	return float64(sum)
}

func BenchmarkNetwork(b *testing.B) {
	for _, c := range []struct {
		name  string
		shape Shape
		size  Size
	}{
		{"large/batch=1", large, Size{Batch: 1, Frames: 1, Grid: Grid{64, 64}}},
		{"large/batch=8", large, Size{Batch: 8, Frames: 1, Grid: Grid{64, 64}}},
		{"small/batch=8", small, Size{Batch: 8, Frames: 1, Grid: Grid{64, 64}}},
		{"qg/frames=9", qg, Size{Batch: 1, Frames: 9, Grid: Grid{64, 64}}},
	} {
		s := sample{c.name, c.shape, c.size}
		p := newBench(newReal(s), s, false)
		frames, flops := c.size.Batch*c.size.Frames, operations(p.workspace)
		grad := kernel.Slab(len(p.net.slab))
		set(p.input, p.in)
		set(p.output, p.gout)
		benchmarked(b, c.name+"/forward", frames, flops, func() { p.forward(p.times) })
		benchmarked(b, c.name+"/guided", frames, 2*flops, func() {
			p.forward(p.times)
			p.pull(nil, true)
		})
		optimiser := nn.NewAdamW(p.net.slab)
		benchmarked(b, c.name+"/training", frames, 3*flops, func() {
			p.forward(p.times)
			clear(grad)
			p.pull(grad, false)
			optimiser.Step(grad, 1e-4)
			p.net.refresh()
		})
	}
}

// BenchmarkBlock is one block of 96 channels on 64 x 64 pixels, batch 8, forward
// and backward.
func BenchmarkBlock(b *testing.B) {
	for _, channels := range []int{48, 96} {
		shape := large
		shape.Levels = []Level{{channels, 1}}
		s := sample{"block", shape, Size{Batch: 8, Frames: 1, Grid: Grid{64, 64}}}
		p := newBench(newReal(s), s, false)
		p.run()
		grad := kernel.Slab(len(p.net.slab))
		l, v := &p.levels[0], &p.net.levels[0]
		flops := 4 * 9 * float64(channels*channels*l.up.rows())
		benchmarked(b, fmt.Sprintf("%d/forward", channels), 8, flops, func() {
			p.block(&v.up[0], &l.upward[0], l.up, &l.scratch)
		})
		benchmarked(b, fmt.Sprintf("%d/training", channels), 8, 3*flops, func() {
			p.block(&v.up[0], &l.upward[0], l.up, &l.scratch)
			p.pullBlock(&v.up[0], &l.upward[0], 0, grad)
		})
	}
}
