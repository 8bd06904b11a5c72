package diffusion_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"retrace/diffusion"
)

// edm is the range of noise of Karras et al. (2022) for images.
var edm = diffusion.VarianceExploding{Min: 0.002, Max: 80}

func solver(t testing.TB, name string) diffusion.Solver {
	t.Helper()
	s, err := diffusion.SolverNamed(name, 0)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func corrector(t testing.TB, name string, size float64) diffusion.Corrector {
	t.Helper()
	c, err := diffusion.CorrectorNamed(name, size)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// gaussian is the linear denoiser of N(0, variance).
func gaussian(variance float64) diffusion.Linear {
	return func(at diffusion.Level) (slope, shift float64) {
		return at.Mu * variance / (at.Mu*at.Mu*variance + at.Sigma*at.Sigma), 0
	}
}

// From a level where the mean has yet to move, so that the first steps, of lower
// order, do no harm, to one where the error has not yet been forgotten.
func TestSolversConvergeAtTheirOrder(t *testing.T) {
	for _, c := range []struct {
		name      string
		order     float64
		forgetful bool // of the law at the start
	}{
		{"ddim", 1, false}, {"ddpm", 1, true}, {"euler", 1, false}, {"heun", 2, false},
		{"dpm2", 2, false}, {"dpm2-noise", 2, false}, {"sde-dpm2", 2, true}, {"dpm3", 3, false}, {"dpm3-noise", 3, false},
	} {
		for _, kind := range diffusion.Schedules() {
			for _, variance := range []float64{0.5, 0.1} {
				var before float64
				for _, n := range []int{400, 800} {
					levels := diffusion.LogGrid(schedule(t, kind), n, diffusion.Span{High: 1000, Low: 0.5})
					exact := exactLast(levels, variance, c.forgetful)
					_, sd := diffusion.PredictorCorrector{Levels: levels, Solver: solver(t, c.name)}.Response(gaussian(variance), 0)
					err := math.Abs(sd/exact - 1)
					if n == 800 {
						near(t, fmt.Sprintf("order of %s on %s, variance %v", c.name, kind, variance), math.Log2(before/err), c.order, 0.2)
					}
					before = err
				}
			}
		}
	}
}

// exactLast is the standard deviation of the last denoised mean of N(0, variance)
// if the flow is exact: it keeps samples as many standard deviations from the
// mean as they start, unless fresh noise has replaced them.
func exactLast(levels []diffusion.Level, variance float64, forgetful bool) float64 {
	first, last := levels[0], levels[len(levels)-1]
	start := 1.0
	if !forgetful {
		start = math.Hypot(first.Sigma, first.Mu) / math.Sqrt(first.Mu*first.Mu*variance+first.Sigma*first.Sigma)
	}
	return start * last.Mu * variance / math.Sqrt(last.Mu*last.Mu*variance+last.Sigma*last.Sigma)
}

// Published results of the scalar posterior, each sd over exact sd, for exact
// guidance on the grid of Karras et al.: rows for observation errors of 0.05,
// 0.25 and 1, columns for 8, 12, 18, 32 and 64 levels.
func TestScalarPosteriorOnTheKarrasGrid(t *testing.T) {
	levels := []int{8, 12, 18, 32, 64}
	for _, c := range []struct {
		solver string
		want   [3][5]float64
	}{
		{"euler", [3][5]float64{{.59, .70, .79, .88, .94}, {.65, .75, .83, .90, .95}, {.68, .78, .85, .92, .96}}},
		{"heun", [3][5]float64{{1.91, 1.28, 1.11, 1.03, 1.01}, {1.48, 1.18, 1.07, 1.02, 1.00}, {1.34, 1.13, 1.05, 1.01, 1.00}}},
		{"dpm2", [3][5]float64{{.95, 1.06, 1.07, 1.03, 1.007}, {1.11, 1.13, 1.07, 1.02, 1.005}, {1.16, 1.13, 1.06, 1.015, 1.003}}},
	} {
		for i, noise := range []float64{0.05, 0.25, 1} {
			for j, n := range levels {
				p := diffusion.PredictorCorrector{Levels: diffusion.KarrasGrid(edm, n-1, everything), Solver: solver(t, c.solver)}
				_, sd := diffusion.ScalarProblem{NoiseSd: noise}.Ratios(p, scalarRule(t, "exact"))
				near(t, fmt.Sprintf("sd ratio of %s, %d levels, noise %v", c.solver, n, noise), sd, c.want[i][j], 0.0101)
			}
		}
	}
}

func scalarRule(t testing.TB, name string) diffusion.ScalarRule {
	t.Helper()
	for _, r := range diffusion.ScalarRules() {
		if r.Name == name {
			return r
		}
	}
	t.Fatalf("no rule %q", name)
	return diffusion.ScalarRule{}
}

// The same for the sampler of Rozet & Louppe, with the hand-tuned gamma of their
// rule and C corrections of size 0.25: it collapses unless corrected.
func TestScalarPosteriorOfScoreBasedDataAssimilation(t *testing.T) {
	for _, c := range []struct {
		rule         string
		corrections  int
		noise        float64
		steps        int
		sd, gain     float64
		tolerateGain float64
	}{
		{"sda 0.03", 0, 0.05, 64, 0, 1, 0.0101},
		{"sda 0.03", 0, 0.05, 256, 0, 1, 0.0101},
		{"sda 0.03", 0, 0.25, 16, 0, 1.10, 0.0101},
		{"sda 0.03", 0, 0.25, 256, 0.03, 1.15, 0.0101},
		{"sda 0.03", 0, 1, 64, 0.87, 1.18, 0.0101},
		{"sda 0.03", 0, 1, 256, 0.89, 1.18, 0.0101},
		{"sda 0.03", 1, 0.05, 64, 1.29, 1, 0.0101},
		{"sda 0.03", 1, 0.05, 256, 1.03, 1, 0.0101},
		{"sda 0.03", 1, 0.25, 16, 1.01, 1, 0.03},
		{"sda 0.03", 1, 0.25, 64, 1.03, 1, 0.03},
		{"sda 0.03", 1, 0.25, 256, 1.06, 1, 0.0101},
		{"sda 0.03", 1, 1, 64, 1.06, 1.01, 0.0101},
		{"sda 0.03", 1, 1, 256, 1.06, 1, 0.0101},
		{"sda 1", 0, 0.05, 64, 1.28, 0.95, 0.0101},
		{"sda 1", 0, 0.05, 256, 1.54, 0.95, 0.0101},
		{"sda 1", 0, 0.25, 16, 1.21, 0.77, 0.0101},
		{"sda 1", 0, 0.25, 64, 1.39, 0.77, 0.0101},
		{"sda 1", 0, 0.25, 256, 1.43, 0.77, 0.0101},
		{"sda 1", 0, 1, 64, 1.08, 0.58, 0.0101},
		{"sda 1", 0, 1, 256, 1.09, 0.58, 0.0101},
		{"exact", 4, 0.05, 64, 1.05, 1, 0.0101},
		{"exact", 4, 0.05, 256, 1.06, 1, 0.0101},
		{"exact", 4, 0.25, 16, 1.05, 1, 0.0101},
		{"exact", 4, 1, 256, 1.06, 1, 0.0101},
	} {
		p := diffusion.PredictorCorrector{Levels: diffusion.UniformGrid(diffusion.Cosine{Eta: 1e-3}, c.steps), Corrector: diffusion.Langevin{Tau: 0.25}, Corrections: c.corrections}
		gain, sd := diffusion.ScalarProblem{NoiseSd: c.noise}.Ratios(p, scalarRule(t, c.rule))
		what := fmt.Sprintf("%s, %d corrections, noise %v, %d steps", c.rule, c.corrections, c.noise, c.steps)
		near(t, "sd ratio, "+what, sd, c.sd, 0.0101)
		near(t, "gain ratio, "+what, gain, c.gain, c.tolerateGain)
	}
	p := diffusion.PredictorCorrector{Levels: diffusion.UniformGrid(diffusion.Cosine{Eta: 1e-3}, 16)}
	if _, sd := (diffusion.ScalarProblem{NoiseSd: 0.05}).Ratios(p, scalarRule(t, "sda 0.01")); sd < 1000 {
		t.Errorf("sda 0.01 with 16 steps should diverge at noise 0.05, but its sd ratio is %v", sd)
	}
}

// guided is a guided denoiser of many scalar problems at once: value j has the
// observation y[j].
type guided struct {
	linear diffusion.Linear
	y      []float32
}

func (g guided) Dim() int { return len(g.y) }

func (g guided) Denoise(mean, xt []float32, at diffusion.Level) error {
	slope, shift := g.linear(at)
	for k, x := range xt {
		mean[k] = float32(slope)*x + float32(shift)*g.y[k%len(g.y)]
	}
	return nil
}

// combination is a short sampler with every feature that solvers and correctors
// can meet.
func combination(t testing.TB, solverName, correctorName string, corrections int) diffusion.PredictorCorrector {
	return diffusion.PredictorCorrector{
		Levels: diffusion.LogGrid(diffusion.Cosine{Eta: 1e-3}, 20, diffusion.Span{High: 50, Low: 0.01, Knee: 0.2, Below: 0.5}),
		Solver: solver(t, solverName), Corrector: corrector(t, correctorName, 0.3), Corrections: corrections, Quiet: 0.05, Loud: 10,
	}
}

func eachCombination(t *testing.T, run func(t *testing.T, p diffusion.PredictorCorrector)) {
	for _, s := range diffusion.Solvers() {
		for _, c := range diffusion.Correctors() {
			t.Run(s+"/"+c, func(t *testing.T) { run(t, combination(t, s, c, 2)) })
		}
		t.Run(s, func(t *testing.T) { run(t, combination(t, s, "langevin", 0)) })
	}
}

// Response must tell what Sample does: it is measured on 16384 samples.
func TestResponseIsThatOfTheSampler(t *testing.T) {
	problem := diffusion.ScalarProblem{NoiseSd: 0.5}
	linear := problem.Denoiser(scalarRule(t, "sda 1"))
	variance := 1 + problem.NoiseSd*problem.NoiseSd
	y := make([]float32, 4096)
	newKeyed(9).Normal(y, 0, 0)
	for j := range y {
		y[j] *= float32(math.Sqrt(variance))
	}
	eachCombination(t, func(t *testing.T, p diffusion.PredictorCorrector) {
		gain, sd := p.Response(linear, variance)
		x := sample(t, p, guided{linear, y}, 4, newKeyed(5))
		var xy, yy, square float64
		for k, v := range x {
			xy += float64(v) * float64(y[k%len(y)])
			yy += float64(y[k%len(y)]) * float64(y[k%len(y)])
		}
		for k, v := range x {
			d := float64(v) - xy/yy*float64(y[k%len(y)])
			square += d * d
		}
		near(t, "gain", xy/yy, gain, 0.02)
		near(t, "sd", math.Sqrt(square/float64(len(x)))/sd, 1, 0.025) // 4 standard errors are 0.022
	})
}

// Without a Monte Carlo error, where steps do not depend on the sample.
func TestResponseIsExactlyThatOfTheSampler(t *testing.T) {
	for _, name := range diffusion.Solvers() {
		for _, corrections := range []int{0, 1, 2} {
			p := combination(t, name, "ornstein", corrections)
			_, want := p.Response(gaussian(0.3), 0)
			x := sample(t, p, ofVariances(0.3), p.Evaluations()+1, impulses{})
			var square float64
			for _, c := range x {
				square += float64(c) * float64(c)
			}
			near(t, fmt.Sprintf("sd of %s, %d corrections", name, corrections), math.Sqrt(square)/want, 1, 1e-5)
		}
	}
}

func TestRowsOfAllSamplersDoNotDependOnTheirBatch(t *testing.T) {
	d := &diffusion.Gaussian{Mean: []float64{1, 0, -1}, Variance: []float64{1, 2, 0.1}}
	eachCombination(t, func(t *testing.T, p diffusion.PredictorCorrector) {
		together := sample(t, p, d, 5, newKeyed(3))
		x := make([]float32, 2*d.Dim())
		if err := p.Sample(context.Background(), d, x, 2, newKeyed(3), nil); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(x, together[2*d.Dim():4*d.Dim()]) {
			t.Error("rows differ from the same rows of a larger batch")
		}
	})
}

func TestEvaluationsOfAllSamplersAreCounted(t *testing.T) {
	eachCombination(t, func(t *testing.T, p diffusion.PredictorCorrector) {
		d := &counting{Denoiser: ofVariances(1)}
		sample(t, p, d, 3, newKeyed(1))
		if d.calls != p.Evaluations() {
			t.Errorf("%d calls, Evaluations says %d", d.calls, p.Evaluations())
		}
	})
}

func TestStepsOfAllSamplersDoNotAllocate(t *testing.T) {
	d, noise := ofVariances(1, 2, 3), newKeyed(1)
	x := make([]float32, 4*d.Dim())
	eachCombination(t, func(t *testing.T, p diffusion.PredictorCorrector) {
		count := func(levels []diffusion.Level) float64 {
			q := p
			q.Levels = levels
			return testing.AllocsPerRun(3, func() {
				if err := q.Sample(context.Background(), d, x, 0, noise, nil); err != nil {
					t.Fatal(err)
				}
			})
		}
		if few, many := count(p.Levels[:3]), count(p.Levels); few != many {
			t.Errorf("2 steps make %v allocations, %d steps %v", few, len(p.Levels)-1, many)
		}
	})
}

// A mean that does not change takes any solver straight to the right place.
func TestSolversAreExactForAConstantMean(t *testing.T) {
	d := &diffusion.Gaussian{Mean: []float64{2}, Variance: []float64{0}}
	for _, name := range diffusion.Solvers() {
		for _, x := range sample(t, combination(t, name, "langevin", 0), d, 3, newKeyed(1)) {
			near(t, name, float64(x), 2, 1e-6)
		}
	}
}

func TestUnknownSolversAreErrors(t *testing.T) {
	if _, err := diffusion.SolverNamed("rk4", 0); err == nil {
		t.Error("no error")
	}
	if s := diffusion.SolverSummary("rk4"); s != "" {
		t.Errorf("summary %q", s)
	}
	for _, name := range diffusion.Solvers() {
		if diffusion.SolverSummary(name) == "" {
			t.Errorf("%s has no summary", name)
		}
	}
}
