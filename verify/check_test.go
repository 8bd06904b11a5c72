package verify_test

import (
	"math"
	"testing"

	"retrace/internal/rng"
	"retrace/verify"
)

func TestHolmIsTheStepDownOfThePaper(t *testing.T) {
	// Holm (1979): .01 x 4, .02 x 3, .03 x 2, then never less than before.
	adjusted, levels := verify.Holm([]float64{0.03, 0.01, 0.04, 0.02}, 0.05)
	for i, want := range []float64{0.06, 0.04, 0.06, 0.06} {
		near(t, "adjusted p", adjusted[i], want, 1e-15)
	}
	for i, want := range []float64{0.05 / 3, 0.0125, 0.05 / 3, 0.05 / 3} {
		near(t, "level", levels[i], want, 1e-15)
	}
	adjusted, _ = verify.Holm([]float64{0.5, math.NaN()}, 0.01)
	if adjusted[1] >= 0.01 {
		t.Errorf("a statistic that is NaN passes with p = %v", adjusted[1])
	}
}

func TestHolmRejectsWhatLevelsAndAdjustedPValuesBothReject(t *testing.T) {
	r := rng.Stream(1, "test")
	for range 200 {
		p := make([]float64, 6)
		for i := range p {
			p[i] = math.Pow(r.Float64(), 4)
		}
		adjusted, levels := verify.Holm(p, 0.05)
		for i := range p {
			if (adjusted[i] < 0.05) != (p[i] < levels[i]) {
				t.Fatalf("p %v: adjusted %v, levels %v", p, adjusted, levels)
			}
		}
	}
}

func TestKolmogorovSmirnovMatchesPublishedCriticalValues(t *testing.T) {
	// Smirnov (1948), Ann. Math. Stat. 19, 279; Massey (1951), JASA 46, 68; and the
	// asymptotic 1.6276/sqrt(N), 1.3581/sqrt(N).
	for _, c := range []struct {
		n            int
		level, value float64
	}{{10, 0.01, 0.489}, {20, 0.05, 0.294}, {20, 0.01, 0.352}, {50, 0.05, 0.188}, {10000, 0.01, 0.016276}, {10000, 0.05, 0.013581}} {
		_, high := verify.Uniform(make([]float64, c.n)).Accept(c.level)
		near(t, "critical value", high, c.value, 0.004*c.value+0.0005)
	}
}

func TestUniformFindsTheLargestDeviation(t *testing.T) {
	// Steps at .2, .5, .9: 1/3 - .2, 2/3 - .5 and .9 - 2/3.
	near(t, "D", verify.Uniform([]float64{0.9, 0.2, 0.5}).Statistic, 0.9-2./3, 1e-15)
}

func TestCoverageHasTheBinomialLaw(t *testing.T) {
	ranks := []float64{0.02, 0.06, 0.5, 0.5, 0.94, 0.99, 0.3, 0.4, 0.6, 0.7}
	c := verify.Coverage(ranks, 0.9)
	near(t, "share", c.Statistic, 0.8, 1e-15)
	// P(X <= 7) = 0.0701908264, P(X <= 8) = 0.2639010709 for n = 10, p = .9.
	near(t, "mid-P", c.P, 0.0701908264+0.2639010709, 1e-9)
}

func TestATCIsTheAreaBetweenTheCurves(t *testing.T) {
	f := []float64{0.1, 0.6, 0.9}
	var area float64
	const n = 200000
	for i := range n {
		a := 0.5 + 0.5*(float64(i)+0.5)/n
		for _, v := range f {
			if v < a {
				area += 1. / 3 * 0.5 / n
			}
		}
		area -= a * 0.5 / n
	}
	c := verify.AreaToCurve(f)
	near(t, "area", c.Statistic, area, 1e-5)
	_, high := verify.AreaToCurve(make([]float64, 500)).Accept(0.01)
	near(t, "threshold at N = 500", high, 0.0186, 1e-4)
}

