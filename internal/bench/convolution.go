package bench

import (
	"fmt"
	"runtime"

	"retrace/internal/kernel"
)

// convolution is a 3x3 circular convolution with bias that keeps the number of
// channels, on a batch of square images.
type convolution struct{ channels, size, batch int }

// convolutions lists those of U-Nets on fields of 64 x 64, and one on 256 x 256.
var convolutions = []convolution{
	{64, 64, 1}, {64, 64, 8}, {96, 64, 1}, {96, 64, 8}, {128, 32, 1}, {128, 32, 8}, {192, 32, 8},
	{256, 16, 1}, {256, 16, 8}, {384, 16, 1}, {384, 16, 8}, {64, 256, 1},
}

// Convolutions returns probes of convolutions: forward, with the gradient of the
// input, and with those of input, weights and bias. Operations are counted as the
// definition makes them, whatever the algorithm: rates may exceed the peak.
// Sampling prepares weights once, which is not timed, training in every step,
// which is. Each group is one convolution.
func Convolutions() [][]Probe {
	var groups [][]Probe
	for _, c := range convolutions {
		var probes []Probe
		for passes, work := range []string{forward, guided, training} {
			probes = append(probes, Probe{
				Counts: []Count{{
					fmt.Sprintf("convolution 3x3, %d channels, %d x %d, batch %d", c.channels, c.size, c.size, c.batch),
					work, GigaFLOPs, float64(1+passes) * c.operations() / 1e9}},
				Whole:  true,
				Peer:   Request{"kind": "convolution", "channels": c.channels, "size": c.size, "batch": c.batch, "work": peerWork[work]},
				Worker: func() (func() error, error) { return c.worker(work), nil },
			})
		}
		groups = append(groups, probes)
	}
	return groups
}

// operations of the forward pass.
func (c convolution) operations() float64 {
	return 2 * 9 * float64(c.channels*c.channels) * float64(c.size*c.size*c.batch)
}

func (c convolution) worker(work string) func() error {
	shape := kernel.Convolution{Size: 3, Step: 1, In: c.channels, Out: c.channels}
	v, f := kernel.NewConvolver(shape, c.batch, c.size, c.size), kernel.NewFilter(shape)
	cores := runtime.GOMAXPROCS(0)
	v.Bind(kernel.Slab(v.WorkspaceSize(cores)), cores)
	image := func() kernel.Image {
		m := kernel.NewImage(c.batch, c.size, c.size, c.channels)
		fill(m.Data, 1)
		return m
	}
	x, y, gx, gy := image(), image(), image(), image()
	weight, bias := values(shape.WeightSize()), values(c.channels)
	dw, dbias := make([]float32, len(weight)), make([]float32, c.channels)
	pack := func() {
		f.Pack(weight)
		f.PackPull(weight)
	}
	pack()
	return func() error {
		if work == training {
			pack()
		}
		v.Forward(y, x, f, kernel.Extra{Bias: bias})
		if work != forward {
			v.PullInput(gx, gy, f, kernel.Extra{})
		}
		if work == training {
			clear(dw)
			clear(dbias)
			v.PullWeights(dw, dbias, x, gy)
		}
		return nil
	}
}
