// Proper scores of whole trajectories, flat vectors of n values. With weights
// w_m summing to 1 and pairs divided as in the fair CRPS:
//
//	energy     sum_m w_m |x_m-y| - sum_mn w_m w_n |x_m-x_n| / (2 (1 - sum w^2))
//	variogram  sum_ij (|y_i-y_j|^p - sum_m w_m |x_mi-x_mj|^p)^2
//
// The energy score (Gneiting & Raftery 2007, JASA 102, 359) hardly sees whether
// values depend on each other as they should; the variogram score (Scheuerer &
// Hamill 2015, Mon. Weather Rev. 143, 1321) does. Smaller is better.

package verify

import "math"

// EnergyScore is the fair energy score, in units of the state; of one value it is
// the fair CRPS. NaN for one member.
func EnergyScore(ensemble, truth *Sample) float64 {
	y := truthValues(ensemble, truth)
	var skill, pairs, squares float64
	for m := range ensemble.Members {
		w := ensemble.weight(m)
		skill += w * distance(ensemble.Member(m), y)
		squares += w * w
		for k := range m {
			pairs += w * ensemble.weight(k) * distance(ensemble.Member(m), ensemble.Member(k))
		}
	}
	return skill - pairs/(1-squares)
}

// VariogramScore is the variogram score of order p, usually 1/2, over the pairs
// (i, j) of values of a trajectory at most reach values apart (reach 0: all pairs),
// each pair counted once and with weight 1; in units of the state to the power
// 2p. Its work is members x values x reach.
func VariogramScore(ensemble, truth *Sample, p float64, reach int) float64 {
	y := truthValues(ensemble, truth)
	if reach <= 0 {
		reach = len(y)
	}
	var score float64
	for i := range y {
		for j := i + 1; j < min(len(y), i+reach+1); j++ {
			var expected float64
			for m := range ensemble.Members {
				x := ensemble.Member(m)
				expected += ensemble.weight(m) * math.Pow(math.Abs(float64(x[i])-float64(x[j])), p)
			}
			d := math.Pow(math.Abs(float64(y[i])-float64(y[j])), p) - expected
			score += d * d
		}
	}
	return score
}

// weight is that of member m.
func (s *Sample) weight(m int) float64 {
	if s.Weights == nil {
		return 1 / float64(s.Members)
	}
	return s.Weights[m]
}
