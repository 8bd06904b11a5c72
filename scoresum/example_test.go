package scoresum_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"retrace/diffusion"
	"retrace/dynamics"
	"retrace/scoresum"
	"retrace/trajectory"
)

// A prior is learnt from trajectories of a damped spring, with windows of nine
// states, and draws trajectories of any length.
func Example() {
	parameters := &dynamics.DampedSpring{Frequency: 1, Damping: 0.5, Variance: 1, Dt: 0.5}
	spring, err := parameters.Build()
	if err != nil {
		log.Fatal(err)
	}
	simulate := func(purpose string, count int) *trajectory.Set {
		set, err := trajectory.Simulate(context.Background(), spring, trajectory.Plan{Count: count, Length: 64, Seed: 1, Purpose: purpose}, nil)
		if err != nil {
			log.Fatal(err)
		}
		return set
	}
	data := scoresum.Data{Training: simulate("train", 200), Validation: simulate("validation", 20), Seed: 1}
	if data.Standard, err = trajectory.FitStandardiser(data.Training, 2); err != nil {
		log.Fatal(err)
	}

	settings := scoresum.DefaultSettings()
	settings.Window, settings.Stride, settings.Width, settings.Blocks = 9, 4, 8, 1
	settings.Training.Steps, settings.Training.Batch = 50, 32
	dir, err := os.MkdirTemp("", "prior")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if _, err := scoresum.Train(context.Background(), settings, data, dir, nil); err != nil {
		log.Fatal(err)
	}

	prior, err := scoresum.Load(dir)
	if err != nil {
		log.Fatal(err)
	}
	sampler := diffusion.PredictorCorrector{Levels: diffusion.LogGrid(diffusion.Cosine{Eta: 1e-3}, 64, diffusion.Span{High: 100})}
	set, err := prior.Sample(context.Background(), scoresum.Draw{Members: 80, Length: 40, Seed: 1}, sampler, nil)
	if err != nil {
		log.Fatal(err)
	}
	var square float64
	for _, v := range set.Data {
		square += float64(v) * float64(v) / float64(len(set.Data))
	}
	fmt.Println("dimensions", set.Shape())
	fmt.Printf("mean square about %.0f\n", square) // of the spring: 1
	// Output:
	// dimensions [80 40 2]
	// mean square about 1
}
