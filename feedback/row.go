package feedback

import (
	"math"

	"retrace/dynamics"
	"retrace/observe"
	"retrace/quality"
)

// Row is what became of one observed value. Numbers that are not known are NaN.
type Row struct {
	Window    int // from 0
	Frame     int // state of the record, from 0
	Time      float64
	Operator  string
	Component string
	// Position is the coordinate on each axis of the table; nil if there is none.
	Position                   []float64
	Value, Sd                  float64
	PriorMean, PriorSd         float64
	PosteriorMean, PosteriorSd float64
	Verdict                    quality.Verdict
}

// Window is what is known of the observations of one window.
type Window struct {
	Index    int
	First    int // state of the record that is state 0 of Observations
	Operator string
	Space    dynamics.Space
	Timeline observe.Timeline // of the record
	// Observations are those that quality control has seen, and Verdicts what it
	// found.
	Observations observe.Sequence
	Verdicts     quality.Verdicts
	// Prior and Posterior are moments of the values of Observations
	// (quality.Predict); those that are zero leave their columns empty.
	Prior, Posterior quality.Moments
}

// Axes names the axes of coordinates of a space: those that have a column.
func Axes(space dynamics.Space) []string {
	var names []string
	for _, a := range space.Axes {
		if len(a.Labels) == 0 {
			names = append(names, a.Name)
		}
	}
	return names
}

// Rows lists the values of the states from to to-1 of a window: those it is
// responsible for, so that overlapping windows tell of each value once.
func (w Window) Rows(from, to int) []Row {
	var rows []Row
	for k, o := range w.Observations.Observations {
		if o.Index < from || o.Index >= to {
			continue
		}
		frame := w.First + o.Index
		labels, places := observe.Labels(o.Operator), w.positions(o.Operator)
		for j, value := range o.Values {
			r := Row{
				Window: w.Index, Frame: frame, Time: w.Timeline.Time(frame),
				Operator: w.Operator, Component: labels[j],
				Value: value, Sd: o.Sd[j], Verdict: w.Verdicts[k][j],
			}
			if places != nil {
				r.Position = places[j]
			}
			r.PriorMean, r.PriorSd = at(w.Prior, k, j)
			r.PosteriorMean, r.PosteriorSd = at(w.Posterior, k, j)
			rows = append(rows, r)
		}
	}
	return rows
}

// positions are the coordinates of the values of an operator on the axes that have
// some.
func (w Window) positions(op observe.Operator) [][]float64 {
	located, ok := op.(observe.Located)
	if !ok {
		return nil
	}
	places := located.Locations(w.Space)
	kept := make([][]float64, len(places))
	for j, place := range places {
		for a, axis := range w.Space.Axes {
			if len(axis.Labels) == 0 {
				kept[j] = append(kept[j], place[a])
			}
		}
	}
	return kept
}

func at(m quality.Moments, k, j int) (mean, sd float64) {
	if m.Mean == nil {
		return math.NaN(), math.NaN()
	}
	return m.Mean[k][j], m.Sd[k][j]
}
