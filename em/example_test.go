package em_test

import (
	"context"
	"fmt"

	"retrace/dynamics"
	"retrace/em"
	"retrace/internal/rng"
	"retrace/observe"
)

// The law of two values is learnt from records that show one of them each.
func Example() {
	space := dynamics.Space{Variable: "state", Units: "1", Axes: []dynamics.Axis{{Name: "variable", Labels: []string{"a", "b"}}}}
	sum, _ := observe.Linear{Matrix: [][]float64{{1, 1}}}.Build(space)
	first, _ := observe.Components{Labels: []string{"a"}}.Build(space)
	var sequences []observe.Sequence
	for i := range 4000 {
		r := rng.Stream(1, "example", uint64(i))
		a, b := r.NormFloat64(), 2*r.NormFloat64() // b has four times the variance
		operator, value := first, a
		if i%2 == 0 {
			operator, value = sum, a+b
		}
		sequences = append(sequences, observe.Sequence{Observations: []observe.Observation{
			{Operator: operator, Values: []float64{value}, Sd: []float64{0.1}},
		}})
	}
	records, _ := em.Records(sequences, 1, space)
	fitted, _ := em.FitGaussian(context.Background(), records, em.Isotropic(2, 1), 200, false)
	fmt.Printf("variance of a %.0f, of a + b %.0f\n", fitted.Covariance.At(0, 0),
		fitted.Covariance.At(0, 0)+2*fitted.Covariance.At(0, 1)+fitted.Covariance.At(1, 1))
	// Output: variance of a 1, of a + b 5
}
