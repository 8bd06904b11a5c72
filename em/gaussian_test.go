package em_test

import (
	"flag"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/dynamics"
	"retrace/em"
	"retrace/internal/fault"
	"retrace/internal/rng"
	"retrace/manifold"
	"retrace/observe"
	"retrace/trajectory"
)

var long = flag.Bool("long", false, "run slow statistical tests")

// curveRecords observes count points of a curve through two random unit vectors each,
// with noise of sd 0.01, and returns them with the covariance and mean of the points.
func curveRecords(t *testing.T, count, shape int) ([]em.Record, *mat.SymDense, []float64) {
	t.Helper()
	model, err := (&manifold.Curve{Dimension: 5, Shape: shape}).Build()
	if err != nil {
		t.Fatal(err)
	}
	operator, err := (&manifold.Pool{Rows: 2, Pool: 512, Shape: shape}).Build(model.Space())
	if err != nil {
		t.Fatal(err)
	}
	layout, err := observe.Layout(operator, []int{0}, 0.01)
	if err != nil {
		t.Fatal(err)
	}
	sequences := make([]observe.Sequence, count)
	covariance, mean := mat.NewSymDense(5, nil), make([]float64, 5)
	x, flat := make([]float64, 5), make([]float32, 5)
	for i := range sequences {
		model.Initial(x, rng.Stream(1, "test", uint64(i)))
		for k, v := range x {
			flat[k] = float32(v)
			mean[k] += v / float64(count)
			for l := range k + 1 {
				covariance.SetSym(k, l, covariance.At(k, l)+v*x[l]/float64(count))
			}
		}
		if sequences[i], err = layout.Simulate(flat, observe.Address{Seed: 1, Scenario: "test", Case: i}); err != nil {
			t.Fatal(err)
		}
	}
	for k := range 5 {
		for l := range k + 1 {
			covariance.SetSym(k, l, covariance.At(k, l)-mean[k]*mean[l])
		}
	}
	records, err := em.Records(sequences, 1, model.Space())
	if err != nil {
		t.Fatal(err)
	}
	return records, covariance, mean
}

func frobenius(a mat.Matrix) float64 { return mat.Norm(a, 2) }

// An independent program measured, on another curve of the same law and 65,536 records,
// the relative Frobenius error of the covariance 0.66, 0.49, 0.29, 0.16, 0.087, 0.036
// and 0.014 after 1, 2, 4, ... 64 iterations from N(0, I), an error of the mean of 0.006
// after 16, and an evidence that rises every time.
func TestGaussianReproducesTheKnownTable(t *testing.T) {
	count := 8192
	if *long {
		count = 65536
	}
	records, truth, mean := curveRecords(t, count, 2)
	last := math.Inf(-1)
	fitted := em.Fitted{Gaussian: em.Isotropic(5, 1)}
	done := 0
	for _, row := range []struct {
		iterations int
		err        float64
	}{{1, 0.66}, {2, 0.49}, {4, 0.29}, {8, 0.16}, {16, 0.087}, {32, 0.036}, {64, 0.014}} {
		var err error
		if fitted, err = em.FitGaussian(t.Context(), records, fitted.Gaussian, row.iterations-done, false); err != nil {
			t.Fatal(err)
		}
		done = row.iterations
		for _, e := range fitted.Evidence {
			if e < last-1e-12*math.Abs(last) {
				t.Errorf("after %d iterations the evidence falls from %v to %v", done, last, e)
			}
			last = e
		}
		var difference mat.Dense
		difference.Sub(fitted.Covariance, truth)
		got := frobenius(&difference) / frobenius(truth)
		var shift float64
		for k, m := range fitted.Mean {
			shift += (m - mean[k]) * (m - mean[k])
		}
		t.Logf("%2d iterations: error of the covariance %.3f (known %.3f), of the mean %.4f, evidence %.3f", done, got, row.err, math.Sqrt(shift), last)
		floor := 3 / math.Sqrt(float64(count)) // Monte Carlo error
		if got > 1.5*row.err+floor || got < row.err/2-floor {
			t.Errorf("after %d iterations the covariance is wrong by %.3f, where %.3f is known", done, got, row.err)
		}
	}
}

