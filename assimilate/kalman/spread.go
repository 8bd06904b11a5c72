package kalman

// What keeps the spread of an ensemble honest after, or before, an analysis. Let
// A_b be the anomalies before the analysis and A_a after it.
//
//	inflation   A <- f A
//	RTPP        A_a <- (1 - a) A_a + a A_b          (Zhang, Snyder & Sun 2004)
//	RTPS        A_a <- (1 - a + a s_b/s_a) A_a      each component
//	            (Whitaker & Hamill 2012, Mon. Weather Rev. 140, 3078)
//	adaptive    A_b <- sqrt(v) A_b, v following the innovations; see adaptive.go
//
// They are applied in the order adaptive and inflation before, analysis, RTPP,
// RTPS, inflation after, rotation. Ensembles of earlier states, which a smoother
// corrects, are rotated with the same matrix but not inflated.

import (
	"cmp"
	"math"

	"retrace/dynamics"
	"retrace/internal/fault"
)

// Spread says how the spread of the members is kept up. Start from NewSpread,
// which changes nothing: a zero Inflation is an error.
type Spread struct {
	Inflation float64 `toml:"inflation" doc:"factor on the anomalies of members in each cycle (its square is the factor on their variance); 0.1 to 100"`
	Timing    string  `toml:"inflation_timing" doc:"when they are inflated: after or before the analysis"`
	RTPP      float64 `toml:"rtpp" doc:"relaxation to the prior anomalies, 0 (none) to 1"`
	RTPS      float64 `toml:"rtps" doc:"relaxation to the prior spread of each component, 0 (none) to 1"`
	Adaptive  float64 `toml:"adaptive" doc:"standard deviation of the change of an inflation estimated from the innovations, in a cycle: 0 (not estimated) to 1; 0.04 is usual"`
	Rotate    bool    `toml:"rotate" doc:"whether members are mixed by a random rotation that keeps mean and covariance, in each cycle"`
}

// NewSpread returns the spread as the analysis leaves it.
func NewSpread() Spread { return Spread{Inflation: 1, Timing: "after"} }

// check reports the first parameter out of range.
func (s Spread) check() error {
	return cmp.Or(
		dynamics.CheckBetween("inflation", s.Inflation, 0.1, 100),
		checkName("inflation_timing", s.Timing, []string{"after", "before"}),
		dynamics.CheckBetween("rtpp", s.RTPP, 0, 1),
		dynamics.CheckBetween("rtps", s.RTPS, 0, 1),
		dynamics.CheckBetween("adaptive", s.Adaptive, 0, 1),
		s.checkTogether(),
	)
}

func (s Spread) checkTogether() error {
	if s.Adaptive > 0 && s.Inflation != 1 {
		return fault.Inputf("inflation = %v and adaptive = %v: choose one of the two", s.Inflation, s.Adaptive)
	}
	return nil
}

// before returns the inflation before the analysis, adaptive one left out.
func (s Spread) before() float64 {
	if s.Timing == "before" {
		return s.Inflation
	}
	return 1
}

// keeper applies a Spread in each cycle.
type keeper struct {
	Spread
	prior      []float64 // members before the analysis; nil if not needed
	mean, base []float64
	adaptation *adaptation // nil if the analysis adapts, or nothing does
	rotation   *rotation
}

func newKeeper(s Spread, c *cycle) *keeper {
	k := &keeper{Spread: s, mean: make([]float64, c.size), base: make([]float64, c.size)}
	if s.RTPP > 0 || s.RTPS > 0 {
		k.prior = make([]float64, len(c.ensemble))
	}
	if s.Adaptive > 0 && !adapts(c.update) {
		k.adaptation = newAdaptation(s.Adaptive)
	}
	if s.Rotate {
		k.rotation = newRotation(c.problem.Seed, c.members, c.size)
	}
	return k
}

// inflate multiplies the anomalies of an ensemble.
func (k *keeper) inflate(ensemble []float64, factor float64) {
	if factor == 1 {
		return
	}
	columnMeans(k.mean, ensemble, len(k.mean))
	for row := 0; row < len(ensemble); row += len(k.mean) {
		for j, m := range k.mean {
			ensemble[row+j] = m + factor*(ensemble[row+j]-m)
		}
	}
}

// beforeAnalysis prepares the ensemble of a cycle.
func (k *keeper) beforeAnalysis(c *cycle) {
	k.inflate(c.ensemble, k.before())
	if k.adaptation != nil {
		k.inflate(c.ensemble, k.adaptation.factor())
	}
	copy(k.prior, c.ensemble)
}

// learn adapts the inflation to the innovations of a cycle, for the next one.
func (k *keeper) learn(innovations, spread, p float64) {
	if k.adaptation != nil {
		k.adaptation.learn(innovations, spread, p)
	}
}

// afterAnalysis finishes it.
func (k *keeper) afterAnalysis(c *cycle) {
	if k.prior != nil {
		k.relax(c.ensemble)
	}
	if k.Timing == "after" {
		k.inflate(c.ensemble, k.Inflation)
	}
	if k.rotation != nil {
		k.rotation.draw(c.problem.Case, c.state)
		k.rotation.apply(c.ensemble, c.size)
		for _, ensemble := range c.earlier {
			k.rotation.apply(ensemble, c.size)
		}
	}
}

// relax is RTPP, then RTPS.
func (k *keeper) relax(ensemble []float64) {
	n := len(k.mean)
	columnMeans(k.mean, ensemble, n)
	columnMeans(k.base, k.prior, n)
	for j := range n {
		var before, after float64
		for i := j; i < len(ensemble); i += n {
			b := k.prior[i] - k.base[j]
			a := (1-k.RTPP)*(ensemble[i]-k.mean[j]) + k.RTPP*b
			before += b * b
			after += a * a
			ensemble[i] = a
		}
		factor := 1.
		if after > 0 {
			factor = 1 - k.RTPS + k.RTPS*math.Sqrt(before/after)
		}
		for i := j; i < len(ensemble); i += n {
			ensemble[i] = k.mean[j] + factor*ensemble[i]
		}
	}
}

// meanVariance writes mean and unbiased variance of each component of an ensemble.
func meanVariance(mean, variance, ensemble []float64) {
	n := len(mean)
	columnMeans(mean, ensemble, n)
	clear(variance)
	for row := 0; row < len(ensemble); row += n {
		for j, m := range mean {
			variance[j] += square(ensemble[row+j] - m)
		}
	}
	scale := 1 / float64(len(ensemble)/n-1)
	for j := range variance {
		variance[j] *= scale
	}
}
