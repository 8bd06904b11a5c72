package lorenz_test

import (
	"fmt"

	"retrace/dynamics"
	"retrace/internal/rng"
	"retrace/lorenz"
)

// A trajectory on the attractor of the noisy Lorenz 63 system, and how likely
// its first transition was.
func Example() {
	model, err := lorenz.NewLorenz63().Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	r := rng.Stream(1, "example")
	x := make([]float64, model.Space().Size())
	model.Initial(x, r)
	for range model.SpinUp() {
		model.Step(x, r)
	}

	next := append([]float64(nil), x...)
	model.Step(next, r)
	density := model.(dynamics.TransitionDensity).LogTransition(x, next)
	fmt.Printf("%.2f -> %.2f, log p = %.2f\n", x, next, density)
	// Output:
	// [-15.75 -12.50 39.51] -> [-14.30 -7.62 40.72], log p = 2.13
}

// The same system without noise, with a longer interval crossed by four
// Runge–Kutta steps. It has no transition density.
func ExampleLorenz63() {
	p := lorenz.NewLorenz63()
	p.NoiseVariance = 0
	p.Dt, p.Steps = 0.1, 4
	model, err := p.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	x := []float64{1, 1, 20}
	for range 3 {
		model.Step(x, nil)
		fmt.Printf("%.3f\n", x)
	}
	_, ok := model.(dynamics.TransitionDensity)
	fmt.Println(ok)
	// Output:
	// [1.336 2.022 15.466]
	// [2.523 4.359 12.368]
	// [5.472 9.839 11.911]
	// false
}

// A parameter out of range is an error that names its key.
func ExampleLorenz96_Build() {
	p := lorenz.NewLorenz96()
	p.Dt = 0.6
	_, err := p.Build()
	fmt.Println(err)
	// Output: dt = 0.6, steps = 1: a Runge–Kutta step dt/steps may be at most 0.1; set steps to at least 6
}
