package particle_test

import (
	"context"
	"fmt"
	"math"

	"retrace/assimilate"
	"retrace/assimilate/particle"
	"retrace/internal/rng"
	"retrace/lorenz"
	"retrace/observe"
)

// A particle filter follows Lorenz 63 without noise: 200 observations of all
// components with noise of standard deviation 1.4.
func ExampleBootstrap() {
	system := lorenz.NewLorenz63()
	system.Dt, system.Steps, system.NoiseVariance = 0.25, 25, 0
	model, err := system.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	all, err := observe.Identity{}.Build(model.Space())
	if err != nil {
		fmt.Println(err)
		return
	}
	law := &assimilate.Normal{Mean: []float64{1.509, -1.531, 25.46}, Sd: []float64{1.4, 1.4, 1.4}}
	p := assimilate.Problem{Model: model, Length: 201, Members: 400, Seed: 1, Initial: law}
	r := rng.Stream(1, "truth")
	x := append([]float64(nil), law.Mean...)
	truth := [][]float64{append([]float64(nil), x...)}
	for i := 1; i < p.Length; i++ {
		model.Step(x, r)
		truth = append(truth, append([]float64(nil), x...))
		y := []float64{x[0] + 1.4*r.NormFloat64(), x[1] + 1.4*r.NormFloat64(), x[2] + 1.4*r.NormFloat64()}
		p.Observations.Observations = append(p.Observations.Observations,
			observe.Observation{Index: i, Operator: all, Values: y, Sd: law.Sd})
	}

	var rmse float64
	err = particle.NewBootstrap().Cycle(context.Background(), p, func(e assimilate.Estimate) error {
		if e.Stage == assimilate.Analysis && e.Index > 50 {
			var squares float64
			for i, m := range e.Mean {
				squares += (m - truth[e.Index][i]) * (m - truth[e.Index][i])
			}
			rmse += math.Sqrt(squares/3) / 150
		}
		return nil
	})
	fmt.Printf("root mean square error below 0.4: %v (%v)\n", rmse < 0.4, err)
	// Output: root mean square error below 0.4: true (<nil>)
}
