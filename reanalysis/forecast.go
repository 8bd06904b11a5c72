package reanalysis

import (
	"bytes"
	"math"
	"sort"

	"retrace/observe"
)

// ForecastScore compares a forecast with what came to pass, lead by lead.
type ForecastScore struct {
	Window int     `json:"window"`
	Start  float64 `json:"start"` // time of the state that the forecast starts from
	Leads  []Lead  `json:"leads"`
}

// Lead is the score of a forecast after some states. What there was nothing to compare
// with is nil.
type Lead struct {
	States int `json:"states"`
	// RMSE is the error of the mean of the members against the truth, and Spread the
	// root mean square of their standard deviation, in units of the state.
	RMSE   *float64 `json:"rmse,omitempty"`
	Spread float64  `json:"spread"`
	// Innovation is the root mean square of observations less the mean of the
	// members, and Expected what spread and noise predict of it, both in units of the
	// noise; Count is the number of values.
	Innovation *float64 `json:"innovation,omitempty"`
	Expected   *float64 `json:"expected,omitempty"`
	Count      int      `json:"count"`
}

// scoreForecast writes the score of the forecast from the end of a window.
func (j *Joiner) scoreForecast(job Job, to *bytes.Buffer) error {
	b, size := j.batch, j.batch.size()
	length := 1 + b.Forecasts.Length
	states, err := part[float32](b, job, forecastPart, b.Members*length*size)
	if err != nil {
		return err
	}
	first := job.Span.End - 1
	score := ForecastScore{Window: job.Index, Start: b.Target.Timeline.Time(first), Leads: []Lead{}}
	mean, spread := moments(states, b.Members, length*size)
	for t := 0; t < length && first+t < j.plan.Length; t++ {
		lead := Lead{States: t, Spread: rootMeanSquare(spread[t*size:][:size])}
		if j.check.Truth != nil {
			lead.RMSE = new(rmse(mean[t*size:][:size], j.check.Truth.State(0, first+t)))
		}
		lead.compare(j.check.Record.Observations, first+t, b.Members, func(k int, x []float64) {
			for i, v := range states[(k*length+t)*size:][:size] {
				x[i] = float64(v)
			}
		})
		score.Leads = append(score.Leads, lead)
	}
	return appendLine(to, score)
}

// compare scores members against the observations of a state.
func (l *Lead) compare(all []observe.Observation, state, members int, member func(k int, x []float64)) {
	first := sort.Search(len(all), func(i int) bool { return all[i].Index >= state })
	var innovation, expected float64
	for _, o := range all[first:] {
		if o.Index != state {
			break
		}
		mean, variance := predicted(o, member, members)
		for i, y := range o.Values {
			if math.IsNaN(y) {
				continue
			}
			noise := o.Sd[i] * o.Sd[i]
			innovation += (y - mean[i]) * (y - mean[i]) / noise
			expected += (variance[i] + noise) / noise
			l.Count++
		}
	}
	if l.Count > 0 {
		l.Innovation = new(math.Sqrt(innovation / float64(l.Count)))
		l.Expected = new(math.Sqrt(expected / float64(l.Count)))
	}
}
