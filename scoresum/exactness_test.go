package scoresum

import (
	"context"
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/diffusion"
)

// A network that returns zero leaves the exact denoiser of Gaussian windows, so
// that the error of each composition can be compared with figures worked out
// by linear algebra for an AR(1) process of 65 states.

// score returns the scores of rows x of a composed prior.
func score(t testing.TB, d *Denoiser, x []float32, at diffusion.Level) []float64 {
	t.Helper()
	mean := make([]float32, len(x))
	if err := d.Denoise(mean, x, at); err != nil {
		t.Fatal(err)
	}
	s := make([]float64, len(x))
	for i := range s {
		s[i] = (at.Mu*float64(mean[i]) - float64(x[i])) / (at.Sigma * at.Sigma)
	}
	return s
}

// scoreError is the relative error, root mean square over x_t, of the composed
// score of AR(1) trajectories of 65 states: worst and mean over t. Scores are
// linear, so that the rows of the transposed Cholesky factor of the covariance
// of x_t stand for its law.
func scoreError(t testing.TB, p *Prior, rho float64, levels int) (worst, mean float64) {
	t.Helper()
	const length = 65
	d := denoiser(t, p, length, length, ChunkWindows)
	c := decaying(rho, length)
	for i := range levels {
		at := diffusion.Cosine{Eta: 1e-3}.At((float64(i) + 0.5) / float64(levels))
		noised := mat.NewSymDense(length, nil)
		noised.ScaleSym(at.Mu*at.Mu, c)
		for j := range length {
			noised.SetSym(j, j, noised.At(j, j)+at.Sigma*at.Sigma)
		}
		var cholesky mat.Cholesky
		if !cholesky.Factorize(noised) {
			t.Fatal("not positive")
		}
		var lower mat.TriDense
		cholesky.LTo(&lower)
		x := make([]float32, length*length)
		for j := range length {
			for k := j; k < length; k++ {
				x[j*length+k] = float32(lower.At(k, j))
			}
		}
		var exact mat.Dense
		if err := cholesky.SolveTo(&exact, &lower); err != nil {
			t.Fatal(err)
		}
		var wrong, all float64
		for k, s := range score(t, d, x, at) {
			e := -exact.At(k%length, k/length)
			wrong += (s - e) * (s - e)
			all += e * e
		}
		relative := math.Sqrt(wrong / all)
		worst = max(worst, relative)
		mean += relative / float64(levels)
	}
	return worst, mean
}

// rule is a composition of windows of an AR(1) process.
type rule struct {
	rho    float64
	window int
	name   string
	stride int
}

func (r rule) String() string {
	return fmt.Sprintf("%s, rho %v, window %d, stride %d", r.name, r.rho, r.window, r.stride)
}

func TestErrorOfComposedScores(t *testing.T) {
	for _, c := range []struct {
		rule
		worst, mean float64
		slow        bool
	}{
		{rule{0.90, 3, "centre", 1}, 0.316, 0.162, false},
		{rule{0.90, 5, "centre", 1}, 0.189, 0.091, true},
		{rule{0.90, 7, "centre", 1}, 0.130, 0.058, true},
		{rule{0.90, 9, "centre", 1}, 0.094, 0.040, false},
		{rule{0.90, 17, "centre", 1}, 0.035, 0.012, true},
		{rule{0.99, 3, "centre", 1}, 0.462, 0.269, false},
		{rule{0.99, 5, "centre", 1}, 0.328, 0.192, true},
		{rule{0.99, 7, "centre", 1}, 0.259, 0.149, true},
		{rule{0.99, 9, "centre", 1}, 0.215, 0.121, true},
		{rule{0.99, 17, "centre", 1}, 0.128, 0.064, true},
		{rule{0.99, 33, "centre", 1}, 0.062, 0.025, true},

		{rule{0.90, 5, "overlap", 1}, 0.104, 0.045, true},
		{rule{0.90, 9, "overlap", 1}, 0.039, 0.014, false},
		{rule{0.90, 9, "overlap", 4}, 0.057, 0.023, false},
		{rule{0.90, 17, "overlap", 1}, 0.009, 0.002, true},
		{rule{0.90, 17, "overlap", 8}, 0.018, 0.006, false},
		{rule{0.99, 9, "overlap", 1}, 0.152, 0.078, true},
		{rule{0.99, 9, "overlap", 4}, 0.182, 0.098, true},
		{rule{0.99, 17, "overlap", 1}, 0.081, 0.034, true},
		{rule{0.99, 17, "overlap", 8}, 0.105, 0.050, false},
		{rule{0.99, 33, "overlap", 16}, 0.049, 0.019, false},

		{rule{0.90, 5, "average", 1}, 0.193, 0.110, true},
		{rule{0.90, 9, "average", 1}, 0.125, 0.069, true},
		{rule{0.99, 17, "average", 1}, 0.103, 0.073, true},
		{rule{0.99, 33, "average", 1}, 0.094, 0.056, true},
	} {
		levels := 16
		if *long {
			levels = 40
		}
		if c.slow && !*long {
			continue
		}
		worst, mean := scoreError(t, gaussianPrior(t, c.rho, c.window, c.name, c.stride), c.rho, levels)
		// Their grid of times is not told; it matters for the mean.
		near(t, c.String()+": worst error", worst, c.worst, 0.003)
		near(t, c.String()+": mean error", mean, c.mean, 0.003+0.02*c.mean)
	}
}

