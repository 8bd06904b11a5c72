// The continuous ranked probability score of an ensemble, in its fair form
// (Ferro 2014, QJRMS 140, 1917):
//
//	(1/M) sum_m |x_m-y| - 1/(2M(M-1)) sum_mn |x_m-x_n|.
//
// The double sum is 2 sum_i (2i-M-1) x_(i) over the sorted members, i from 1,
// which makes the score O(M log M).

package verify

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
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
			scores[i] = fairCRPS(column, ensemble.Weights, float64(y[i]))
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

// BiasedCRPS is the CRPS of the step function of the members, whose double sum is
// divided by 2M^2: the one of DAPPER and properscoring. Its expectation depends on
// M. It sorts members in place.
func BiasedCRPS(members []float64, y float64) float64 {
	m := float64(len(members))
	var skill float64
	for _, x := range members {
		skill += math.Abs(x-y) / m
	}
	if len(members) == 1 {
		return skill
	}
	// fair = biased - (skill - biased)/(M-1)
	return (FairCRPS(members, y)*(m-1) + skill) / m
}

// WeightedCRPS is the fair CRPS of weighted members,
//
//	sum_m w_m |x_m-y| - sum_mn w_m w_n |x_m-x_n| / (2 (1 - sum w^2)) ,
//
// with weights that sum to 1: FairCRPS if they are equal. Neither slice is
// changed. NaN if one member has all the weight.
func WeightedCRPS(members, weights []float64, y float64) float64 {
	order := make([]int, len(members))
	for m := range order {
		order[m] = m
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(members[a], members[b]) })
	var skill, pairs, below, squares float64
	for _, m := range order {
		w, d := weights[m], members[m]-y
		skill += w * math.Abs(d)
		pairs += w * d * (2*below + w - 1) // weight below minus weight above
		below += w
		squares += w * w
	}
	return skill - pairs/(1-squares)
}

func fairCRPS(members, weights []float64, y float64) float64 {
	if weights == nil {
		return FairCRPS(members, y)
	}
	return WeightedCRPS(members, weights, y)
}

// GaussianCRPS is the CRPS of a normal law,
//
//	sd (z (2 Phi(z) - 1) + 2 phi(z) - 1/sqrt(pi)),  z = (y - mean)/sd
//
// (Gneiting et al. 2005, Mon. Weather Rev. 133, 1098).
func GaussianCRPS(mean, sd, y float64) float64 {
	z := (y - mean) / sd
	return sd * (z*math.Erf(z/math.Sqrt2) + 2*distuv.UnitNormal.Prob(z) - 1/math.Sqrt(math.Pi))
}
