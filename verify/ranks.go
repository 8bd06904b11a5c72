// Tests on ranks: under the null the ranks of independent cases are independent
// and uniform on (0, 1), for any scalar function, any posterior and any number of
// members (Draws.Rank). This is simulation-based calibration (SBC).
//
// Cases must be independent. Ranks along one long run are not: thin them by
// Decorrelation first.

package verify

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// Uniform is the Kolmogorov-Smirnov test of ranks,
//
//	D = sup over a of |#{r_i < a}/N - a| ,
//
// with P by the law of Kolmogorov in the form of Stephens (1970, JRSS B 32, 115),
// good to about 1e-3 of P from N = 5. A deviation of .072 is significant at 1 % for
// N = 512. It notices that ranks are off centre; it is weak against a wrong
// spread, for which it needs six times the cases of SpreadTest.
func Uniform(ranks []float64) Check {
	if len(ranks) == 0 {
		return nothing()
	}
	sorted := slices.Sorted(slices.Values(ranks))
	n := float64(len(sorted))
	var d float64
	for i, r := range sorted {
		d = max(d, float64(i+1)/n-r, r-float64(i)/n)
	}
	if hasNaN(ranks) {
		d = math.NaN()
	}
	return Check{
		Statistic: d, P: kolmogorov(d, n), Cases: len(ranks),
		accept: func(level float64) (float64, float64) {
			return 0, bisect(func(d float64) float64 { return -kolmogorov(d, n) }, -level, 0, 1)
		},
	}
}

// kolmogorov is P(D > d) for n values.
func kolmogorov(d, n float64) float64 {
	if math.IsNaN(d) {
		return d
	}
	root := math.Sqrt(n)
	lambda := (root + 0.12 + 0.11/root) * d
	if lambda < 0.3 { // above 1 - 1e-5, and the series converges slowly
		return 1
	}
	var sum float64
	for k, sign := 1., 1.; k < 100; k, sign = k+1, -sign {
		sum += sign * math.Exp(-2*k*k*lambda*lambda)
	}
	return min(1, max(0, 2*sum))
}

// Coverage is the share of cases whose truth lies in the central interval of a
// level such as 0.9, |r - 1/2| <= level/2. The randomised rank makes the expected
// share exact for any number of members, weighted ones included. P is the
// mid-P of the binomial law, two-sided, whose rate of false alarms is closest to
// nominal (Lancaster 1961, JASA 56, 223).
func Coverage(ranks []float64, level float64) Check {
	if len(ranks) == 0 {
		return nothing()
	}
	inside := 0
	for _, r := range ranks {
		if math.Abs(r-0.5) <= level/2 {
			inside++
		}
	}
	n := len(ranks)
	share := float64(inside) / float64(n)
	if hasNaN(ranks) {
		share = math.NaN()
	}
	p := math.NaN()
	if !math.IsNaN(share) {
		p = midP(inside, n, level)
	}
	return Check{
		Statistic: share, Expected: level, P: p, Cases: n,
		accept: func(alpha float64) (float64, float64) { return binomialRange(n, level, alpha) },
	}
}

// midP is twice the smaller tail of the binomial law, k itself counted half.
func midP(k, n int, share float64) float64 {
	at := binomialCDF(k, n, share)
	below := binomialCDF(k-1, n, share)
	half := (at + below) / 2
	return min(1, 2*min(half, 1-half))
}

// binomialCDF is P(X <= k) by the incomplete beta function.
func binomialCDF(k, n int, share float64) float64 {
	switch {
	case k < 0:
		return 0
	case k >= n:
		return 1
	}
	return mathext.RegIncBeta(float64(n-k), float64(k+1), 1-share)
}

// binomialRange is the range of shares that are not significant.
func binomialRange(n int, share, alpha float64) (low, high float64) {
	first, last := n, 0
	for k := range n + 1 {
		if midP(k, n, share) >= alpha {
			first, last = min(first, k), max(last, k)
		}
	}
	return float64(first) / float64(n), float64(last) / float64(n)
}