// gappy observes trajectories of one value that a function fills, with 30 % missing.
func gappy(t *testing.T, count, length int, sd float64, fill func(x []float32, r *rand.Rand)) ([]observe.Sequence, *trajectory.Set) {
	t.Helper()
	space := dynamics.Space{Variable: "state", Units: "1", Axes: []dynamics.Axis{{Name: "variable", Labels: []string{"a"}}}}
	set := trajectory.New(space, dynamics.Clock{Interval: 1, Units: "1"}, []trajectory.Dimension{{Name: "case", Len: count}}, length)
	operator, err := observe.Identity{}.Build(space)
	if err != nil {
		t.Fatal(err)
	}
	indices := make([]int, length)
	for k := range indices {
		indices[k] = k
	}
	layout, err := observe.Layout(operator, indices, sd)
	if err != nil {
		t.Fatal(err)
	}
	sequences := make([]observe.Sequence, count)
	for i := range sequences {
		fill(set.Trajectory(i), rng.Stream(2, "test", uint64(i)))
		address := observe.Address{Seed: 1, Scenario: "test", Case: i}
		if sequences[i], err = layout.Simulate(set.Trajectory(i), address); err != nil {
			t.Fatal(err)
		}
		sequences[i] = sequences[i].Drop(0.3, address)
	}
	return sequences, set
}

// line is a straight line of random height and slope.
func line(x []float32, r *rand.Rand) {
	a, b := 3+2*r.NormFloat64(), r.NormFloat64()
	for k := range x {
		x[k] = float32(a + b*(float64(k)-7.5)/2)
	}
}

// The law of random lines, and the noise, are found from gappy records whose standard
// deviations are stated three times too large. (Of rough trajectories the noise could
// not be told from the roughness, and so the fit starts from smooth ones.)
func TestNoiseIsEstimatedInClosedForm(t *testing.T) {
	sequences, set := gappy(t, 500, 16, 0.5, line)
	for _, s := range sequences {
		for k := range s.Observations {
			s.Observations[k].Sd = []float64{1.5}
		}
	}
	records, err := em.Records(sequences, 16, set.Space)
	if err != nil {
		t.Fatal(err)
	}
	fitted, err := em.FitGaussian(t.Context(), records, em.Smooth(16, 16, 3, 4), 100, true)
	if err != nil {
		t.Fatal(err)
	}
	if sd := 1.5 * fitted.Noise; math.Abs(sd-0.5) > 0.05*0.5 {
		t.Errorf("the noise is estimated at %.3f, not 0.5", sd)
	}
	for k := range 16 {
		for l := range k + 1 {
			want := 4 + (float64(k)-7.5)*(float64(l)-7.5)/4
			if got := fitted.Covariance.At(k, l); math.Abs(got-want) > 3 {
				t.Errorf("the covariance of states %d and %d is %.2f, not %.2f", k, l, got, want)
			}
		}
		if math.Abs(fitted.Mean[k]-3) > 0.6 {
			t.Errorf("the mean of state %d is %.2f, not 3", k, fitted.Mean[k])
		}
	}
	for k, e := range fitted.Evidence[1:] {
		if e < fitted.Evidence[k]-1e-12*math.Abs(e) {
			t.Fatalf("iteration %d lets the evidence fall from %v to %v", k, fitted.Evidence[k], e)
		}
	}
}

func TestOperatorsThatAreNotLinearAreRefused(t *testing.T) {
	sequences, set := gappy(t, 1, 4, 0.5, line)
	operator, err := observe.Saturate{Scale: 1}.Build(set.Space)
	if err != nil {
		t.Fatal(err)
	}
	sequences[0].Observations[2].Operator = operator
	if _, err := em.Records(sequences, 4, set.Space); !fault.IsInput(err) {
		t.Errorf("the error is %v, not one of the input", err)
	}
}
