package diffusion_test

import (
	"context"
	"fmt"
	"log"
	"math"
	"math/rand/v2"

	"retrace/diffusion"
)

// independent draws every row from a generator of its own.
type independent struct{ seed uint64 }

func (n independent) Normal(row []float32, index, draw int) {
	r := rand.New(rand.NewPCG(n.seed, uint64(index)<<32+uint64(draw)))
	for i := range row {
		row[i] = float32(r.NormFloat64())
	}
}

// A schedule, a grid, a sampler and a denoiser are chosen independently of each
// other. Here the denoiser is exact, so that what the sampler does to mean and
// spread can be seen.
func Example() {
	levels := diffusion.LogGrid(diffusion.Cosine{Eta: 1e-3}, 64, diffusion.Span{High: 100, Low: 1e-3})
	samplers := []struct {
		name string
		diffusion.PredictorCorrector
	}{
		{"deterministic", diffusion.PredictorCorrector{Levels: levels}},
		{"ancestral", diffusion.PredictorCorrector{Levels: levels, Solver: diffusion.DDIM{Churn: 1}}},
		{"corrected", diffusion.PredictorCorrector{Levels: levels, Corrector: diffusion.Langevin{Tau: 0.25}, Corrections: 1}},
	}
	normal := &diffusion.Gaussian{Mean: make([]float64, 100), Variance: make([]float64, 100)}
	for j := range normal.Mean {
		normal.Mean[j], normal.Variance[j] = 5, 4
	}
	for _, s := range samplers {
		x := make([]float32, 100*len(normal.Mean))
		if err := s.Sample(context.Background(), normal, x, 0, independent{1}, nil); err != nil {
			log.Fatal(err)
		}
		var mean, square float64
		for _, v := range x {
			mean += float64(v) / float64(len(x))
			square += float64(v) * float64(v) / float64(len(x))
		}
		fmt.Printf("%-13s %3d evaluations: mean %.1f, sd %.1f\n", s.name, s.Evaluations(), mean, math.Sqrt(square-mean*mean))
	}
	// Output:
	// deterministic  65 evaluations: mean 4.9, sd 1.9
	// ancestral      65 evaluations: mean 5.0, sd 1.8
	// corrected     129 evaluations: mean 5.0, sd 2.1
}

// How far from the posterior of x ~ N(0, 1), observed with an error of 0.25, do
// samplers end at 32 evaluations, without drawing a sample?
func ExampleScalarProblem() {
	levels := diffusion.LogGrid(diffusion.Cosine{Eta: 1e-3}, 31, diffusion.Span{High: 20, Low: 4e-3})
	problem, exact := diffusion.ScalarProblem{NoiseSd: 0.25}, diffusion.ScalarRules()[0]
	for _, name := range []string{"ddpm", "sde-dpm2"} {
		solver, err := diffusion.SolverNamed(name, 0)
		if err != nil {
			log.Fatal(err)
		}
		p := diffusion.PredictorCorrector{Levels: levels, Solver: solver}
		gain, sd := problem.Ratios(p, exact)
		fmt.Printf("%-8s %d evaluations: gain %.3f, sd %.3f of the exact\n", name, p.Evaluations(), gain, sd)
	}
	// Output:
	// ddpm     32 evaluations: gain 1.000, sd 0.877 of the exact
	// sde-dpm2 32 evaluations: gain 1.000, sd 1.012 of the exact
}
