package variational_test

import (
	"context"
	"fmt"
	"math"

	"retrace/assimilate"
	"retrace/assimilate/variational"
	"retrace/internal/rng"
	"retrace/lorenz"
	"retrace/observe"
)

// Weak-constraint 4D-Var recovers 33 states of the noisy Lorenz 63 system from its
// first component alone, seen in every fourth.
func Example() {
	model, err := lorenz.NewLorenz63().Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	first, err := observe.Components{Labels: []string{"x"}}.Build(model.Space())
	if err != nil {
		fmt.Println(err)
		return
	}
	law := &assimilate.Normal{Mean: []float64{0, 0, 25}, Sd: []float64{8, 9, 8.6}}
	p := assimilate.Problem{Model: model, Length: 33, Members: 64, Seed: 1, Initial: law}
	r := rng.Stream(3, "truth")
	x := []float64{-6, -9, 18}
	var truth []float64
	for i := range p.Length {
		if i > 0 {
			model.Step(x, r)
		}
		truth = append(truth, x...)
		if i%4 == 0 {
			p.Observations.Observations = append(p.Observations.Observations, observe.Observation{
				Index: i, Operator: first, Values: []float64{x[0] + 0.4*r.NormFloat64()}, Sd: []float64{0.4}})
		}
	}

	result, err := variational.NewFourDVar().Assimilate(context.Background(), p, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	var squares float64
	for i, want := range truth {
		var mean float64
		for k := range p.Members {
			mean += float64(result.Ensemble.Trajectory(k)[i]) / float64(p.Members)
		}
		squares += (mean - want) * (mean - want) / float64(len(truth))
	}
	fmt.Println("error of all components below 1:", math.Sqrt(squares) < 1)
	// Output: error of all components below 1: true
}
