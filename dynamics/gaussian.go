package dynamics

import "math"

// halfLogTwoPi is log(2 pi)/2, the normalisation of a standard normal.
const halfLogTwoPi = 0.91893853320467274178

// LogGaussian is the log-density at x of independent Gaussian components with
// the given means and standard deviations: what the LogTransition of an
// [AdditiveNoise] model returns when mean is the flow of the earlier state. If
// a standard deviation is zero there is no density, and the result is -Inf.
func LogGaussian(x, mean, sd []float64) float64 {
	checkSize(mean, len(x))
	checkSize(sd, len(x))
	var sum float64
	for i, s := range sd {
		if s == 0 {
			return math.Inf(-1)
		}
		z := (x[i] - mean[i]) / s
		sum -= z*z/2 + math.Log(s) + halfLogTwoPi
	}
	return sum
}
