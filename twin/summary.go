package twin

import "math"

// Summary is what a method reached over several seeds: means over the runs that
// did not diverge.
type Summary struct {
	Seeds    int `json:"seeds"`
	Diverged int `json:"diverged"`
	Members  int `json:"members"`
	// Averages of the stages; nil for those without estimates, and all of them if
	// every run diverged.
	Forecast *Average `json:"forecast,omitempty"`
	Analysis *Average `json:"analysis,omitempty"`
	Smoothed *Average `json:"smoothed,omitempty"`
}

// Average is the statistics of one stage over runs.
type Average struct {
	// RMSE has the standard error over runs or, of one run, over time.
	RMSE Mean `json:"rmse"`
	// TimeError is the standard error of RMSE if the truths of the runs were all
	// there is, and only time were sampled.
	TimeError float64 `json:"rmse_time_error"`
	Spread    float64 `json:"spread"`
	// RootMeanSquare is the root of the mean over time and runs of the squared
	// error; SpreadSkill and SpreadSkillPlain are the ratios formed of such means,
	// with and without the correction for the number of members.
	RootMeanSquare   float64  `json:"root_mean_square"`
	SpreadSkill      *float64 `json:"spread_skill,omitempty"`
	SpreadSkillPlain *float64 `json:"spread_skill_plain,omitempty"`
	CRPS             *float64 `json:"crps,omitempty"`
}

// Summarise averages the runs of one method.
func Summarise(records []*Record) Summary {
	s := Summary{Seeds: len(records)}
	stages := [3][]*Statistics{}
	for _, r := range records {
		s.Members = max(s.Members, r.Members)
		if r.Divergence != "" {
			s.Diverged++
			continue
		}
		for i, statistics := range []*Statistics{r.Forecast, r.Analysis, r.Smoothed} {
			if statistics != nil {
				stages[i] = append(stages[i], statistics)
			}
		}
	}
	s.Forecast, s.Analysis, s.Smoothed = mean(stages[0], s.Members), mean(stages[1], s.Members), mean(stages[2], s.Members)
	return s
}

// mean averages the statistics of a stage; nil if there are none.
func mean(runs []*Statistics, members int) *Average {
	if len(runs) == 0 {
		return nil
	}
	collect := func(f func(*Statistics) float64) []float64 {
		values := make([]float64, len(runs))
		for i, s := range runs {
			values[i] = f(s)
		}
		return values
	}
	pooled := &Statistics{
		MeanSquare: average(collect(func(s *Statistics) float64 { return s.MeanSquare })),
		Variance:   average(collect(func(s *Statistics) float64 { return s.Variance })),
	}
	a := &Average{
		RMSE:           IndependentMean(collect(func(s *Statistics) float64 { return s.RMSE.Value })),
		TimeError:      math.Sqrt(average(collect(func(s *Statistics) float64 { return s.RMSE.Error * s.RMSE.Error })) / float64(len(runs))),
		Spread:         average(collect(func(s *Statistics) float64 { return s.Spread.Value })),
		RootMeanSquare: math.Sqrt(pooled.MeanSquare),
	}
	if len(runs) == 1 {
		a.RMSE.Error = a.TimeError
	}
	corrected, plain := pooled.SpreadSkill(members)
	a.SpreadSkill, a.SpreadSkillPlain = present(corrected), present(plain)
	a.CRPS = present(average(collect(func(s *Statistics) float64 {
		if s.CRPS == nil {
			return math.NaN()
		}
		return *s.CRPS
	})))
	return a
}

// present is a pointer to a finite number, and nil for any other.
func present(x float64) *float64 {
	if !finite(x) {
		return nil
	}
	return &x
}
