package experiment

import (
	"fmt"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"

	"retrace/figure"
	"retrace/twin"
)

// report draws the figures of a twin experiment and writes its report.
func (c *TwinConfig) report(t *task) error {
	result, err := ReadTwin(t.path)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(t.file("figures"), 0o777); err != nil { // there may be nothing to draw
		return err
	}
	r := &reporter{&Config{Name: c.Name, model: c.model}, t}
	report := figure.Report{
		Title: c.Name, Summary: c.summary(result), Metrics: twinMetrics(), Scores: twinScores(result),
		Config: string(c.resolved(t.path)), Timings: r.timings(), Provenance: r.facts(),
	}
	shown := slices.DeleteFunc(slices.Clone(report.Scores), func(s figure.Score) bool { return math.IsNaN(s.Value) })
	plot, err := figure.ScorePlot(shown, report.Metrics)
	if report.Overview, err = r.illustrate("scores", "Errors of every method: a point a run, the marker at the median, the bar from quartile to quartile.", plot, err); err != nil {
		return err
	}
	for i := range c.Scenarios {
		s := &c.Scenarios[i]
		section := figure.Section{Name: s.Name, Description: (&reporter{c.single(s), t}).describe(s)}
		if section.Figures, err = c.sweepFigures(r, result, s); err != nil {
			return err
		}
		report.Scenarios = append(report.Scenarios, section)
	}
	return report.Save(t.path)
}

// summary says in words what the numbers are.
func (c *TwinConfig) summary(result *TwinResult) []string {
	text := fmt.Sprintf("A twin experiment: %d runs of %d cycles for each method, of which those after time %g count. A run is a case of the tables.",
		len(c.SeedList()), c.Twin.Cycles, c.Twin.BurnIn)
	var lost []string
	for _, row := range result.Rows {
		if row.Diverged > 0 {
			lost = append(lost, fmt.Sprintf("%s, %s (%d of %d)", row.Scenario, row.Method, row.Diverged, row.Seeds))
		}
	}
	if lost == nil {
		return []string{text, "No run diverged."}
	}
	return []string{text, "Diverged, and left out: " + strings.Join(lost, "; ") + "."}
}

// Figures of a run that belong to its analysis or, without one, to its smoothed
// estimate.
const twinSpread, twinRatio, twinCRPS = "spread", "spread_skill", "crps"

func twinMetrics() []figure.Metric {
	return []figure.Metric{
		{Name: "rmse_f", Label: "rmse of the forecast", Better: figure.Lower},
		{Name: "rmse_a", Label: "rmse of the analysis", Better: figure.Lower},
		{Name: "rmse_s", Label: "rmse of the smoothed estimate", Better: figure.Lower},
		{Name: twinSpread, Label: "spread of the analysis"},
		{Name: twinRatio, Label: "spread/skill of the analysis", Target: new(1.0)},
		{Name: twinCRPS, Label: "crps of the analysis", Better: figure.Lower},
	}
}

// twinScores lists the figures of all runs, those of diverged ones as NaN. Spread
// and score are those of the analysis or, without one, of the smoothed estimate.
func twinScores(result *TwinResult) []figure.Score {
	var list []figure.Score
	runs := map[string]int{}
	for _, run := range result.Runs {
		number := runs[run.Scenario+"/"+run.Method]
		runs[run.Scenario+"/"+run.Method]++
		result.eachFigure(run, func(metric string, value float64) {
			list = append(list, figure.Score{Scenario: run.Scenario, Method: run.Method, Case: number, Metric: metric, Value: value})
		})
	}
	return list
}

// eachFigure calls add with the figures of a run, by name.
func (r *TwinResult) eachFigure(run TwinRun, add func(metric string, value float64)) {
	stages := map[string]*twin.Statistics{"f": run.Forecast, "a": run.Analysis, "s": run.Smoothed}
	for _, letter := range r.Stages() {
		switch s := stages[letter]; {
		case run.Divergence != "":
			add("rmse_"+letter, math.NaN())
		case s != nil:
			add("rmse_"+letter, s.RMSE.Value)
		}
	}
	main := run.Analysis
	if main == nil {
		main = run.Smoothed
	}
	if main == nil || run.Divergence != "" {
		return
	}
	add(twinSpread, main.Spread.Value)
	if ratio, _ := main.SpreadSkill(run.Members); main.MeanSquare > 0 {
		add(twinRatio, ratio)
	}
	if main.CRPS != nil {
		add(twinCRPS, *main.CRPS)
	}
}

// sweepFigures draws, for a scenario, the error against every parameter that a
// group of methods varies over at least two numbers.
func (c *TwinConfig) sweepFigures(r *reporter, result *TwinResult, s *Scenario) ([]figure.Illustration, error) {
	var drawn []figure.Illustration
	for _, key := range result.keys() {
		sweep := figure.Sweep{Parameter: key, Lines: result.lines(s.Name, key)}
		if !slices.ContainsFunc(sweep.Lines, func(l figure.Line) bool { return len(l.X) > 1 }) {
			continue
		}
		sweep.Statistic = "rmse of the analysis"
		plot, err := figure.SweepPlot(sweep)
		caption := fmt.Sprintf("Error against %s in scenario %s: mean over runs that did not diverge, with bars of one standard error; left out where most did.", key, s.Name)
		illustration, err := r.illustrate(fmt.Sprintf("%s-%s", strings.ReplaceAll(s.Name, " ", "-"), key), caption, plot, err)
		if err != nil {
			return nil, err
		}
		drawn = append(drawn, illustration...)
	}
	return drawn, nil
}

// lines joins the rows of a scenario that differ in one parameter only, by its
// value. Rows without an analysis are left out, and those of which most runs
// diverged: what is left of them are the lucky ones.
func (r *TwinResult) lines(scenario, key string) []figure.Line {
	var names []string
	points := map[string][]point{}
	for _, row := range r.Rows {
		if row.Scenario != scenario || row.Analysis == nil || !sound(row.Summary) {
			continue
		}
		x, name, ok := row.split(key)
		if !ok {
			continue
		}
		if points[name] == nil {
			names = append(names, name)
		}
		points[name] = append(points[name], point{x, row.Analysis.RMSE.Value, row.Analysis.RMSE.Error})
	}
	var lines []figure.Line
	for _, name := range names {
		slices.SortFunc(points[name], func(a, b point) int {
			if a.x < b.x {
				return -1
			}
			return 1
		})
		line := figure.Line{Name: name}
		for _, p := range points[name] {
			line.X, line.Y, line.Error = append(line.X, p.x), append(line.Y, p.y), append(line.Error, p.err)
		}
		lines = append(lines, line)
	}
	return lines
}

type point struct{ x, y, err float64 }

// split separates the value of a parameter, which must be a number, from what else
// tells the row apart in its group.
func (r *TwinRow) split(key string) (x float64, rest string, ok bool) {
	rest = r.Group
	for _, s := range r.Settings {
		value := reflect.ValueOf(s.Value)
		switch {
		case s.Key != key:
			rest += fmt.Sprintf(" %s=%v", s.Key, s.Value)
		case value.CanFloat():
			x, ok = value.Float(), true
		case value.CanInt():
			x, ok = float64(value.Int()), true
		}
	}
	return x, rest, ok
}
