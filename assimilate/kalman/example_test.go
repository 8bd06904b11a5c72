package kalman_test

import (
	"context"
	"fmt"

	"retrace/assimilate"
	"retrace/assimilate/kalman"
	"retrace/dynamics"
	"retrace/lorenz"
	"retrace/observe"
)

// An ETKF of ten members follows the Lorenz 63 system through noisy readings of
// one component.
func ExampleFilter() {
	system := lorenz.NewLorenz63()
	system.NoiseVariance = 0
	model, err := system.Build()
	if err != nil {
		panic(err)
	}
	// A truth, and readings of x of every fourth state.
	x, err := observe.Components{Labels: []string{"x"}}.Build(model.Space())
	if err != nil {
		panic(err)
	}
	truth := []float64{1.5, -1.5, 25}
	p := assimilate.Problem{Model: model, Length: 401, Members: 10, Seed: 1}
	for k := 1; k < p.Length; k++ {
		model.(dynamics.AdditiveNoise).Flow(truth)
		if k%4 == 0 {
			p.Observations.Observations = append(p.Observations.Observations,
				observe.Observation{Index: k, Operator: x, Values: []float64{truth[0]}, Sd: []float64{0.5}})
		}
	}

	filter := kalman.NewFilter(&kalman.ETKF{})
	filter.Inflation = 1.05
	var last []float64
	err = filter.Cycle(context.Background(), p, func(e assimilate.Estimate) error {
		if e.Stage == assimilate.Analysis {
			last = append(last[:0], e.Mean...)
		}
		return nil
	})
	if err != nil {
		panic(err)
	}
	fmt.Printf("truth    %.1f\nanalysis %.1f\n", truth, last)
	// Output:
	// truth    [3.4 -2.5 29.4]
	// analysis [3.4 -2.4 29.4]
}

// A damped spring is linear, so its posterior is known exactly: one member of
// KF is one draw of the whole trajectory.
func ExampleKF() {
	model, err := dynamics.NewDampedSpring().Build()
	if err != nil {
		panic(err)
	}
	position, err := observe.Components{Indices: []int{0}}.Build(model.Space())
	if err != nil {
		panic(err)
	}
	p := assimilate.Problem{Model: model, Length: 20, Members: 1000}
	p.Observations.Observations = []observe.Observation{{Index: 10, Operator: position, Values: []float64{1}, Sd: []float64{0.1}}}
	err = kalman.NewKF().Cycle(context.Background(), p, func(e assimilate.Estimate) error {
		if e.Stage == assimilate.Smoothed && (e.Index == 0 || e.Index == 10) {
			fmt.Printf("state %2d: mean %.2f, variance %.3f\n", e.Index, e.Mean[0], e.Variance[0])
		}
		return nil
	})
	if err != nil {
		panic(err)
	}
	// Output:
	// state  0: mean 0.56, variance 0.679
	// state 10: mean 0.99, variance 0.010
}

func ExampleTaper() {
	for _, distance := range []float64{0, 4, 8, 16} {
		c, err := kalman.Taper("gaspari-cohn", distance, 4)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%v: %.3f\n", distance, c)
	}
	// Output:
	// 0: 1.000
	// 4: 0.634
	// 8: 0.145
	// 16: 0.000
}
