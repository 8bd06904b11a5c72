package diffusion_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"retrace/diffusion"
	"retrace/internal/rng"
)

var (
	everything = diffusion.Span{High: math.Inf(1)}
	below100   = diffusion.Span{High: 100}
)

// keyed is the noise of a real run.
type keyed struct{ source *rng.Source }

func newKeyed(seed int64) keyed { return keyed{rng.NewSource(seed, "test")} }

func (k keyed) Normal(row []float32, index, draw int) {
	r := k.source.At(uint64(index), uint64(draw))
	for i := range row {
		row[i] = float32(r.NormFloat64())
	}
}

// impulses gives row number i a one in draw number i and nothing else: without
// corrections a sampler of a Gaussian is linear in its noise, and its rows are
// then the coefficients of the draws.
type impulses struct{}

func (impulses) Normal(row []float32, index, draw int) {
	clear(row)
	if index == draw {
		for i := range row {
			row[i] = 1
		}
	}
}

// ofVariances is a Gaussian of zero mean.
func ofVariances(variances ...float64) *diffusion.Gaussian {
	return &diffusion.Gaussian{Mean: make([]float64, len(variances)), Variance: variances}
}

func sample(t testing.TB, p diffusion.PredictorCorrector, d diffusion.Denoiser, rows int, noise diffusion.Noise) []float32 {
	t.Helper()
	x := make([]float32, rows*d.Dim())
	if err := p.Sample(context.Background(), d, x, 0, noise, nil); err != nil {
		t.Fatal(err)
	}
	return x
}

// exactSd returns, without a Monte Carlo error, the standard deviations of the
// samples of a Gaussian that a sampler without corrections draws.
func exactSd(t testing.TB, p diffusion.PredictorCorrector, variances ...float64) []float64 {
	t.Helper()
	d := ofVariances(variances...)
	x := sample(t, p, d, len(p.Levels), impulses{})
	sd := make([]float64, len(variances))
	for k, c := range x {
		sd[k%len(sd)] += float64(c) * float64(c)
	}
	for j := range sd {
		sd[j] = math.Sqrt(sd[j])
	}
	return sd
}

// drawnSd estimates them from many equal coordinates of few rows: the mean
// square of the noise estimate is then its expectation.
func drawnSd(t testing.TB, p diffusion.PredictorCorrector, variance float64) float64 {
	t.Helper()
	d := ofVariances(slices.Repeat([]float64{variance}, 4096)...)
	var sum float64
	x := sample(t, p, d, 4, newKeyed(1))
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / float64(len(x)))
}

func TestDDIMConvergesAtFirstOrder(t *testing.T) {
	variances := []float64{1, 0.25, 0.0025}
	for _, grid := range diffusion.Grids() {
		for _, kind := range diffusion.Schedules() {
			if grid == "uniform" && kind == "rectified" {
				continue // its times below 1/64 hold a factor of 16 in the ratio
			}
			var before []float64
			for _, n := range []int{128, 256, 512} {
				levels, err := diffusion.GridNamed(grid, schedule(t, kind), n, everything)
				if err != nil {
					t.Fatal(err)
				}
				first, last := levels[0], levels[n]
				sd := exactSd(t, diffusion.PredictorCorrector{Levels: levels}, variances...)
				for j, v := range variances {
					// The flow keeps x_t as many standard deviations from the mean.
					flow := math.Hypot(first.Sigma, first.Mu) * math.Sqrt((last.Mu*last.Mu*v+last.Sigma*last.Sigma)/
						(first.Mu*first.Mu*v+first.Sigma*first.Sigma))
					exact := flow * last.Mu * v / (last.Mu*last.Mu*v + last.Sigma*last.Sigma)
					sd[j] = math.Abs(sd[j]/exact - 1)
					if before != nil {
						near(t, fmt.Sprintf("error of %d over error of %d steps, %s on %s, variance %v", n/2, n, grid, kind, v), before[j]/sd[j], 2, 0.2)
					}
				}
				before = sd
			}
		}
	}
}