// RankSpread tests the spread of ranks by normal scores: z_i = Phi^-1(r_i) is
// exactly N(0, 1) for any posterior, so that sum z_i^2 has the chi-square law with N
// degrees of freedom. The statistic is mean z^2: above 1 ensembles are too narrow,
// below 1 too wide. It has about the power of SpreadTest and needs no Gaussian
// posterior; a truth beyond all of M members weighs no more than M tell.
func RankSpread(ranks []float64) Check { return spreadOf(normalScores(ranks)) }

// RankBias tests the location of ranks by normal scores: the statistic is mean
// z, with the law N(0, 1/N).
func RankBias(ranks []float64) Check { return biasOf(normalScores(ranks)) }

func normalScores(ranks []float64) []float64 {
	z := make([]float64, len(ranks))
	for i, r := range ranks {
		z[i] = distuv.UnitNormal.Quantile(min(max(r, 1e-300), 1-1e-16))
	}
	return z
}

// Histogram counts ranks in equal bins and tests them by chi-square,
//
//	sum_j (n_j - N/B)^2 / (N/B),  B-1 degrees of freedom,
//
// the test of the rank histogram (Anderson 1996, J. Climate 9, 1518). Have five
// ranks a bin at least.
func Histogram(ranks []float64, bins int) (counts []int, check Check) {
	counts = make([]int, bins)
	if len(ranks) == 0 {
		return counts, nothing()
	}
	for _, r := range ranks {
		counts[min(bins-1, max(0, int(r*float64(bins))))]++
	}
	expected := float64(len(ranks)) / float64(bins)
	var chi2 float64
	for _, n := range counts {
		d := float64(n) - expected
		chi2 += d * d / expected
	}
	if hasNaN(ranks) {
		chi2 = math.NaN()
	}
	check = upperChiSquare(chi2, float64(bins-1))
	check.Cases = len(ranks)
	return counts, check
}

// Contrasts split the chi-square of a histogram into parts of one degree of
// freedom each (Jolliffe & Primo 2008, Mon. Weather Rev. 136, 2133): slope is
// positive where truths lie high among members (ensembles biased low), and bowl is
// positive for a U (too narrow), negative for a dome (too wide). Both are N(0, 1)
// under the null.
func Contrasts(counts []int) (slope, bowl float64) {
	bins := float64(len(counts))
	var total, linear, linearNorm, square, squareNorm float64
	mean := (bins*bins - 1) / 12 // of the squared distance from the middle
	for j, n := range counts {
		x := float64(j) - (bins-1)/2
		total += float64(n)
		linear += x * float64(n)
		linearNorm += x * x
		square += (x*x - mean) * float64(n)
		squareNorm += (x*x - mean) * (x*x - mean)
	}
	expected := total / bins
	return linear / math.Sqrt(linearNorm*expected), square / math.Sqrt(squareNorm*expected)
}

// upperChiSquare is a test that fails for large values only.
func upperChiSquare(statistic, freedom float64) Check {
	law := distuv.ChiSquared{K: freedom}
	p := math.NaN()
	if !math.IsNaN(statistic) {
		p = mathext.GammaIncRegComp(freedom/2, statistic/2)
	}
	return Check{
		Statistic: statistic, Expected: freedom, P: p,
		accept: func(level float64) (float64, float64) { return math.Inf(-1), law.Quantile(1 - level) },
	}
}

// Decorrelation is the number of steps after which values of a series are about
// independent: twice the integrated autocorrelation time
//
//	1 + 2 sum_k rho_k,
//
// the sum ending before the first pair of lags whose correlations sum to less than
// nothing (Geyer 1992, Stat. Sci. 7, 473). At least 1.
func Decorrelation(series []float64) int {
	n := len(series)
	centre := mean(series)
	covariance := func(lag int) (sum float64) {
		for t := range n - lag {
			sum += (series[t] - centre) * (series[t+lag] - centre)
		}
		return sum / float64(n)
	}
	variance := covariance(0)
	if !(variance > 0) {
		return 1
	}
	time := -1.
	for k := 0; 2*k+1 < n; k++ {
		pair := (covariance(2*k) + covariance(2*k+1)) / variance
		if pair <= 0 {
			break
		}
		time += 2 * pair
	}
	return max(1, int(math.Ceil(2*time-1)))
}

func hasNaN(values []float64) bool { return slices.ContainsFunc(values, math.IsNaN) }
