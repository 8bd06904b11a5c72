// What a test of calibration says.

package verify

import (
	"math"
	"slices"
)

// Check is the outcome of a statistical test of the null hypothesis that
// ensembles are drawn from the posterior.
type Check struct {
	Statistic float64 // in the units that the test documents
	Expected  float64 // its mean, or the least value, under the null
	// P is the probability, under the null, of a statistic at least as far from
	// what is expected; two-sided where both sides are faults. NaN if the
	// statistic is.
	P     float64
	Cases int

	accept func(level float64) (low, high float64)
}

// Accept is the range in which the statistic lies with probability 1 - level
// under the null. An end is infinite if only one side is a fault.
func (c Check) Accept(level float64) (low, high float64) { return c.accept(level) }

// Fails reports whether the null is rejected at a level. A statistic that is NaN
// fails: what cannot be computed is not shown to be right.
func (c Check) Fails(level float64) bool { return !(c.P >= level) }

// nothing is the outcome without enough cases: it fails.
func nothing() Check {
	none := math.NaN()
	return Check{Statistic: none, P: none, accept: func(float64) (float64, float64) { return none, none }}
}

// Holm corrects a family of tests so that the probability that any of the true
// ones is rejected is at most level, whatever their dependence (Holm 1979,
// Scand. J. Statist. 6, 65). adjusted are the p-values to compare with level;
// levels are the levels to compare the p-values themselves with: level/(n-j) for
// the j-th smallest (from 0), and that of the first one accepted for all after it.
func Holm(p []float64, level float64) (adjusted, levels []float64) {
	n := len(p)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	worth := func(i int) float64 { // NaN is the strongest rejection
		if math.IsNaN(p[i]) {
			return -1
		}
		return p[i]
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch x, y := worth(a), worth(b); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	adjusted, levels = make([]float64, n), make([]float64, n)
	running, at, stopped := 0.0, 0.0, false
	for j, i := range order {
		if !stopped {
			at = level / float64(n-j)
			stopped = worth(i) >= at
		}
		running = max(running, min(1, worth(i)*float64(n-j)))
		adjusted[i], levels[i] = running, at
	}
	return adjusted, levels
}

// bisect finds where an increasing function passes target between low and high.
func bisect(f func(float64) float64, target, low, high float64) float64 {
	for range 200 {
		middle := (low + high) / 2
		if middle == low || middle == high {
			break
		}
		if f(middle) < target {
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2
}