// Table of a scalar posterior with an exact denoiser: x ~ N(0, 1), y = x + noise,
// so that the posterior variance is s^2/(1+s^2); cosine schedule, uniform times.
// The entries are sample sd over true sd, worked out by a scalar recursion.
func TestScalarPosteriorTable(t *testing.T) {
	noise := []float64{0.05, 0.25, 1}
	variances := make([]float64, len(noise))
	for i, s := range noise {
		variances[i] = s * s / (1 + s*s)
	}
	for _, c := range []struct {
		churn float64
		steps int
		want  []float64 // 0: not in the table
	}{
		{0, 16, []float64{0, 0.79, 0}},
		{0, 64, []float64{0.77, 0.94, 0.97}},
		{0, 256, []float64{0.94, 0.99, 0.99}},
		{1, 16, []float64{0, 0.71, 0}},
		{1, 64, []float64{0.69, 0.89, 0.95}},
		{1, 256, []float64{0.87, 0.96, 0.985}},
		{1, 1000, []float64{0.96, 0.99, 0.996}},
	} {
		p := diffusion.PredictorCorrector{Levels: diffusion.UniformGrid(diffusion.Cosine{Eta: 1e-3}, c.steps), Solver: diffusion.DDIM{Churn: c.churn}}
		for i, sd := range exactSd(t, p, variances...) {
			if c.want[i] > 0 {
				near(t, fmt.Sprintf("sd ratio, churn %v, %d steps, noise %v", c.churn, c.steps, noise[i]), sd/math.Sqrt(variances[i]), c.want[i], 0.0101)
			}
		}
	}
	for _, c := range []struct {
		steps, i int
		want     float64
	}{{64, 0, 1.05}, {16, 1, 1.05}, {64, 1, 1.06}, {64, 2, 1.06}} {
		p := diffusion.PredictorCorrector{Levels: diffusion.UniformGrid(diffusion.Cosine{Eta: 1e-3}, c.steps), Corrector: diffusion.Langevin{Tau: 0.25}, Corrections: 4}
		near(t, fmt.Sprintf("sd ratio, 4 corrections, %d steps, noise %v", c.steps, noise[c.i]), drawnSd(t, p, variances[c.i])/math.Sqrt(variances[c.i]), c.want, 0.02)
	}
}

// One ancestral step must draw from q(x_s | x_t, x_0 = mean), here by Bayes'
// rule on x_t = r x_s + noise, x_s ~ N(mu_s mean, sigma_s^2).
func TestAncestralStepIsThePosteriorOfTheForwardProcess(t *testing.T) {
	from, to := diffusion.Level{Mu: 0.5, Sigma: 0.9}, diffusion.Level{Mu: 0.8, Sigma: 0.4}
	variance := 0.3
	sd := exactSd(t, diffusion.PredictorCorrector{Levels: []diffusion.Level{from, to}, Solver: diffusion.DDIM{Churn: 1}}, variance)

	r := from.Mu / to.Mu
	noise := from.Sigma*from.Sigma - r*r*to.Sigma*to.Sigma
	precision := 1/(to.Sigma*to.Sigma) + r*r/noise
	gain := from.Mu * variance / (from.Mu*from.Mu*variance + from.Sigma*from.Sigma)
	// x_s = coefficient x_t + noise of variance 1/precision, then the last mean
	coefficient := (to.Mu*gain/(to.Sigma*to.Sigma) + r/noise) / precision
	start := from.Mu*from.Mu + from.Sigma*from.Sigma
	last := to.Mu * variance / (to.Mu*to.Mu*variance + to.Sigma*to.Sigma)
	near(t, "sd", sd[0], last*math.Sqrt(coefficient*coefficient*start+1/precision), 1e-6)
}

// With d = Tau / mean(e^2), Langevin steps at one level have the stationary
// variance q with q = 1 / (1 - Tau/(2q)) where noise dominates: q = 1 + Tau/2.
func TestLangevinInflatesNoiseByHalfTau(t *testing.T) {
	at := diffusion.Level{Mu: 1, Sigma: 1}
	const variance = 1e-4
	for _, tau := range []float64{0.1, 0.25, 0.5, 1} {
		p := diffusion.PredictorCorrector{Levels: []diffusion.Level{at, at}, Corrector: diffusion.Langevin{Tau: tau}, Corrections: int(10 / tau)}
		gain := variance / (variance + 1)
		near(t, fmt.Sprintf("variance at tau %v", tau), math.Pow(drawnSd(t, p, variance)/gain, 2), 1+tau/2, 0.03)
	}
}

// The flow keeps what Langevin steps inflated before it; fresh noise replaces it.
func TestInflationIsForgottenBelowQuietWithChurn(t *testing.T) {
	const variance = 1e-4
	for _, c := range []struct{ quiet, churn, want, tolerance float64 }{
		{0, 0, 1.25, 0.05},
		{0, 0.5, 1.25, 0.05},
		{0.1, 0, 1.18, 0.05},
		{0.1, 0.5, 1, 0.05},
	} {
		p := diffusion.PredictorCorrector{Levels: diffusion.LogGrid(diffusion.Cosine{Eta: 1e-3}, 128, below100),
			Solver: diffusion.DDIM{Churn: c.churn}, Corrector: diffusion.Langevin{Tau: 0.5}, Corrections: 1, Quiet: c.quiet}
		near(t, fmt.Sprintf("variance with Quiet %v and Churn %v", c.quiet, c.churn), math.Pow(drawnSd(t, p, variance), 2)/variance, c.want, c.tolerance)
	}
}

