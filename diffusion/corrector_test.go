package diffusion_test

import (
	"fmt"
	"math"
	"testing"

	"retrace/diffusion"
)

// settled is the variance that many corrections at one level settle in, over
// that of the level, where the slope of the denoised mean is j.
func settled(c diffusion.Corrector, j float64) float64 {
	at := diffusion.Level{Mu: 1, Sigma: 1}
	variance := j / (1 - j)
	p := diffusion.PredictorCorrector{Levels: []diffusion.Level{at, at}, Corrector: c, Corrections: 400}
	_, sd := p.Response(gaussian(variance), 0)
	return sd * sd / (j * j) / (1 + variance)
}

func TestCorrectionsSettleInTheDocumentedVariance(t *testing.T) {
	for _, j := range []float64{1e-6, 0.2, 0.5, 0.8} {
		for _, size := range []float64{0.2, 0.5, 1} {
			what := fmt.Sprintf("size %v, slope %v", size, j)
			near(t, "langevin, "+what, settled(diffusion.Langevin{Tau: size}, j), 1+size/2, 1e-6)
			near(t, "ornstein, "+what, settled(diffusion.Ornstein{Delta: size}, j), (2-size)/(2-size*(1-j)), 1e-6)
			near(t, "balanced, "+what, settled(diffusion.Balanced{Delta: size / 2}, j), 1, 1e-6)
			near(t, "leimkuhler, "+what, settled(diffusion.Leimkuhler{Share: 0.8 * size}, j), 1, 1e-6)
		}
	}
}

// Values that are settled and values that are noise share the mean square of
// one sample: balanced corrections err by at most half their size on either.
func TestBalancedCorrectionsOfUnlikeValues(t *testing.T) {
	const delta = 0.3
	at := diffusion.Level{Mu: 1, Sigma: 1}
	variances := make([]float64, 4096)
	for j := range variances {
		variances[j] = []float64{1e-4, 9}[j%2]
	}
	p := diffusion.PredictorCorrector{Levels: []diffusion.Level{at, at}, Corrector: diffusion.Balanced{Delta: delta}, Corrections: 100}
	d := ofVariances(variances...)
	var square [2]float64
	x := sample(t, p, d, 4, newKeyed(2))
	for k, v := range x {
		gain := variances[k%2] / (1 + variances[k%2])
		square[k%2] += float64(v) * float64(v) / (gain * gain) / (1 + variances[k%2]) / float64(len(x)/2)
	}
	noise := (1e-4/(1+1e-4) + 0.9) / 2 // mean slope
	for i, j := range []float64{1e-4, 0.9} {
		near(t, fmt.Sprintf("variance over exact, slope %v", j), square[i], (2-delta*(1-noise))/(2-delta*(1-j)), 0.05)
		if math.Abs(square[i]-1) > delta/(2-delta)+0.05 {
			t.Errorf("slope %v: variance is off by %v", j, square[i]-1)
		}
	}
}

// Values that are settled and values that are noise, in one sample: corrections that
// lift it settle every one of them in its own law.
func TestLiftedCorrectionsOfUnlikeValues(t *testing.T) {
	at := diffusion.Level{Mu: 1, Sigma: 1}
	p := diffusion.PredictorCorrector{Levels: []diffusion.Level{at, at}, Corrector: diffusion.Leimkuhler{Share: 0.5}, Corrections: 100}
	variances := []float64{1e-4, 9}
	square := make([]float64, len(variances))
	for k, c := range sample(t, p, ofVariances(variances...), p.Corrections+2, impulses{}) {
		square[k%2] += float64(c) * float64(c)
	}
	for j, v := range variances {
		near(t, fmt.Sprintf("variance over exact, variance %v", v), square[j]/(v*v/(1+v)), 1, 1e-5)
	}
}

// A correction from the exact law of a level leaves, between the lifted sample and the
// new one, the covariance of the forward process: c + (1-r) sigma_above^2.
func TestLiftedCorrectionIsAStepFromTheLevelAbove(t *testing.T) {
	const share = 0.4
	for _, variance := range []float64{0.01, 1, 30} {
		at := diffusion.Level{Mu: 1, Sigma: math.Sqrt(1 - share)} // 1 above
		before, noise := math.Sqrt(variance+at.Sigma*at.Sigma), math.Sqrt(share)
		jacobian := variance / (variance + 1)
		kept := 1 - 2*share + 2*share*jacobian
		lifted := []float64{before, noise}
		after := []float64{kept * before, kept*noise + noise}
		near(t, "covariance", lifted[0]*after[0]+lifted[1]*after[1], variance+at.Sigma*at.Sigma, 1e-12)

		p := diffusion.PredictorCorrector{Levels: []diffusion.Level{at, at}, Corrector: diffusion.Leimkuhler{Share: share}, Corrections: 1}
		_, sd := p.Response(gaussian(variance), 0)
		start := math.Hypot(at.Sigma, at.Mu)
		last := variance / (variance + at.Sigma*at.Sigma)
		near(t, "sd", sd, last*math.Hypot(kept*start, kept*noise+noise), 1e-12)
	}
}

func TestCorrectionsKeepToTheirRange(t *testing.T) {
	levels := diffusion.LogGrid(edm, 10, diffusion.Span{High: 10, Low: 0.01})
	p := diffusion.PredictorCorrector{Levels: levels, Corrector: diffusion.Ornstein{Delta: 0.1}, Corrections: 3}
	for _, c := range []struct {
		quiet, loud float64
		corrected   int
	}{{0, 0, 10}, {0.1, 0, 6}, {0.1, 2, 4}, {3, 2, 0}, {0, 0.009, 0}} {
		p.Quiet, p.Loud = c.quiet*0.999, c.loud
		if got := p.Evaluations(); got != 11+3*c.corrected {
			t.Errorf("from %v to %v: %d evaluations, not %d", c.quiet, c.loud, got, 11+3*c.corrected)
		}
	}
}

func TestCorrectorsAreCheckedByName(t *testing.T) {
	for _, c := range []struct {
		name string
		size float64
		ok   bool
	}{
		{"langevin", 10, true}, {"langevin", 11, false}, {"langevin", 0, false}, {"langevin", math.NaN(), false},
		{"ornstein", 1, true}, {"ornstein", 1.1, false}, {"balanced", 0.5, true}, {"balanced", 0.6, false}, {"balanced", -1, false}, {"leimkuhler", 0.9, true}, {"leimkuhler", 1, false}, {"hmc", 0.1, false},
	} {
		if _, err := diffusion.CorrectorNamed(c.name, c.size); (err == nil) != c.ok {
			t.Errorf("%s of size %v: %v", c.name, c.size, err)
		}
	}
	for _, name := range diffusion.Correctors() {
		if diffusion.CorrectorSummary(name) == "" {
			t.Errorf("%s has no summary", name)
		}
	}
	if diffusion.CorrectorSummary("hmc") != "" || diffusion.LargestCorrection("hmc") != 0 {
		t.Error("an unknown corrector has properties")
	}
}
