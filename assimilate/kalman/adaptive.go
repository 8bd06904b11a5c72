package kalman

// Inflation estimated from the innovations (Miyoshi 2011, Mon. Weather Rev. 139,
// 1519). In units of the noise the sum of squares of p innovations is, on
// average, p plus v times the summed variance t of the predicted values, v being
// the factor by which prior variances are too small. So
//
//	v_o = (d^T d - p)/t          with variance  (2/p) ((v t + p)/t)^2
//
// is an observation of v, which a scalar Kalman filter combines with the v of
// the cycle before, whose standard deviation is taken to be the same in every
// cycle. The LETKF keeps a v for each local analysis, and its sums weigh values
// by their taper.

import "math"

// The range of the factor on prior variances.
const (
	leastAdaptive = 0.9
	mostAdaptive  = 100
)

type adaptation struct {
	v        float64
	variance float64 // of the change of v in a cycle
}

func newAdaptation(sd float64) *adaptation { return &adaptation{1, sd * sd} }

// factor is the inflation of anomalies.
func (a *adaptation) factor() float64 { return math.Sqrt(a.v) }

// learn uses the sum of squares of p innovations (a sum of weights, if they
// are weighed) and that of the variances predicted with the present inflation.
func (a *adaptation) learn(innovations, spread, p float64) {
	t := spread / a.v
	if !(t > 0 && p > 0) {
		return
	}
	observed := (innovations - p) / t
	variance := 2 / p * square((spread+p)/t)
	a.v = clip((a.v*variance+observed*a.variance)/(variance+a.variance), leastAdaptive, mostAdaptive)
}