func TestMeanIsSampled(t *testing.T) {
	d := &diffusion.Gaussian{Mean: []float64{3, -2}, Variance: []float64{0.01, 1e-6}}
	for _, churn := range []float64{0, 0.5, 1} {
		p := diffusion.PredictorCorrector{Levels: diffusion.LogGrid(diffusion.Cosine{Eta: 1e-3}, 64, everything), Solver: diffusion.DDIM{Churn: churn}}
		x := sample(t, p, d, 1, impulses{}) // one impulse at the start: the mean and 1 sd
		near(t, "first value", float64(x[0]), 3, 0.2)
		near(t, "second value", float64(x[1]), -2, 0.02)
	}
}

// busy exercises all parts of the sampler.
func busy(steps int) diffusion.PredictorCorrector {
	return diffusion.PredictorCorrector{Levels: diffusion.LogGrid(diffusion.Cosine{Eta: 1e-3}, steps, below100), Solver: diffusion.DDIM{Churn: 0.5},
		Corrector: diffusion.Langevin{Tau: 0.25}, Corrections: 2, Quiet: 0.05}
}

func TestRowsDoNotDependOnTheirBatch(t *testing.T) {
	d := &diffusion.Gaussian{Mean: []float64{1, 0, -1}, Variance: []float64{1, 2, 0.1}}
	together := sample(t, busy(12), d, 7, newKeyed(3))
	for _, part := range [][2]int{{0, 1}, {2, 5}, {6, 7}} {
		x := make([]float32, (part[1]-part[0])*d.Dim())
		if err := busy(12).Sample(context.Background(), d, x, part[0], newKeyed(3), nil); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(x, together[part[0]*d.Dim():part[1]*d.Dim()]) {
			t.Errorf("rows %v differ from the same rows of a larger batch", part)
		}
	}
}

// counting counts calls and fails at call number failAt.
type counting struct {
	diffusion.Denoiser
	calls, failAt int
}

var errPlanned = errors.New("planned failure")

func (c *counting) Denoise(mean, xt []float32, at diffusion.Level) error {
	if c.calls++; c.calls == c.failAt {
		return errPlanned
	}
	return c.Denoiser.Denoise(mean, xt, at)
}

func TestEvaluationsAreCounted(t *testing.T) {
	for _, p := range []diffusion.PredictorCorrector{busy(1), busy(10), {Levels: busy(5).Levels}, {Levels: busy(5).Levels, Corrector: diffusion.Langevin{Tau: 0.1}, Corrections: 3}} {
		d := &counting{Denoiser: ofVariances(1)}
		done := 0
		if err := p.Sample(context.Background(), d, make([]float32, 3), 0, newKeyed(1), func() { done++ }); err != nil {
			t.Fatal(err)
		}
		if d.calls != p.Evaluations() || done != p.Evaluations() {
			t.Errorf("%d calls, done called %d times, Evaluations says %d", d.calls, done, p.Evaluations())
		}
	}
}

func TestDenoiserErrorsAreReturned(t *testing.T) {
	total := busy(5).Evaluations()
	for failAt := 1; failAt <= total; failAt++ {
		err := busy(5).Sample(context.Background(), &counting{Denoiser: ofVariances(1), failAt: failAt}, make([]float32, 1), 0, newKeyed(1), nil)
		if !errors.Is(err, errPlanned) {
			t.Errorf("failure of call %d of %d gives %v", failAt, total, err)
		}
	}
}

func TestSamplingStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	d := &counting{Denoiser: ofVariances(1)}
	p := diffusion.PredictorCorrector{Levels: busy(100).Levels}
	err := p.Sample(ctx, d, make([]float32, 1), 0, newKeyed(1), func() {
		if d.calls == 10 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || d.calls != 10 {
		t.Errorf("error %v after %d evaluations", err, d.calls)
	}
}

func TestStepsDoNotAllocate(t *testing.T) {
	d, noise := ofVariances(1, 2, 3), newKeyed(1)
	x := make([]float32, 4*d.Dim())
	count := func(steps int) float64 {
		p := busy(steps)
		return testing.AllocsPerRun(5, func() {
			if err := p.Sample(context.Background(), d, x, 0, noise, nil); err != nil {
				t.Fatal(err)
			}
		})
	}
	if few, many := count(10), count(100); few != many {
		t.Errorf("10 steps make %v allocations, 100 steps %v", few, many)
	}
}
