package experiment

import (
	"retrace/em"
	"retrace/figure"
)

// learning draws how the laps went, if the prior was learnt from observations.
func (r *reporter) learning() ([]figure.Illustration, error) {
	laps, err := Laps(r.path)
	if err != nil || len(laps) == 0 || r.Learning == nil {
		return nil, err
	}
	evidence := figure.Sweep{Parameter: "lap", Statistic: "held-out log evidence", Lines: []figure.Line{
		lapLine("learnt", laps, func(l em.Lap) float64 { return l.Evidence }),
		level("trained on the truth", laps, func(l em.Lap) float64 { return l.Evidence }),
	}}
	plot, err := figure.SweepPlot(evidence)
	list, err := r.illustrate("evidence", "Log-likelihood of held-out observations, per value, after each lap; bars are the standard error of the gain. Lap 0 is the Gaussian.", plot, err)
	if err != nil || laps[0].Divergence == nil {
		return list, err
	}
	divergence := func(l em.Lap) float64 { return *l.Divergence }
	plot, err = figure.SweepPlot(figure.Sweep{Parameter: "lap", Statistic: "divergence (" + r.Learning.Divergence + ")", Lines: []figure.Line{
		lapLine("learnt", laps, divergence), level("trained on the truth", laps, divergence),
	}})
	drawn, err := r.illustrate("divergence", "Distance of draws of the prior from true trajectories, which learning does not see.", plot, err)
	return append(list, drawn...), err
}

// lapLine is a figure of every lap; that of evidence has its error.
func lapLine(name string, laps []em.Lap, value func(em.Lap) float64) figure.Line {
	line := figure.Line{Name: name}
	for i, l := range laps {
		if l.Name == em.CleanName {
			continue
		}
		line.X, line.Y = append(line.X, float64(i)), append(line.Y, value(l))
		noise := 0.0
		if value(l) == l.Evidence {
			noise = l.Noise
		}
		line.Error = append(line.Error, noise)
	}
	return line
}

// level is the figure of the prior that was trained on the truth, as a level line.
func level(name string, laps []em.Lap, value func(em.Lap) float64) figure.Line {
	line := figure.Line{Name: name, Error: []float64{0, 0}}
	for _, l := range laps {
		if l.Name == em.CleanName {
			line.X, line.Y = []float64{0, float64(len(laps) - 2)}, []float64{value(l), value(l)}
		}
	}
	line.Error = line.Error[:len(line.X)]
	return line
}
