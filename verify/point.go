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
	return SpreadSkillRatio(variance, mean(SquaredErrorByTime(ensemble, truth)), ensemble.Members)
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
		for i, x := range ensemble.Member(m) {
			d := float64(x) - centre[i]
			variance[i] += d * d
		}
	}
	for i := range variance {
		variance[i] /= float64(ensemble.Members - 1)
	}
	return byTime(variance, ensemble.Size)
}

// ensembleMean is the mean trajectory.
func ensembleMean(ensemble *Sample) []float64 {
	sum := make([]float64, ensemble.width())
	for m := range ensemble.Members {
		for i, x := range ensemble.Member(m) {
			sum[i] += float64(x)
		}
	}
	for i := range sum {
		sum[i] /= float64(ensemble.Members)
	}
	return sum
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
