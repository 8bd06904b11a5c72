// The continuous ranked probability score of an ensemble, in its fair form
// (Ferro 2014, QJRMS 140, 1917):
//
//	(1/M) sum_m |x_m-y| - 1/(2M(M-1)) sum_mn |x_m-x_n|.
//
// The double sum is 2 sum_i (2i-M-1) x_(i) over the sorted members, i from 1,
// which makes the score O(M log M).

package verify

import (
	"math"
	"slices"
)

// CRPS is the mean over states and components of the fair continuous ranked
// probability score, in units of the state; smaller is better. NaN for one
// member.
func CRPS(ensemble, truth *Sample) float64 {
	return mean(CRPSByTime(ensemble, truth))
}

// CRPSByTime is, for each state, the mean over components of the fair CRPS.
func CRPSByTime(ensemble, truth *Sample) []float64 {
	y := truthValues(ensemble, truth)
	scores := make([]float64, len(y))
	const tile = 64 // columns gathered at once, so that members are read in runs
	columns := make([]float64, tile*ensemble.Members)
	for first := 0; first < len(y); first += tile {
		end := min(first+tile, len(y))
		gather(columns, ensemble, first, end)
		for i := first; i < end; i++ {
			column := columns[(i-first)*ensemble.Members:][:ensemble.Members]
			scores[i] = FairCRPS(column, float64(y[i]))
		}
	}
	return byTime(scores, ensemble.Size)
}

// gather transposes values first to end of every member into columns, one
// column of Members values for each.
func gather(columns []float64, ensemble *Sample, first, end int) {
	for m := range ensemble.Members {
		for i, x := range ensemble.Member(m)[first:end] {
			columns[i*ensemble.Members+m] = float64(x)
		}
	}
}

// FairCRPS is the fair CRPS of an ensemble of one quantity against the value y
// that occurred. It sorts members in place. NaN for one member.
func FairCRPS(members []float64, y float64) float64 {
	slices.Sort(members)
	count := len(members)
	var skill, pairs float64
	for i, x := range members {
		d := x - y // the weights of pairs sum to zero: y may be taken out first
		skill += math.Abs(d)
		pairs += float64(2*(i+1)-count-1) * d
	}
	m := float64(count)
	return skill/m - pairs/(m*(m-1))
}
