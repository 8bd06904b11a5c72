package observe

import (
	"math"
	"slices"
)

// Matching replaces a value of any law, for a noise-free value h ~ N(m, v), by a Gaussian
// reading y* = h + N(0, R*) that says the same of mean and variance of h: with
// Z(m) = int N(h; m, v) p(y | h) dh,
//
//	(log Z)'  = E[l'],   (log Z)'' = E[(h - m) l']/v - E[l']^2,   l = log p(y | h),
//	R* + v = -1/(log Z)'',   y* = m + (R* + v) (log Z)' ,
//
// expectations being those under N(h; m, v) p(y | h)/Z: one update of expectation
// propagation (Minka 2001). For v -> 0 it is Newton's method on l; for Gaussian noise it
// returns y and its variance whatever m and v are. Where little is left of v, digits cancel
// in R*, and it follows from the variance of h under the same law, 1/R* = 1/V - 1/v.

// mostNoise bounds R*, in units of the variance of the noise: a reading may say nothing, or
// even widen what is known of h, as one that is likely to be an outlier does.
const mostNoise = 1e8

// panel has abscissas and weights of Gauss and Legendre's rule with 6 points on [-1, 1].
var panel = [6][2]float64{
	{-0.932469514203152, 0.171324492379170}, {-0.661209386466265, 0.360761573048139}, {-0.238619186083197, 0.467913934572691},
	{0.238619186083197, 0.467913934572691}, {0.661209386466265, 0.360761573048139}, {0.932469514203152, 0.171324492379170},
}

// Match returns the Gaussian reading that stands for the value y of a marginal law if its
// noise-free value is N(m, v): its value, and the variance of its noise.
func Match(law Marginal, y, sd, m, v float64) (value, noise float64) {
	centre, width := law.Bulk(y, sd)
	var buffer [19]float64
	breaks := buffer[:0]
	for k := -8; k <= 8; k += 2 {
		breaks = append(breaks, m+float64(k)*math.Sqrt(v), centre+float64(k)*width)
	}
	if k, ok := law.(kinked); ok {
		breaks = append(breaks, k.kink())
	}
	slices.Sort(breaks)
	most := math.Inf(-1)
	var sums [5]float64 // of 1, h - m, its square, l' and (h - m) l'
	for k := range len(breaks) - 1 {
		half := (breaks[k+1] - breaks[k]) / 2
		if half == 0 {
			continue
		}
		for _, p := range panel {
			h := breaks[k] + half*(1+p[0])
			log := law.LogValue(y, h, sd) - (h-m)*(h-m)/(2*v)
			if log > most { // what there is so far fades against it
				fade := math.Exp(most - log)
				for i := range sums {
					sums[i] *= fade
				}
				most = log
			}
			w := half * p[1] * math.Exp(log-most)
			l := law.Slope(y, h, sd)
			for i, f := range [5]float64{1, h - m, (h - m) * (h - m), l, (h - m) * l} {
				sums[i] += w * f
			}
		}
	}
	limit := mostNoise * width * width
	if !(sums[0] > 0) {
		return m, limit // nothing of the law within reach: it says nothing
	}
	mean, slope := sums[1]/sums[0], sums[3]/sums[0]
	variance, curvature := sums[2]/sums[0]-mean*mean, sums[4]/sums[0]/v-slope*slope
	noise = limit
	switch {
	case variance < v/2:
		noise, slope = 1/(1/variance-1/v), mean/v
	case curvature < 0:
		noise = max(-1/curvature-v, 0)
	}
	noise = min(max(noise, width*width/mostNoise), limit)
	return m + (noise+v)*slope, noise
}

// kinked is a law whose slope jumps somewhere outside its bulk.
type kinked interface{ kink() float64 }
