package assimilate_test

import (
	"math"
	"testing"

	"retrace/assimilate"
	"retrace/diffusion"
	"retrace/internal/fault"
)

// The steps chosen keep what they promise, against a sampler of many steps, and a tighter
// tolerance takes more of them.
func TestStepsAreDoubledToATolerance(t *testing.T) {
	p, prior := bench(t, 8, 0.05)
	p.Members = 2
	previous := 0.0
	for _, tolerance := range []float64{0.02, 0.005, 0.0005} {
		method := &assimilate.Score{Prior: prior, Guidance: "auto", Doubling: &assimilate.Doubling{
			Tolerance: tolerance,
			Sampler:   func(steps int) (diffusion.PredictorCorrector, error) { return second(steps), nil },
		}}
		result, err := method.Assimilate(t.Context(), p, nil)
		if err != nil {
			t.Fatal(err)
		}
		steps := result.Diagnostics[assimilate.Steps]
		if change := result.Diagnostics[assimilate.StepError]; change > tolerance || steps < previous || result.Evaluations != int(steps)+1 {
			t.Errorf("tolerance %v: %v steps, %d evaluations, an error of %.4f", tolerance, steps, result.Evaluations, change)
		}
		previous = steps
		plain := &assimilate.Score{Prior: prior, Guidance: "auto", Sampler: second(int(steps))}
		_, covariance := exactDense(t, p, prior)
		_, sd := drawn(t, plain, p)
		for i := range sd {
			if ratio := sd[i] / math.Sqrt(covariance.At(i, i)); math.Abs(ratio-1) > 2*tolerance+0.005 {
				t.Errorf("tolerance %v, %v steps: sd ratio %.3f of state %d", tolerance, steps, ratio, i)
			}
		}
	}
	if previous < 32 {
		t.Errorf("%v steps are enough for the tightest tolerance", previous)
	}
	method := &assimilate.Score{Prior: prior, Guidance: "auto", Doubling: &assimilate.Doubling{}}
	if _, err := method.Assimilate(t.Context(), p, nil); !fault.IsInput(err) {
		t.Error(err)
	}
}
