// The z^2 test of the spread and the z test of the bias of ensembles. With the
// standard scores z_i of independent cases (Draws.Score), exactly N(0, 1) if
// posteriors are Gaussian,
//
//	sum z_i^2 ~ chi-square with N degrees of freedom,  sqrt(N) mean z ~ N(0, 1) .
//
// If the ensembles' standard deviation is c times the right one, z^2 is 1/c^2 on
// average. This is the most powerful test of a wrong spread; RankSpread is its
// twin where posteriors are not Gaussian.

package verify

import (
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// SpreadTest tests the spread of ensembles over independent cases with Gaussian
// posteriors. The statistic is mean z^2, without units: 1 is right, above 1 too
// narrow. An error of location raises it too: read BiasTest beside it. P is
// two-sided.
func SpreadTest(cases []Draws) Check { return spreadOf(scoresOf(cases)) }

// BiasTest tests the location of ensembles over independent cases: the statistic is
// mean z, in standard deviations of the posterior; positive if truths lie above
// ensembles.
func BiasTest(cases []Draws) Check { return biasOf(scoresOf(cases)) }

func scoresOf(cases []Draws) []float64 {
	z := make([]float64, len(cases))
	for i, d := range cases {
		z[i] = d.Score()
	}
	return z
}

func spreadOf(z []float64) Check {
	n := float64(len(z))
	if n == 0 {
		return nothing()
	}
	var sum float64
	for _, v := range z {
		sum += v * v
	}
	return ChiSquare(sum, n)
}

func twoSidedChiSquare(sum, freedom float64) float64 {
	switch {
	case math.IsNaN(sum) || !(freedom > 0):
		return math.NaN()
	case math.IsInf(sum, 1):
		return 0
	}
	low, high := mathext.GammaIncReg(freedom/2, sum/2), mathext.GammaIncRegComp(freedom/2, sum/2)
	return min(1, 2*min(low, high))
}

func biasOf(z []float64) Check {
	root := math.Sqrt(float64(len(z)))
	if len(z) == 0 {
		return nothing()
	}
	return normalCheck(mean(z), 0, 1/root, len(z))
}

// normalCheck is a two-sided test of a statistic that is normal under the null.
func normalCheck(statistic, expected, sd float64, cases int) Check {
	return Check{
		Statistic: statistic, Expected: expected, Cases: cases,
		P: math.Erfc(math.Abs(statistic-expected) / sd / math.Sqrt2),
		accept: func(level float64) (float64, float64) {
			half := sd * distuv.UnitNormal.Quantile(1-level/2)
			return expected - half, expected + half
		},
	}
}

// SpreadRatio estimates c, the ensembles' standard deviation over the right one,
// from mean z^2 of n cases, with the interval of a confidence such as 0.95: c is
// 1/sqrt(mean z^2) if there is no bias.
func SpreadRatio(meanSquare float64, n int, confidence float64) (ratio, low, high float64) {
	law := distuv.ChiSquared{K: float64(n)}
	tail := (1 - confidence) / 2
	sum := meanSquare * float64(n)
	return 1 / math.Sqrt(meanSquare), math.Sqrt(law.Quantile(tail) / sum), math.Sqrt(law.Quantile(1-tail) / sum)
}

// Paired tests whether two methods score alike on common cases: the statistic is
// the mean difference, its standard error that of independent cases, and P that of
// Student's law. Use it for CRPS, energy and variogram scores against those of an
// exact posterior. NaN for fewer than two cases.
func Paired(a, b []float64) Check {
	if len(a) != len(b) {
		panic("verify: paired scores differ in number")
	}
	n := len(a)
	if n < 2 {
		return nothing()
	}
	difference := make([]float64, n)
	for i := range a {
		difference[i] = a[i] - b[i]
	}
	centre := mean(difference)
	var square float64
	for _, d := range difference {
		square += (d - centre) * (d - centre)
	}
	standardError := math.Sqrt(square / float64(n-1) / float64(n))
	check := Check{Statistic: centre, P: math.NaN(), Cases: n}
	law := distuv.StudentsT{Sigma: 1, Nu: float64(n - 1)}
	check.accept = func(level float64) (float64, float64) {
		half := standardError * law.Quantile(1-level/2)
		return -half, half
	}
	switch {
	case math.IsNaN(centre):
	case standardError == 0 && centre == 0:
		check.P = 1
	default:
		check.P = 2 * law.CDF(-math.Abs(centre)/standardError)
	}
	return check
}
