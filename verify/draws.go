// A scalar function q of trajectories turns a case (a truth drawn from the prior,
// observations of it, an ensemble drawn given these) into numbers: q of the truth
// and of the members. If the ensemble is drawn from the posterior, the truth is
// one more draw from it, whatever q is and whether or not q looks at the
// observations. Every test of calibration in this package is a consequence.

package verify

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Draws is what one case says of a scalar function: its value at the truth and
// at the members, in the units of the function.
type Draws struct {
	Truth   float64
	Members []float64 // at least one
	// Weights of the members, not negative and summing to 1; nil if they are
	// equal.
	Weights []float64
}

// weight is that of member m.
func (d Draws) weight(m int) float64 {
	if d.Weights == nil {
		return 1 / float64(len(d.Members))
	}
	return d.Weights[m]
}

// Size is the number of members that count, 1/sum w^2 (Kish 1965): all of them
// if weights are equal.
func (d Draws) Size() float64 { return effectiveSize(d.Weights, len(d.Members)) }

// Mean is the weighted mean of the members.
func (d Draws) Mean() float64 {
	var sum float64
	for m, x := range d.Members {
		sum += d.weight(m) * x
	}
	return sum
}

// Variance is the unbiased variance of the members, sum w (x - mean)^2 / (1 -
// sum w^2), which for equal weights has the divisor M-1. NaN for one member.
func (d Draws) Variance() float64 {
	mean := d.Mean()
	var sum, squares float64
	for m, x := range d.Members {
		w := d.weight(m)
		sum += w * (x - mean) * (x - mean)
		squares += w * w
	}
	return sum / (1 - squares)
}

// Rank is the place of the truth among the members, in (0, 1):
//
//	r = (#{q(x_m) < q(x*)} + u (1 + #{q(x_m) = q(x*)})) / (M + 1)
//
// with u in (0, 1) drawn uniformly by the caller, which breaks ties and fills the
// gaps between members. Under the null r is exactly uniform for any M (Talts et
// al. 2018, arXiv 1804.06788; Cook, Gelman & Rubin 2006). Weighted members count
// by weight, their sum being Size() instead of M: exact for equal weights, and
// otherwise as good as the weights.
func (d Draws) Rank(u float64) float64 {
	var below, equal float64
	for m, x := range d.Members {
		switch {
		case x < d.Truth:
			below += d.weight(m)
		case x == d.Truth:
			equal += d.weight(m)
		}
	}
	n := d.Size()
	return (n*below + u*(1+n*equal)) / (n + 1)
}

// Score is the standard score of the truth, as a standard normal value:
//
//	t = (x* - mean) / (sd sqrt((M+1)/M)),  z = Phi^-1(T_{M-1}(t)) .
//
// For a Gaussian posterior t has Student's law with M-1 degrees of freedom (truth
// and members are M+1 draws of one law), so that z is exactly N(0, 1) for any M;
// without the map the variance of the score would be (M-1)/(M-3). NaN for one
// member.
func (d Draws) Score() float64 {
	n := d.Size()
	t := (d.Truth - d.Mean()) / math.Sqrt(d.Variance()*(n+1)/n)
	return studentToNormal(t, n-1)
}

// studentToNormal maps a Student variate to a standard normal one. It works in
// the lower tail, where probabilities do not round to 1.
func studentToNormal(t, freedom float64) float64 {
	if math.IsNaN(t) || !(freedom > 0) {
		return math.NaN()
	}
	if math.IsInf(t, 0) {
		return t
	}
	p := distuv.StudentsT{Sigma: 1, Nu: freedom}.CDF(-math.Abs(t))
	return math.Copysign(-distuv.UnitNormal.Quantile(max(p, math.SmallestNonzeroFloat64)), t)
}

func effectiveSize(weights []float64, count int) float64 {
	if weights == nil {
		return float64(count)
	}
	var squares float64
	for _, w := range weights {
		squares += w * w
	}
	return 1 / squares
}
