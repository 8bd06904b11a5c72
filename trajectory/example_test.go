package trajectory_test

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"

	"gorgonia.org/tensor"

	"retrace/dynamics"
	"retrace/trajectory"
)

// decay is a model of one component that halves at every step.
type decay struct{}

func (decay) Space() dynamics.Space {
	return dynamics.Space{Variable: "charge", Units: "C",
		Axes: []dynamics.Axis{{Name: "variable", Labels: []string{"left", "right"}}}}
}
func (decay) Clock() dynamics.Clock { return dynamics.Clock{Interval: 0.5, Units: "s"} }
func (decay) SpinUp() int           { return 0 }

func (decay) Initial(x []float64, r *rand.Rand) { x[0], x[1] = 8, 4 }

func (decay) Step(x []float64, r *rand.Rand) {
	for i := range x {
		x[i] /= 2
	}
}

// Trajectories are drawn, saved, read back and cut into a part for training
// and one for testing.
func Example() {
	plan := trajectory.Plan{Count: 10, Length: 4, Seed: 1, Purpose: "train"}
	set, err := trajectory.Simulate(context.Background(), decay{}, plan, nil)
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "trajectory")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "train.zarr") // xarray.open_zarr opens it
	if err := trajectory.Save(path, set, map[string]string{"title": "Discharge"}); err != nil {
		log.Fatal(err)
	}
	again, err := trajectory.Load(path)
	if err != nil {
		log.Fatal(err)
	}
	parts := again.Split(8, 2)
	fmt.Println(again.Dimensions(), again.Shape())
	fmt.Println(parts[0].Count(), parts[1].Count(), parts[1].State(1, 2), again.Times())
	// Output:
	// [case time variable] [10 4 2]
	// 8 2 [2 1] [0 0.5 1 1.5]
}

// A training step takes a batch of standardised windows.
func ExampleWindows() {
	plan := trajectory.Plan{Count: 3, Length: 6, Seed: 1, Purpose: "train"}
	set, err := trajectory.Simulate(context.Background(), decay{}, plan, nil)
	if err != nil {
		log.Fatal(err)
	}
	standard, err := trajectory.FitStandardiser(set, 1)
	if err != nil {
		log.Fatal(err)
	}
	windows, err := trajectory.NewWindows(set, 2, 7, "batch")
	if err != nil {
		log.Fatal(err)
	}
	batch := make([]float32, 4*windows.Size())
	for step := range 3 {
		windows.Draw(batch, step)
		standard.Forward(batch, batch)
	}
	fmt.Println(windows.Count(), "windows of", windows.Size(), "values")
	// Output: 15 windows of 4 values
}

// An ensemble is written in blocks of members; a run that was cut off would
// find the finished ones.
func ExampleBlocks() {
	dir, err := os.MkdirTemp("", "trajectory")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	like := &trajectory.Set{Space: decay{}.Space(), Clock: decay{}.Clock(), Length: 2,
		Lead: []trajectory.Dimension{{Name: "member", Len: 5}}}
	blocks, err := trajectory.Begin(filepath.Join(dir, "ensemble.zarr"), like, 2, nil)
	if err != nil {
		log.Fatal(err)
	}
	for i := range blocks.Count() {
		if blocks.Done(i) {
			continue
		}
		first, last := blocks.Range(i)
		fmt.Println("members", first, "to", last-1)
		if err := blocks.Write(i, make([]float32, (last-first)*2*2)); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(blocks.Commit())
	// Output:
	// members 0 to 1
	// members 2 to 3
	// members 4 to 4
	// <nil>
}

func ExampleFromTensor() {
	t := tensor.New(tensor.WithShape(3, 2), tensor.WithBacking([]float32{8, 4, 4, 2, 2, 1}))
	set, err := trajectory.FromTensor(t, decay{}.Space(), decay{}.Clock())
	if err != nil {
		log.Fatal(err)
	}
	set.State(0, 2)[1] = -1 // shared with the tensor
	fmt.Println(set.Tensor().Shape(), t)
	// Output:
	// (3, 2) ⎡ 8   4⎤
	// ⎢ 4   2⎥
	// ⎣ 2  -1⎦
}
