package twin

import "math"

// Record is what a method reached in the run of one seed.
type Record struct {
	Seed int64 `json:"seed"`
	// Members of the ensemble; 0 for a method without.
	Members int `json:"members"`
	// Variability is that of the truth; see Realisation.
	Variability float64 `json:"variability"`
	// Statistics of the stages that the method gives estimates of; nil for the
	// others.
	Forecast *Statistics `json:"forecast,omitempty"`
	Analysis *Statistics `json:"analysis,omitempty"`
	Smoothed *Statistics `json:"smoothed,omitempty"`
	// Divergence says why the run counts as diverged; empty if it does not. It has
	// if an estimate was not finite, if the method ended with an error, or if the
	// filter lost the truth: at more than a tenth of the estimates of the analysis
	// (of the smoothed estimates, without one) the error is larger than the
	// variability of the truth while the spread is less than half of that error; or
	// the error, its root mean square over the run, is more than 1.5 times the
	// variability, when a random state would do better.
	Divergence string `json:"divergence,omitempty"`
}

// Statistics are means over the estimates of one stage that count.
type Statistics struct {
	Estimates int  `json:"estimates"` // how many
	RMSE      Mean `json:"rmse"`
	Spread    Mean `json:"spread"`
	// MeanSquare is the mean of the squared error, Variance of the variance.
	MeanSquare float64 `json:"mean_square"`
	Variance   float64 `json:"variance"`
	// CRPS is the mean fair score; nil if it was not asked for or makes no sense,
	// as for one member.
	CRPS *float64 `json:"crps,omitempty"`
}

// SpreadSkill is the root of the ratio of mean variance to mean squared error,
// corrected for the number of members, and without that correction, as it should
// be read for square-root filters whose mean is not that of a sample. Members is 0
// for estimates without.
func (s *Statistics) SpreadSkill(members int) (corrected, plain float64) {
	plain = math.Sqrt(s.Variance / s.MeanSquare)
	if members == 0 {
		return plain, plain
	}
	return plain * math.Sqrt(float64(members+1)/float64(members)), plain
}
