package nn_test

import (
	"fmt"
	"math"
	"math/rand/v2"

	"retrace/internal/nn"
)

// Learn y = sin(3 x) from 64 points by gradient steps on the mean square.
func Example() {
	network, err := nn.New(nn.Shape{In: 1, Out: 1, Width: 32, Blocks: 1, Kernel: 1, Embedding: 8})
	if err != nil {
		fmt.Println(err)
		return
	}
	network.Init(rand.New(rand.NewPCG(1, 2)))

	const rows = 64
	x, y, g := make([]float32, rows), make([]float32, rows), make([]float32, rows)
	for i := range x {
		x[i] = 2*float32(i)/rows - 1
	}
	packed := network.Pack()
	workspace := nn.NewWorkspace(network.Shape(), rows, 1)
	optimiser := nn.NewAdamW(network.Slab())
	gradient := nn.NewGradient(network)
	noiseTime := []float32{0} // the same for all rows
	var loss float64
	for range 300 {
		workspace.Forward(packed, y, x, noiseTime, rows, 1)
		loss = 0
		for i := range y {
			difference := y[i] - float32(math.Sin(3*float64(x[i])))
			loss += float64(difference*difference) / rows
			g[i] = 2 * difference / rows
		}
		workspace.PullAll(packed, nil, g)
		gradient.Clear()
		gradient.Add([]*nn.Workspace{workspace})
		optimiser.Step(gradient.Values(), 1e-2)
		packed.Refresh(network)
	}
	fmt.Println("fitted:", loss < 1e-3)
	// Output: fitted: true
}
