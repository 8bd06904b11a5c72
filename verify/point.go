// Error of the ensemble mean and spread about it. With the mean xb and the
// unbiased variance s2 of the members at each state and component,
//
//	RMSE^2 = mean (xb-y)^2,  Spread^2 = mean s2,
//	SpreadSkill^2 = (M+1)/M Spread^2 / RMSE^2.

package verify

import "math"

// RMSE is the root of the mean, over states and components, of the squared
// error of the ensemble mean.
func RMSE(ensemble, truth *Sample) float64 {
	return math.Sqrt(mean(SquaredErrorByTime(ensemble, truth)))
}

// Spread is the root of the mean, over states and components, of the unbiased
// variance of the members. NaN for one member.
func Spread(ensemble *Sample) float64 {
	return math.Sqrt(mean(VarianceByTime(ensemble)))
}

// SpreadSkill is the spread-skill ratio of one ensemble: below 1 it is
// overconfident, above 1 too wide. NaN for one member.
func SpreadSkill(ensemble, truth *Sample) float64 {
	variance := mean(VarianceByTime(ensemble))
	m := ensemble.EffectiveSize()
	return math.Sqrt((m + 1) / m * variance / mean(SquaredErrorByTime(ensemble, truth)))
}

// SpreadSkillRatio is the spread-skill ratio given the mean variance and the
// mean squared error of ensembles of that many members. Use it to pool cases:
// pool the means, then take the ratio.
func SpreadSkillRatio(variance, squaredError float64, members int) float64 {
	m := float64(members)
	return math.Sqrt((m + 1) / m * variance / squaredError)
}

// SquaredErrorByTime is, for each state, the mean over components of the
// squared error of the ensemble mean.
func SquaredErrorByTime(ensemble, truth *Sample) []float64 {
	y := truthValues(ensemble, truth)
	squares := ensembleMean(ensemble)
	for i, m := range squares {
		e := m - float64(y[i])
		squares[i] = e * e
	}
	return byTime(squares, ensemble.Size)
}

// VarianceByTime is, for each state, the mean over components of the unbiased
// variance of the members. NaN for one member.
func VarianceByTime(ensemble *Sample) []float64 {
	centre := ensembleMean(ensemble)
	variance := make([]float64, len(centre))
	for m := range ensemble.Members {
		w := ensemble.share(m)
		for i, x := range ensemble.Member(m) {
			d := float64(x) - centre[i]
			variance[i] += w * d * d
		}
	}
	divisor := ensemble.freedom()
	for i := range variance {
		variance[i] /= divisor
	}
	return byTime(variance, ensemble.Size)
}

// ensembleMean is the mean trajectory.
func ensembleMean(ensemble *Sample) []float64 {
	sum := make([]float64, ensemble.width())
	for m := range ensemble.Members {
		w := ensemble.share(m)
		for i, x := range ensemble.Member(m) {
			sum[i] += w * float64(x)
		}
	}
	if ensemble.Weights == nil {
		for i := range sum {
			sum[i] /= float64(ensemble.Members)
		}
	}
	return sum
}

// share is the weight of member m, or 1 for each if weights are equal: sums are
// then divided at their end, which rounds less.
func (s *Sample) share(m int) float64 {
	if s.Weights == nil {
		return 1
	}
	return s.Weights[m]
}

// freedom is the divisor that makes the sum of share x square unbiased: M-1, or
// 1 - sum w^2.
func (s *Sample) freedom() float64 {
	if s.Weights == nil {
		return float64(s.Members - 1)
	}
	return 1 - 1/s.EffectiveSize()
}

// byTime averages the components of each state.
func byTime(values []float64, size int) []float64 {
	means := make([]float64, len(values)/size)
	for t := range means {
		means[t] = mean(values[t*size : (t+1)*size])
	}
	return means
}

func mean(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