func TestNumberOfCasesMatchesThePublishedTable(t *testing.T) {
	for _, c := range []struct {
		ratio float64
		want  int
	}{{0.7, 50}, {0.8, 130}, {0.9, 630}, {0.95, 2700}} {
		n := verify.SpreadCases(0.9, 0.01, c.ratio)
		if math.Abs(float64(n-c.want)) > 0.1*float64(c.want) {
			t.Errorf("ratio %v: %d cases, the table has %d", c.ratio, n, c.want)
		}
		if verify.SpreadPower(n, 0.01, c.ratio) < 0.9 || verify.SpreadPower(n-1, 0.01, c.ratio) >= 0.9 {
			t.Errorf("ratio %v: %d is not the least number", c.ratio, n)
		}
	}
	// (2.576 + 1.282)^2 / 0.3^2 for a shift.
	near(t, "cases for a shift", float64(verify.ShiftCases(0.9, 0.01, 0.3)), math.Ceil(14.879/0.09), 1)
}

func TestPowerIsWhatSimulationReaches(t *testing.T) {
	const repeats, n = 400, 150
	caught := 0
	for k := range uint64(repeats) {
		if verify.SpreadTest(bench{0.8, 0}.draw(rng.Stream(3, "test", k), n, 200)).Fails(0.01) {
			caught++
		}
	}
	want := verify.SpreadPower(n, 0.01, 0.8)
	near(t, "power", float64(caught)/repeats, want, 4*math.Sqrt(want*(1-want)/repeats)+0.01)
}

func TestSpreadRatioIsTheErrorPlanted(t *testing.T) {
	c := verify.SpreadTest(bench{0.8, 0}.draw(rng.Stream(4, "test"), 4000, 100))
	ratio, low, high := verify.SpreadRatio(c.Statistic, c.Cases, 0.999)
	if !(low < 0.8 && 0.8 < high) || high-low > 0.1 {
		t.Errorf("ratio %v in [%v, %v], planted 0.8", ratio, low, high)
	}
}

func TestContrastsTellBiasFromSpread(t *testing.T) {
	slope, bowl := verify.Contrasts([]int{30, 20, 10, 20, 30})
	near(t, "slope of a symmetric histogram", slope, 0, 1e-12)
	if bowl < 2 {
		t.Errorf("bowl of a U is %v", bowl)
	}
	slope, bowl = verify.Contrasts([]int{10, 15, 20, 25, 30})
	near(t, "bowl of a slope", bowl, 0, 1e-12)
	if slope < 2 {
		t.Errorf("slope is %v", slope)
	}
	counts := []int{31, 18, 22, 17, 12}
	slope, bowl = verify.Contrasts(counts)
	var chi2 float64
	for _, n := range counts {
		chi2 += (float64(n) - 20) * (float64(n) - 20) / 20
	}
	if slope*slope+bowl*bowl > chi2 {
		t.Errorf("the contrasts %v and %v are more than the whole chi-square %v", slope, bowl, chi2)
	}
}

func TestDecorrelationOfAnAutoregressionIsItsIntegratedTime(t *testing.T) {
	const a = 0.8
	r := rng.Stream(5, "test")
	x := make([]float64, 50000)
	for t := 1; t < len(x); t++ {
		x[t] = a*x[t-1] + r.NormFloat64()
	}
	near(t, "thinning", float64(verify.Decorrelation(x)), 2*(1+a)/(1-a), 3)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	if n := verify.Decorrelation(x); n > 3 {
		t.Errorf("white noise is thinned by %d", n)
	}
	if n := verify.Decorrelation([]float64{1, 1, 1}); n != 1 {
		t.Errorf("a constant is thinned by %d", n)
	}
}

func TestNoCasesShowNothingAndFail(t *testing.T) {
	_, histogram := verify.Histogram(nil, 5)
	for name, c := range map[string]verify.Check{
		"SpreadTest": verify.SpreadTest(nil), "BiasTest": verify.BiasTest(nil), "Uniform": verify.Uniform(nil),
		"Coverage": verify.Coverage(nil, 0.9), "Histogram": histogram, "AreaToCurve": verify.AreaToCurve(nil),
		"RankSpread": verify.RankSpread(nil), "RankBias": verify.RankBias(nil), "Paired": verify.Paired(nil, nil),
	} {
		if low, _ := c.Accept(0.01); !c.Fails(0.01) || !math.IsNaN(low) {
			t.Errorf("%s of no cases passes", name)
		}
	}
}

func TestOneMemberIsNotASpread(t *testing.T) {
	if c := verify.SpreadTest([]verify.Draws{{Truth: 1, Members: []float64{2}}}); !math.IsNaN(c.P) || !c.Fails(0.01) {
		t.Errorf("p = %v", c.P)
	}
}
