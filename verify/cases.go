// How many cases a test needs: if ensembles have c times the right standard
// deviation, z^2 of a case is chi-square over c^2, and the two-sided test at a
// level rejects with the probability (power)
//
//	P(X < c^2 q_low) + P(X > c^2 q_high),  X ~ chi-square of N degrees of freedom,
//
// q being the quantiles of that law at level/2 and 1 - level/2. For a power of
// 0.9 at the level 0.01: about 50 cases for c = 0.7, 130 for 0.8, 640 for 0.9, 2,700
// for 0.95.

package verify

import (
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// MostCases is where the search for a number of cases ends.
const MostCases = 1 << 24

// SpreadPower is the probability that SpreadTest of n independent cases rejects
// at a level, if the ensembles' standard deviation is ratio times the right one.
func SpreadPower(n int, level, ratio float64) float64 {
	k := float64(n)
	law := distuv.ChiSquared{K: k}
	square := ratio * ratio
	return mathext.GammaIncReg(k/2, square*law.Quantile(level/2)/2) +
		mathext.GammaIncRegComp(k/2, square*law.Quantile(1-level/2)/2)
}

// ShiftPower is the probability that BiasTest of n independent cases rejects at a
// level, if the ensembles are shifted by shift standard deviations.
func ShiftPower(n int, level, shift float64) float64 {
	critical := distuv.UnitNormal.Quantile(1 - level/2)
	mean := math.Abs(shift) * math.Sqrt(float64(n))
	return distuv.UnitNormal.CDF(mean-critical) + distuv.UnitNormal.CDF(-mean-critical)
}

// SpreadCases is the least number of independent cases with which SpreadTest at a
// level finds the ratio of standard deviations, not 1, with a power; MostCases
// if that is not enough.
func SpreadCases(power, level, ratio float64) int {
	return leastCases(power, func(n int) float64 { return SpreadPower(n, level, ratio) })
}

// ShiftCases is the like number for a shift, not 0, in standard deviations.
func ShiftCases(power, level, shift float64) int {
	return leastCases(power, func(n int) float64 { return ShiftPower(n, level, shift) })
}

// UniformCases is a guide to the cases with which Uniform finds a wrong spread:
// six times those of SpreadTest, as measured.
func UniformCases(power, level, ratio float64) int {
	return min(MostCases, 6*SpreadCases(power, level, ratio))
}

func leastCases(power float64, reached func(n int) float64) int {
	high := 2
	for reached(high) < power {
		if high *= 2; high >= MostCases {
			return MostCases
		}
	}
	low := high / 2 // 1, or not enough
	for low+1 < high {
		if middle := (low + high) / 2; reached(middle) < power {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}
