package experiment

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strings"

	"retrace/figure"
)

// report adds the unit that draws the figures and writes report.html.
func (p *planner) report(table *unit, drawn []*unit) {
	u := &unit{name: "report", stage: StageReport, outputs: []string{"figures", figure.ReportName}}
	u.needs = append([]*unit{table}, drawn...)
	f := newFingerprint(u.stage, u.name)
	f.add("config", string(p.Encode(true)))
	f.needs(u.needs...)
	u.fingerprint = f.sum()
	u.run = func(ctx context.Context, t *task) error { return (&reporter{p.Config, t}).write(ctx) }
	p.add(u)
}

// reporter draws what a run directory holds.
type reporter struct {
	*Config
	*task
}

func (r *reporter) write(ctx context.Context) error {
	scores, err := ReadScores(r.path)
	if err != nil {
		return err
	}
	report := figure.Report{
		Title: r.Name, Metrics: r.shownMetrics(), Scores: shownScores(ofWhole(scores)), Summary: r.winners(ofWhole(scores)),
		Config: string(r.resolved(r.path)), Timings: r.timings(), Provenance: r.facts(),
	}
	if report.Training, err = r.training(); err != nil {
		return err
	}
	laps, err := r.learning()
	if err != nil {
		return err
	}
	report.Training = append(laps, report.Training...)
	if report.Overview, err = r.overview(report); err != nil {
		return err
	}
	for i := range r.Scenarios {
		if err := ctx.Err(); err != nil {
			return err
		}
		section, err := r.section(&r.Scenarios[i])
		if err != nil {
			return err
		}
		r.fieldScores(&section, &r.Scenarios[i], scores)
		report.Scenarios = append(report.Scenarios, section)
	}
	return report.Save(r.path)
}

func (r *reporter) shownMetrics() []figure.Metric {
	var list []figure.Metric
	for _, m := range Metrics() {
		shown := figure.Metric{Name: m.Name, Label: m.Label, Units: m.Units(r.model.Space()), Summary: sentence(m.Summary)}
		switch m.Better {
		case "lower":
			shown.Better = figure.Lower
		case "higher":
			shown.Better = figure.Higher
		}
		if !math.IsNaN(m.Target) {
			shown.Target = new(m.Target)
		}
		if m.Name == "w1_floor" {
			continue // shown beside w1
		}
		if m.Name == "w1" {
			shown.Floor = "w1_floor"
		}
		list = append(list, shown)
	}
	return list
}

// ofWhole leaves the scores of single channels out.
func ofWhole(scores []Score) []Score {
	return slices.DeleteFunc(slices.Clone(scores), func(s Score) bool { return s.Channel != "" })
}

// shownScores are the scores as the report takes them: those of a case that was lost are
// NaN.
func shownScores(scores []Score) []figure.Score {
	metrics := map[string][]string{} // that any method of a scenario has
	for _, s := range scores {
		if s.Metric != DivergedMetric && !slices.Contains(metrics[s.Scenario], s.Metric) {
			metrics[s.Scenario] = append(metrics[s.Scenario], s.Metric)
		}
	}
	var list []figure.Score
	for _, s := range scores {
		if s.Metric != DivergedMetric {
			list = append(list, figure.Score{Scenario: s.Scenario, Method: s.Method, Case: s.Case, Metric: s.Metric, Value: s.Value})
			continue
		}
		for _, metric := range metrics[s.Scenario] {
			list = append(list, figure.Score{Scenario: s.Scenario, Method: s.Method, Case: s.Case, Metric: metric, Value: math.NaN()})
		}
	}
	return list
}

// overview draws the score plot.
func (r *reporter) overview(report figure.Report) ([]figure.Illustration, error) {
	metrics := slices.DeleteFunc(slices.Clone(report.Metrics), func(m figure.Metric) bool {
		return m.Name == "spread" || m.Name == "evaluations" // the table has them
	})
	known := slices.DeleteFunc(slices.Clone(report.Scores), func(s figure.Score) bool { return math.IsNaN(s.Value) })
	plot, err := figure.ScorePlot(known, metrics)
	return r.illustrate("scores", "Scores of every method: a point a case, the marker at the median, the bar from quartile to quartile.", plot, err)
}

// training draws the training curve, if a prior was trained.
func (r *reporter) training() ([]figure.Illustration, error) {
	losses, err := readLosses(r.file("prior"))
	if errors.Is(err, fs.ErrNotExist) || !r.needsPrior() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	plot, err := figure.Training(losses)
	return r.illustrate("training", "Training of the prior.", plot, err)
}

// illustrate saves a figure under figures/NAME; a figure without data is left
// out.
func (r *reporter) illustrate(name, caption string, plot *figure.Figure, err error) ([]figure.Illustration, error) {
	if errors.Is(err, figure.ErrEmpty) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("figure %s: %w", name, err)
	}
	path := "figures/" + name
	if err := plot.Save(r.file(path)); err != nil {
		return nil, err
	}
	return []figure.Illustration{{Path: path, Caption: caption}}, nil
}

// timings lists the wall time of the units, by name.
func (r *reporter) timings() []figure.Timing {
	var list []figure.Timing
	for _, name := range slices.Sorted(maps.Keys(r.provenance.Units)) {
		if record := r.provenance.Units[name]; record.Complete {
			list = append(list, figure.Timing{Stage: name, Seconds: record.Seconds})
		}
	}
	return list
}

func (r *reporter) facts() []figure.Fact {
	p := r.provenance
	return []figure.Fact{
		{Name: "config", Value: strings.Join(append([]string{p.Config.File}, p.Config.Overrides...), " --set ")},
		{Name: "seed", Value: fmt.Sprint(p.Seed)},
		{Name: "retrace", Value: strings.TrimSpace(p.Software.Version + " " + p.Software.Revision)},
		{Name: "Go", Value: p.Software.Go},
		{Name: "machine", Value: p.Machine.String()},
	}
}
