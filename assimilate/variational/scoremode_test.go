package variational_test

import (
	"context"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/assimilate"
	"retrace/assimilate/variational"
	"retrace/diffusion"
	"retrace/dynamics"
	"retrace/internal/rng"
	"retrace/observe"
	"retrace/scoresum"
	"retrace/trajectory"
)

// gaussianPrior learns nothing beyond the Gaussian prior of its windows, whose
// denoiser is exact for an autoregressive process: its network's output layer starts
// at zero, and the learning rate leaves it there.
func gaussianPrior(t *testing.T, model dynamics.Model) *scoresum.Prior {
	t.Helper()
	training, err := trajectory.Simulate(context.Background(), model,
		trajectory.Plan{Count: 512, Length: 96, Seed: 1, Purpose: "training"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	settings := scoresum.DefaultSettings()
	settings.Window, settings.Stride, settings.Width, settings.Blocks = 12, 4, 2, 1
	settings.Training.Steps, settings.Training.LearningRate = 1, 1e-30
	prior, err := scoresum.Train(context.Background(), settings, scoresum.Data{
		Training: training, Validation: training, Seed: 1,
		Standard: trajectory.Standardiser{Mean: []float64{0}, Scale: []float64{2}, Run: 2},
	}, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return prior
}

func TestScoreModeOfAGaussianPriorIsItsPosteriorMean(t *testing.T) {
	model, err := (&dynamics.AR1{N: 2, Rho: 0.9, Variance: 4}).Build()
	if err != nil {
		t.Fatal(err)
	}
	p := assimilate.Problem{Model: model, Length: 12, Members: 2}
	first, err := observe.Components{Indices: []int{0}}.Build(model.Space())
	if err != nil {
		t.Fatal(err)
	}
	all, err := observe.Identity{}.Build(model.Space())
	if err != nil {
		t.Fatal(err)
	}
	r := rng.Stream(1, "values")
	for _, i := range []int{0, 3, 9} {
		p.Observations.Observations = append(p.Observations.Observations,
			observe.Observation{Index: i, Operator: first, Values: []float64{2 * r.NormFloat64()}, Sd: []float64{0.5}})
	}
	p.Observations.Observations = append(p.Observations.Observations,
		observe.Observation{Index: 11, Operator: all, Values: []float64{1, math.NaN()}, Sd: []float64{0.3, 1}})

	m := variational.NewScoreMode(&assimilate.Score{
		Prior: gaussianPrior(t, model), Guidance: "covariance",
		Sampler: diffusion.PredictorCorrector{
			Levels: diffusion.LogGrid(diffusion.Cosine{Eta: 1e-3}, 16, diffusion.Span{High: 50, Low: 5e-3}), Solver: diffusion.DDIM{Churn: 1},
		},
	})
	result, err := m.Assimilate(context.Background(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	if residual := result.Diagnostics[variational.Residual]; residual > 0.01 {
		t.Errorf("the residual is %v", residual)
	}
	want := posteriorMean(t, p)
	var worst float64
	for k := range p.Members {
		for i, x := range result.Ensemble.Trajectory(k) {
			worst = math.Max(worst, math.Abs(float64(x)-want.AtVec(i)))
		}
	}
	// What is left is that of a covariance learnt from a sample, about 1 % of it, and the
	// noise of the last level.
	if worst > 0.08 {
		t.Errorf("the mode is off by %v", worst)
	}
	t.Logf("off by %.4f after %d denoisings", worst, result.Evaluations)
}

// posteriorMean is the exact mean of a linear-Gaussian system of two components.
func posteriorMean(t *testing.T, p assimilate.Problem) *mat.VecDense {
	t.Helper()
	m, c := p.Model.(interface {
		Moments(int) ([]float64, *mat.SymDense)
	}).Moments(p.Length)
	var rows, values []float64
	for _, o := range p.Observations.Observations {
		for j, y := range o.Values {
			if math.IsNaN(y) {
				continue
			}
			unit, pulled, row := make([]float64, len(o.Values)), make([]float64, 2), make([]float64, len(m))
			unit[j] = 1 / o.Sd[j]
			o.Operator.VJP(pulled, make([]float64, 2), unit)
			copy(row[2*o.Index:], pulled)
			rows, values = append(rows, row...), append(values, y/o.Sd[j])
		}
	}
	g := mat.NewDense(len(values), len(m), rows)
	var cg, s, gain mat.Dense
	cg.Mul(c, g.T())
	s.Mul(g, &cg)
	for i := range values {
		s.Set(i, i, s.At(i, i)+1)
	}
	var inverse mat.Dense
	if err := inverse.Inverse(&s); err != nil {
		t.Fatal(err)
	}
	gain.Mul(&cg, &inverse)
	mean := mat.NewVecDense(len(m), nil)
	mean.MulVec(&gain, mat.NewVecDense(len(values), values))
	return mean
}
