package quality

// A value y with noise of standard deviation r, predicted as m with spread s, is
// rejected if
//
//	|y - m| > t sqrt(s^2 + r^2).
//
// If prediction and noise are Gaussian and right, a share erfc(t/sqrt 2) of good
// values is lost: 0.27 % for t = 3, 0.0063 % for t = 4.

import (
	"math"

	"retrace/observe"
)

// Gross rejects values that are further from the climatology than threshold
// standard deviations, those of climatology and noise together. It needs no
// forecast; 5 is a usual threshold.
func Gross(v Verdicts, s observe.Sequence, climatology Moments, threshold float64) {
	depart(v, s, climatology, threshold, GrossError)
}

// Background rejects values that are further from what the prior predicts than
// threshold standard deviations, those of prior and noise together. 3 to 5 are
// usual thresholds.
func Background(v Verdicts, s observe.Sequence, prior Moments, threshold float64) {
	depart(v, s, prior, threshold, Unlikely)
}

func depart(v Verdicts, s observe.Sequence, m Moments, threshold float64, verdict Verdict) {
	v.each(s, func(k, j int, o observe.Observation) {
		if math.Abs(o.Values[j]-m.Mean[k][j]) > threshold*math.Hypot(m.Sd[k][j], o.Sd[j]) {
			v[k][j] = verdict
		}
	})
}
