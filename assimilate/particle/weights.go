package particle

import "math"

// normalise subtracts the log of the sum of exponentials from the log weights,
// writes the weights themselves, and returns what it subtracted; infinite, and
// nothing done, if no weight is positive.
func normalise(weights, logWeights []float64) float64 {
	top := math.Inf(-1)
	for _, l := range logWeights {
		top = max(top, l)
	}
	if math.IsInf(top, 0) {
		return top
	}
	var sum float64
	for i, l := range logWeights {
		weights[i] = math.Exp(l - top)
		sum += weights[i]
	}
	shift := top + math.Log(sum)
	for i := range weights {
		weights[i] /= sum
		logWeights[i] -= shift
	}
	return shift
}

// ess is the effective sample size of normalised weights: from 1 to their
// number.
func ess(weights []float64) float64 {
	var squares float64
	for _, w := range weights {
		squares += w * w
	}
	return 1 / squares
}

// systematic resamples: the n ancestors are the particles at which the
// cumulative weight passes (k + u)/n of the total, k = 0..n-1, one uniform u
// for all. Particle i gets n w_i offspring, rounded up or down, and ancestors
// do not decrease. Kitagawa (1996), J. Comput. Graph. Stat. 5, 1.
func systematic(ancestors []int32, weights []float64, u float64) {
	_, last, total := support(weights)
	i, cumulative := 0, weights[0]
	for k := range ancestors {
		level := (float64(k) + u) / float64(len(ancestors)) * total
		for cumulative <= level && i < last {
			i++
			cumulative += weights[i]
		}
		ancestors[k] = int32(i)
	}
}
