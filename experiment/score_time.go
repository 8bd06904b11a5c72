package experiment

import (
	"math"

	"retrace/dynamics"
	"retrace/trajectory"
	"retrace/verify"
)

// timeScore is a metric of each state, in units of the state.
type timeScore struct {
	name       string
	needsTruth bool
	compute    func(s *subject) []float64
}

func timeScores() []timeScore {
	root := func(squares []float64) []float64 {
		for i, x := range squares {
			squares[i] = math.Sqrt(x)
		}
		return squares
	}
	return []timeScore{
		{"rmse", true, func(s *subject) []float64 { return root(verify.SquaredErrorByTime(s.ensemble, s.truth)) }},
		{"spread", false, func(s *subject) []float64 { return root(verify.VarianceByTime(s.ensemble)) }},
		{"crps", true, func(s *subject) []float64 { return verify.CRPSByTime(s.ensemble, s.truth) }},
	}
}

// byTime describes the time-resolved scores of all cases as trajectories whose
// state is the list of metrics, which makes them a store like any other. Cases
// are filled in by setTimes.
func (w scoring) byTime(cases int, truth bool) *trajectory.Set {
	axis := dynamics.Axis{Name: "metric", LongName: "score of each state", Units: "1"}
	for _, m := range timeScores() {
		if truth || !m.needsTruth {
			axis.Labels = append(axis.Labels, m.name)
		}
	}
	axes := []dynamics.Axis{axis}
	if w.fields.several() {
		axes = append(axes, dynamics.Axis{Name: "channel", LongName: "field that is scored", Labels: w.fields.Channels})
	}
	timeline := w.timeline(w.scenario)
	set := trajectory.New(dynamics.Space{
		Variable: "score", LongName: "scores by time", Units: w.model.Space().Units, Axes: axes,
	}, timeline.Clock, []trajectory.Dimension{{Name: "case", Len: cases}}, timeline.Length)
	set.Start = timeline.Start
	return set
}

// loseTimes marks case i as lost: its scores are NaN.
func loseTimes(set *trajectory.Set, i int) {
	lost := set.Trajectory(i)
	for k := range lost {
		lost[k] = float32(math.NaN())
	}
}

// setTimes fills in the scores of case i: of the whole state, or of each of its channels.
func setTimes(set *trajectory.Set, s *subject, i int) {
	if !s.fields.several() {
		setPartTimes(set, s, i, 0)
		return
	}
	for c := range s.fields.Channels {
		part := &subject{ensemble: s.fields.Channel(s.ensemble, c)}
		if s.truth != nil {
			part.truth = s.fields.Channel(s.truth, c)
		}
		setPartTimes(set, part, i, c)
	}
}

// setPartTimes fills in the scores of a channel.
func setPartTimes(set *trajectory.Set, s *subject, i, channel int) {
	metrics := set.Space.Axes[0].Labels
	parts := set.Space.Size() / len(metrics)
	for k, label := range metrics {
		for _, m := range timeScores() {
			if m.name != label {
				continue
			}
			for t, value := range m.compute(s) {
				set.State(i, t)[k*parts+channel] = float32(value)
			}
		}
	}
}
