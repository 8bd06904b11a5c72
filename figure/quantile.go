package figure

import (
	"math"
	"slices"
)

// Quantile returns the quantile of probability p in [0, 1] of values in
// increasing order: Hyndman and Fan's type 7 (Sample Quantiles in Statistical
// Packages, 1996), which puts the i-th of n values at p = i/(n-1) and is linear
// between. It panics if sorted is empty or p is outside [0, 1].
func Quantile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 || !(p >= 0 && p <= 1) {
		panic("figure: quantile of nothing or of a probability outside [0, 1]")
	}
	position := p * float64(len(sorted)-1)
	below := int(position)
	if below+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	share := position - float64(below)
	// Equal neighbours give themselves exactly, and large ones of opposite sign
	// do not overflow as they would by their difference.
	return sorted[below] + (share*sorted[below+1] - share*sorted[below])
}

// quartiles sorts a copy of values, which must not be empty.
func quartiles(values []float64) (lower, median, upper float64) {
	sorted := slices.Sorted(slices.Values(values))
	return Quantile(sorted, 0.25), Quantile(sorted, 0.5), Quantile(sorted, 0.75)
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