func TestWindowAsLongAsTheTrajectoryIsExact(t *testing.T) {
	worst, _ := scoreError(t, gaussianPrior(t, 0.9, 65, "centre", 1), 0.9, 12)
	near(t, "worst error", worst, 0, 2e-4)
}

// unitNoise gives row i a one in value i at the start, and nothing later: the
// rows of the samples are then the columns of the sampler's linear map.
type unitNoise struct{}

func (unitNoise) Normal(row []float32, index, draw int) {
	clear(row)
	if draw == 0 {
		row[index] = 1
	}
}

// statistics of samples of an AR(1) process: variance, correlation at lag 32,
// variance of the innovations over its true value.
type statistics struct{ variance, correlation, innovation float64 }

func (r rule) statistics(x []float32, length int, rows float64) statistics {
	var square, lagged, innovation float64
	for i, v := range x {
		square += float64(v) * float64(v)
		if i%length >= 32 {
			lagged += float64(v) * float64(x[i-32])
		}
		if i%length >= 1 {
			e := float64(v) - r.rho*float64(x[i-1])
			innovation += e * e
		}
	}
	variance := square / rows / float64(length)
	return statistics{variance, lagged / rows / float64(length-32) / variance, innovation / rows / float64(length-1) / (1 - r.rho*r.rho)}
}

func (s statistics) compare(t *testing.T, name string, want, tolerance statistics) {
	t.Helper()
	near(t, name+": variance", s.variance, want.variance, tolerance.variance)
	near(t, name+": correlation at lag 32", s.correlation, want.correlation, tolerance.correlation)
	near(t, name+": innovation ratio", s.innovation, want.innovation, tolerance.innovation)
}

// The law of samples without corrections, free of Monte Carlo error: 256 steps
// uniform in the time of the cosine schedule.
func TestLawOfDeterministicSamples(t *testing.T) {
	const length = 65
	for _, c := range []struct {
		rule
		want statistics
		slow bool
	}{
		{rule{0.90, 3, "centre", 1}, statistics{0.81, 0.000, 1.86}, true},
		{rule{0.90, 9, "centre", 1}, statistics{0.91, 0.000, 1.05}, true},
		{rule{0.90, 65, "centre", 1}, statistics{0.99, 0.034, 0.98}, true},
		{rule{0.99, 3, "centre", 1}, statistics{0.62, 0.00, 7.9}, true},
		{rule{0.99, 9, "centre", 1}, statistics{0.68, 0.00, 1.74}, true},
		{rule{0.99, 17, "centre", 1}, statistics{0.76, 0.02, 1.15}, true},
		{rule{0.99, 65, "centre", 1}, statistics{0.98, 0.724, 0.94}, true},
		{rule{0.99, 17, "overlap", 1}, statistics{0.888, 0.240, 1.01}, true},
		{rule{0.99, 17, "overlap", 8}, statistics{0.870, 0.144, 1.06}, false},
	} {
		if c.slow && !*long {
			continue
		}
		d := denoiser(t, gaussianPrior(t, c.rho, c.window, c.name, c.stride), length, length, ChunkWindows)
		x := make([]float32, length*length)
		p := diffusion.PredictorCorrector{Levels: diffusion.UniformGrid(diffusion.Cosine{Eta: 1e-3}, 256)}
		if err := p.Sample(context.Background(), d, x, 0, unitNoise{}, nil); err != nil {
			t.Fatal(err)
		}
		// Value i of all rows is row i of the map: the covariance is that of rows
		// without a division by their number.
		got := c.statistics(x, length, 1)
		// Whether their figures count the edges is not told.
		got.compare(t, c.String(), c.want, statistics{0.01, 0.03, 0.035 * c.want.innovation})
	}
}

// Langevin corrections repair short scales first: 256 steps of one correction,
// tau 0.25. The figures for the innovations, 1.15, 1.13 and 1.14, took the
// expectation of the mean square of the noise estimate, which inflates variance
// by 1 + tau/2; over a row of 65 values it varies, and what it inflates varies
// with it, by another 3.5 %.
func TestLawOfCorrectedSamples(t *testing.T) {
	if !*long {
		t.Skip("slow; run with -long")
	}
	const length, rows = 65, 128
	for _, c := range []struct {
		rule
		want statistics
	}{
		{rule{0.90, 3, "centre", 1}, statistics{0.62, 0.000, 1.15 * 1.035}},
		{rule{0.90, 65, "centre", 1}, statistics{1.02, 0.034, 1.13 * 1.035}},
		{rule{0.99, 17, "centre", 1}, statistics{0.59, 0.33, 1.14 * 1.035}},
	} {
		d := denoiser(t, gaussianPrior(t, c.rho, c.window, c.name, c.stride), length, rows, ChunkWindows)
		x := make([]float32, rows*length)
		p := diffusion.PredictorCorrector{Levels: diffusion.UniformGrid(diffusion.Cosine{Eta: 1e-3}, 256), Corrector: diffusion.Langevin{Tau: 0.25}, Corrections: 1}
		if err := p.Sample(context.Background(), d, x, 0, NewNoise(1, "test", 0), nil); err != nil {
			t.Fatal(err)
		}
		got := c.statistics(x, length, rows)
		got.compare(t, c.String(), c.want, statistics{0.1, 0.1, 0.04})
	}
}
