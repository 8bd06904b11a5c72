package experiment

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"retrace/figure"
	"retrace/observe"
	"retrace/trajectory"
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
		Title: r.Name, Metrics: r.shownMetrics(), Scores: shownScores(scores),
		Config: string(r.resolved(r.Config)), Timings: r.timings(), Provenance: r.facts(),
	}
	if report.Training, err = r.training(); err != nil {
		return err
	}
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
		report.Scenarios = append(report.Scenarios, section)
	}
	return report.Save(r.path)
}

func (r *reporter) shownMetrics() []figure.Metric {
	var list []figure.Metric
	for _, m := range Metrics() {
		shown := figure.Metric{Name: m.Name, Label: m.Label, Units: m.Units(r.model.Space())}
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

func shownScores(scores []Score) []figure.Score {
	list := make([]figure.Score, len(scores))
	for i, s := range scores {
		list[i] = figure.Score{Scenario: s.Scenario, Method: s.Method, Case: s.Case, Metric: s.Metric, Value: s.Value}
	}
	return list
}

// overview draws the score plot.
func (r *reporter) overview(report figure.Report) ([]figure.Illustration, error) {
	metrics := slices.DeleteFunc(slices.Clone(report.Metrics), func(m figure.Metric) bool {
		return m.Name == "spread" || m.Name == "evaluations" // the table has them
	})
	plot, err := figure.ScorePlot(report.Scores, metrics)
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

// section draws the ensembles of a scenario.
func (r *reporter) section(s *Scenario) (figure.Section, error) {
	section := figure.Section{Name: s.Name, Description: r.describe(s)}
	cases, err := r.observations(r.Config, s)
	if err != nil {
		return section, err
	}
	for i := range min(r.Report.Cases, len(cases)) {
		shown, err := r.ensembles(s, cases[i], i)
		if err != nil {
			return section, err
		}
		plot, err := figure.Ensemble(shown)
		drawn, err := r.illustrate(fmt.Sprintf("%s-case%d", s.Name, i), r.caption(s, i), plot, err)
		if err != nil {
			return section, err
		}
		section.Figures = append(section.Figures, drawn...)
	}
	return section, nil
}

// describe tells in words what a scenario observes.
func (r *reporter) describe(s *Scenario) string {
	if s.File != "" {
		return "Observations from " + filepath.Base(s.File) + "; the truth is not known."
	}
	operator, err := r.operator(s)
	if err != nil {
		return ""
	}
	when := "listed states"
	if s.Every != nil {
		when = fmt.Sprintf("every %s state from state %d on", ordinal(*s.Every), *s.Offset)
	}
	text := fmt.Sprintf("Observed: %s of %s, with noise of standard deviation %v.",
		strings.Join(shortened(observe.Labels(operator), 8), ", "), when, []float64(s.Sd))
	if *s.Missing > 0 {
		text += fmt.Sprintf(" A share of %g of the values is missing.", *s.Missing)
	}
	return text
}

func ordinal(n int) string {
	switch n {
	case 1:
		return "single"
	case 2:
		return "2nd"
	case 3:
		return "3rd"
	}
	return fmt.Sprintf("%dth", n)
}

func shortened(list []string, most int) []string {
	if len(list) > most {
		return append(slices.Clone(list[:most]), fmt.Sprintf("and %d more", len(list)-most))
	}
	return list
}

func (r *reporter) caption(s *Scenario, i int) string {
	text := fmt.Sprintf("Scenario %s, case %d: median and central 50 and 90 %% of the members, observations with their standard deviation", s.Name, i)
	if s.File == "" {
		text += ", and the truth"
	}
	return text + "."
}

// ensembles gathers what the figure of one case shows.
func (r *reporter) ensembles(s *Scenario, seen observe.Sequence, i int) (figure.Trajectories, error) {
	space := r.model.Space()
	timeline := r.timeline(s)
	shown := figure.Trajectories{TimeUnits: r.model.Clock().Units, MemberLines: 8, Letters: true}
	for k := range timeline.Length {
		shown.Times = append(shown.Times, timeline.Time(k))
	}
	for _, label := range observe.ComponentLabels(space) {
		shown.Components = append(shown.Components, figure.Component{Name: label, Units: space.Units})
	}
	truth, err := r.truth(s)
	if err != nil {
		return shown, err
	}
	points := observedComponents(seen, shown, observe.ComponentLabels(space))
	for _, store := range r.stores() {
		ensemble, err := readCase(r.file(s.Name, store+".zarr"), i)
		if err != nil {
			return shown, err
		}
		column := figure.Column{Title: store, Members: ensemble.Data, Observations: points}
		if truth != nil {
			column.Truth = truth.Trajectory(i)
		}
		shown.Columns = append(shown.Columns, column)
	}
	return shown, nil
}

// stores names the ensembles of a scenario's folder, as many as a figure can
// show, the reference among them.
func (r *reporter) stores() []string {
	list := names(r.Methods, func(m Method) string { return m.Name })
	if r.Score.Reference == nil {
		return list[:min(len(list), figure.MaxColumns)]
	}
	return append(list[:min(len(list), figure.MaxColumns-1)], ReferenceName)
}

// observedComponents lists the observed values that are components of the
// state, told by their label.
func observedComponents(seen observe.Sequence, shown figure.Trajectories, components []string) []figure.Observation {
	var points []figure.Observation
	for _, o := range seen.Observations {
		for j, label := range observe.Labels(o.Operator) {
			if c := slices.Index(components, label); c >= 0 && !math.IsNaN(o.Values[j]) {
				points = append(points, figure.Observation{Component: c, Time: shown.Times[o.Index], Value: o.Values[j], Sd: o.Sd[j]})
			}
		}
	}
	return points
}

// readCase reads one case of a store of ensembles.
func readCase(path string, i int) (*trajectory.Set, error) {
	store, err := trajectory.Open(path)
	if err != nil {
		return nil, err
	}
	return store.Read(i, i+1)
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
		{Name: "machine", Value: fmt.Sprintf("%s/%s, %d cores, %s", p.Machine.OS, p.Machine.Arch, p.Machine.Cores, p.Machine.Processor)},
	}
}
