package unet_test

import (
	"fmt"
	"log"
	"math/rand/v2"

	"retrace/internal/nn"
	"retrace/internal/nn/unet"
)

// A U-Net on windows of three states of two channels, evaluated with its pullback
// as guidance does, and trained for one step.
func Example() {
	shape := unet.Shape{
		In: 6, Out: 6, Embedding: 32, Spatial: 2,
		Levels: []unet.Level{{Channels: 16, Blocks: 2}, {Channels: 32, Blocks: 2}},
		Kernel: unet.Grid{Rows: 3, Columns: 3}, Step: unet.Grid{Rows: 2, Columns: 2},
	}
	network, err := unet.New(shape)
	if err != nil {
		log.Fatal(err)
	}
	network.Init(rand.New(rand.NewPCG(1, 2)))
	network.Refresh()

	size := unet.Size{Batch: 4, Frames: 1, Grid: unet.Grid{Rows: 16, Columns: 32}}
	workspace, err := unet.NewWorkspace(network, size)
	if err != nil {
		log.Fatal(err)
	}
	in := make([]float32, 4*6*16*32) // (batch, channels, rows, columns)
	out, gout, gin := make([]float32, len(in)), make([]float32, len(in)), make([]float32, len(in))
	workspace.Forward(out, in, []float32{0.3}) // one noise time for all
	workspace.PullInput(gin, gout)

	grad := make([]float32, len(network.Slab()))
	workspace.PullAll(nil, gout, grad)
	nn.NewAdamW(network.Slab()).Step(grad, 1e-3)
	network.Refresh()

	count := 0
	for _, p := range network.Named(network.Slab()) {
		count += len(p.Data)
	}
	fmt.Println(count, "parameters")

	shape.Levels = append(shape.Levels, unet.Level{Channels: 64, Blocks: 2})
	fmt.Println(shape.CheckGrid(unet.Grid{Rows: 18, Columns: 32}))
	// Output:
	// 126566 parameters
	// a grid of 18 x 32: the number of rows must be a multiple of 2^2, the step between 3 levels
}
