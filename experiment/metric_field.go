package experiment

import (
	"math"
	"slices"

	"retrace/verify"
)

// Scores of fields, channel by channel. Errors of different quantities cannot be added,
// so the score of a state of several is a mean over channels, each in units of the
// standard deviation of its truth.

// channelScores are the scores of one channel, NaN where they have no meaning.
type channelScores struct {
	members                                         float64
	rmse, spread, crps, correlation, anomaly, scale float64 // scale: sd of the truth
}

// fieldMetric is a metric of channels. whole is that of the state, nil if the metric is
// one of any state.
type fieldMetric struct {
	name    string
	channel func(c channelScores) float64
	whole   func(all []channelScores) float64
}

func fieldMetrics() []fieldMetric {
	square := func(x float64) float64 { return x * x }
	meanOf := func(of func(c channelScores) float64) func([]channelScores) float64 {
		return func(all []channelScores) float64 {
			var sum float64
			for _, c := range all {
				sum += of(c) / float64(len(all))
			}
			return sum
		}
	}
	nrmse := func(c channelScores) float64 { return c.rmse / c.scale }
	ncrps := func(c channelScores) float64 { return c.crps / c.scale }
	correlation := func(c channelScores) float64 { return c.correlation }
	anomaly := func(c channelScores) float64 { return c.anomaly }
	return []fieldMetric{
		{"correlation", correlation, meanOf(correlation)},
		{"anomaly_correlation", anomaly, meanOf(anomaly)},
		{"nrmse", nrmse, func(all []channelScores) float64 {
			return math.Sqrt(meanOf(func(c channelScores) float64 { return square(nrmse(c)) })(all))
		}},
		{"ncrps", ncrps, meanOf(ncrps)},
		{"rmse", func(c channelScores) float64 { return c.rmse }, nil},
		{"spread", func(c channelScores) float64 { return c.spread }, nil},
		{"spread_skill", func(c channelScores) float64 { return c.ratio() }, func(all []channelScores) float64 {
			scaled := func(of func(c channelScores) float64) func(channelScores) float64 {
				return func(c channelScores) float64 { return square(of(c) / c.scale) }
			}
			pooled := channelScores{members: all[0].members, scale: 1}
			pooled.spread = math.Sqrt(meanOf(scaled(func(c channelScores) float64 { return c.spread }))(all))
			pooled.rmse = math.Sqrt(meanOf(scaled(func(c channelScores) float64 { return c.rmse }))(all))
			return pooled.ratio()
		}},
		{"crps", func(c channelScores) float64 { return c.crps }, nil},
	}
}

// ratio is the spread-skill ratio.
func (c channelScores) ratio() float64 {
	return math.Sqrt((c.members+1)/c.members) * c.spread / c.rmse
}

// descriptions of the metrics that only fields have, behind those of any state.
func fieldDescriptions() []Metric {
	none := math.NaN()
	return []Metric{
		{"correlation", "correlation", "correlation of the ensemble mean with the truth over cells and times; 1 is perfect, 0 knows nothing", "higher", none, "1", nil},
		{"anomaly_correlation", "anomaly correlation", "the same for the departures of both from the climatological mean", "higher", none, "1", nil},
		{"nrmse", "RMSE / sd", "error of the ensemble mean over the standard deviation of the truth; 0 is perfect, 1 is as good as the climatological mean", "lower", none, "1", nil},
		{"ncrps", "CRPS / sd", "fair CRPS over the standard deviation of the truth", "lower", none, "1", nil},
	}
}

// channels scores each channel of an ensemble.
func (s *subject) channels() []channelScores {
	list := make([]channelScores, len(s.fields.Channels))
	none := math.NaN()
	for c := range list {
		ensemble := s.fields.Channel(s.ensemble, c)
		scores := channelScores{members: ensemble.EffectiveSize(), rmse: none, spread: none, crps: none, correlation: none, anomaly: none, scale: none}
		if ensemble.Members > 1 {
			scores.spread = verify.Spread(ensemble)
		}
		if s.truth != nil {
			truth := s.fields.Channel(s.truth, c)
			scores.rmse, scores.crps = verify.RMSE(ensemble, truth), verify.CRPS(ensemble, truth)
			scores.correlation, scores.scale = varying(verify.Correlation(ensemble, truth)), verify.Deviation(truth)
			if s.climate != nil {
				n := s.fields.Cells()
				scores.anomaly = varying(verify.AnomalyCorrelation(ensemble, truth, s.climate[c*n:(c+1)*n]))
			}
		}
		list[c] = scores
	}
	return list
}

// varying takes a mean that does not vary for one that knows nothing.
func varying(correlation float64) float64 {
	if math.IsNaN(correlation) {
		return 0
	}
	return correlation
}

// ofFields lists the scores that fields have beside those of any state: of the whole, and
// of each channel if there are several.
func (w scoring) ofFields(scores []Score, s *subject, i int) []Score {
	if s.fields == nil {
		return scores
	}
	all := s.channels()
	for _, m := range fieldMetrics() {
		if !slices.Contains(w.Score.Metrics, m.name) {
			continue
		}
		if m.whole != nil && (m.name != "spread_skill" || s.fields.mixed()) {
			if v := m.whole(all); usable(v) {
				scores = w.add(scores, i, m.name, v)
			}
		}
		if !s.fields.several() {
			continue
		}
		for c, channel := range s.fields.Channels {
			if v := m.channel(all[c]); usable(v) {
				scores = w.addPart(scores, i, m.name, verify.Quantity{Part: channel, Value: v})
			}
		}
	}
	return scores
}

// usable tells numbers from what has no meaning and could not be stored.
func usable(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// addPart adds the score of a part of the state.
func (w scoring) addPart(scores []Score, i int, metric string, q verify.Quantity) []Score {
	scores = w.add(scores, i, metric, q.Value)
	last := &scores[len(scores)-1]
	last.Channel = q.Part
	m := Metrics()[slices.Index(metricNames(), metric)]
	if c := slices.Index(w.fields.Channels, q.Part); c >= 0 && m.units == "state" {
		last.Units = w.fields.units[c]
	}
	if metric == "energy" {
		last.Units = w.fields.EnergyUnits()
	}
	return scores
}
