package assimilate_test

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/exact"
	"retrace/internal/rng"
	"retrace/observe"
	"retrace/trajectory"
)

// bench is the oracle of score-based assimilation: an autoregressive process of unit
// variance and correlation 0.95, 65 states, every so many of which are seen.
func bench(tb testing.TB, every int, sd float64) (assimilate.Problem, *exact.Prior) {
	tb.Helper()
	model, err := (&dynamics.AR1{N: 1, Rho: 0.95, Variance: 4}).Build()
	if err != nil {
		tb.Fatal(err)
	}
	prior, err := exact.Linear(model, trajectory.Standardiser{Mean: []float64{0}, Scale: []float64{2}, Run: 1})
	if err != nil {
		tb.Fatal(err)
	}
	operator, err := observe.Linear{Matrix: [][]float64{{0.5}}}.Build(model.Space())
	if err != nil {
		tb.Fatal(err)
	}
	p := assimilate.Problem{Model: model, Length: 65, Members: 1}
	r := rng.Stream(7, "bench")
	x := make([]float64, 1)
	model.Initial(x, r)
	for i := range p.Length {
		if i%every == 0 {
			p.Observations.Observations = append(p.Observations.Observations,
				observe.Observation{Index: i, Operator: operator, Values: []float64{x[0]/2 + sd*r.NormFloat64()}, Sd: []float64{sd}})
		}
		model.Step(x, r)
	}
	return p, prior
}

// summary is the root mean square of the errors of the mean, in posterior standard
// deviations, and the mean ratio of standard deviations, of a deterministic sampler.
func summary(tb testing.TB, method *assimilate.Score, p assimilate.Problem, mean *mat.VecDense, covariance *mat.Dense) string {
	tb.Helper()
	d, err := method.Denoiser(p)
	if err != nil {
		return "refused"
	}
	size := mean.Len()
	x := make([]float32, (size+1)*size)
	if err := method.Sampler.Sample(tb.Context(), d, x, 0, responses{}, nil); err != nil {
		tb.Fatal(err)
	}
	var square, ratio float64
	for i := range size {
		sd := math.Sqrt(covariance.At(i, i))
		square += math.Pow((float64(x[i])-mean.AtVec(i))/sd, 2) / float64(size)
		var variance float64
		for k := range size {
			variance += math.Pow(float64(x[(k+1)*size+i]-x[i]), 2)
		}
		ratio += math.Sqrt(variance) / sd / float64(size)
	}
	return fmt.Sprintf("%.3f / %.3f", math.Sqrt(square), ratio)
}

// scenarios are A and B of the paper.
var scenarios = []struct {
	every int
	sd    float64
}{{8, 0.05}, {1, 0.25}}

// The table of docs/guidance.md. dps is missing: its step is not linear in the noise.
func TestGuidanceTable(t *testing.T) {
	if !*long {
		t.Skip("prints a table; use -long -v")
	}
	for _, guidance := range assimilate.Guidances()[1:] {
		if guidance == "dps" {
			continue
		}
		for _, tuned := range tunings(guidance) {
			row := "| " + guidance + tuned.name + " |"
			for _, scenario := range scenarios {
				p, prior := bench(t, scenario.every, scenario.sd)
				mean, covariance := exactDense(t, p, prior)
				for _, steps := range []int{32, 64} {
					method := &assimilate.Score{Prior: prior, Sampler: second(steps), Guidance: guidance, Gamma: tuned.gamma, Tuning: tuned.Tuning}
					row += " " + summary(t, method, p, mean, covariance) + " |"
				}
			}
			t.Log(row)
		}
	}
}

type tuned struct {
	name  string
	gamma float64
	assimilate.Tuning
}

// tunings are the parameters of a rule that the table has.
func tunings(guidance string) []tuned {
	switch guidance {
	case "sda":
		return []tuned{{" gamma 0.01", 0.01, assimilate.Tuning{}}, {" gamma 0.1", 0.1, assimilate.Tuning{}}, {" gamma 1", 1, assimilate.Tuning{}}}
	case "mmps", "mmps-cg":
		var list []tuned
		for _, k := range []int{1, 3, 10} {
			list = append(list, tuned{fmt.Sprintf(" %d iterations", k), 0, assimilate.Tuning{Iterations: k}})
		}
		return list
	}
	return []tuned{{}}
}

// The second table of docs/composition.md: what compositions do to a posterior.
func TestCompositionPosteriorTable(t *testing.T) {
	if !*long {
		t.Skip("prints a table; use -long -v")
	}
	for _, w := range []struct {
		rule           string
		window, stride int
	}{{"centre", 9, 1}, {"centre", 17, 1}, {"overlap", 9, 1}, {"overlap", 9, 4}, {"overlap", 17, 4}, {"overlap", 17, 8}, {"average", 9, 1}, {"average", 17, 1}} {
		row := fmt.Sprintf("| %s | %d | %d |", w.rule, w.window, w.stride)
		for _, scenario := range scenarios {
			p, whole := bench(t, scenario.every, scenario.sd)
			mean, covariance := exactDense(t, p, whole)
			prior, err := whole.Windowed(w.rule, w.window, w.stride)
			if err != nil {
				t.Fatal(err)
			}
			method := &assimilate.Score{Prior: prior, Sampler: second(64), Guidance: "covariance"}
			row += " " + summary(t, method, p, mean, covariance) + " |"
		}
		t.Log(row)
	}
}

// The default on the oracle must be right: this is the row of the table that matters.
func TestAutoIsRightOnTheOracle(t *testing.T) {
	for _, scenario := range scenarios {
		p, prior := bench(t, scenario.every, scenario.sd)
		mean, covariance := exactDense(t, p, prior)
		method := &assimilate.Score{Prior: prior, Sampler: second(32), Guidance: "auto"}
		var meanError, ratio float64
		if _, err := fmt.Sscanf(summary(t, method, p, mean, covariance), "%f / %f", &meanError, &ratio); err != nil {
			t.Fatal(err)
		}
		if meanError > 0.02 || math.Abs(ratio-1) > 0.03 {
			t.Errorf("every %d: mean off by %.3f posterior sd, sd ratio %.3f", scenario.every, meanError, ratio)
		}
	}
}
