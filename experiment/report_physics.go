package experiment

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"retrace/figure"
)

// fieldScores puts the scores of single channels of a scenario, and the physics of its
// members, into its section of the report.
func (r *reporter) fieldScores(section *figure.Section, s *Scenario, scores []Score) {
	view := viewOf(r.model)
	if view == nil {
		return
	}
	titles := make([]string, len(view.Channels))
	for c, channel := range view.Channels {
		titles[c] = channel
		if units := view.units[c]; units != "" && units != "1" {
			titles[c] += " [" + units + "]"
		}
	}
	var physics []Score
	for _, score := range scores {
		switch {
		case score.Scenario != s.Name || score.Channel == "":
		case slices.Contains(physicsNames, score.Metric):
			physics = append(physics, score)
		default:
			section.Scores = append(section.Scores, figure.Score{
				Scenario: titles[max(0, slices.Index(view.Channels, score.Channel))], Method: score.Method, Case: score.Case, Metric: score.Metric, Value: score.Value,
			})
		}
	}
	slices.SortStableFunc(section.Scores, func(a, b figure.Score) int {
		return slices.Index(titles, a.Scenario) - slices.Index(titles, b.Scenario)
	})
	section.Metrics = slices.DeleteFunc(r.shownMetrics(), func(m figure.Metric) bool { return slices.Contains(physicsNames, m.Name) })
	for i := range section.Metrics {
		section.Metrics[i].Units = "" // channels have their own
	}
	section.Physics = comparison(physics)
}

// comparison is the table of physics: a row a quantity, a column the truth and each method.
func comparison(scores []Score) figure.Comparison {
	type key struct{ metric, part string }
	sums, counts := map[key]map[string]float64{}, map[key]map[string]float64{}
	units := map[key]string{}
	var order []key
	var methods []string
	for _, s := range scores {
		k := key{s.Metric, s.Channel}
		if sums[k] == nil {
			sums[k], counts[k], units[k] = map[string]float64{}, map[string]float64{}, s.Units
			order = append(order, k)
		}
		sums[k][s.Method] += s.Value
		counts[k][s.Method]++
		if !slices.Contains(methods, s.Method) && s.Method != TruthName {
			methods = append(methods, s.Method)
		}
	}
	slices.SortStableFunc(order, func(a, b key) int {
		return slices.Index(physicsNames, a.metric) - slices.Index(physicsNames, b.metric)
	})
	c := figure.Comparison{Columns: append([]string{TruthName}, methods...)}
	var told []string
	for _, k := range order {
		m := Metrics()[slices.Index(metricNames(), k.metric)]
		row := figure.ComparisonRow{Label: m.Label + ", " + k.part, Units: units[k]}
		for _, method := range c.Columns {
			value := math.NaN()
			if n := counts[k][method]; n > 0 {
				value = sums[k][method] / n
			} else if method == TruthName && strings.HasPrefix(k.metric, "spectrum_") {
				value = map[bool]float64{true: 0, false: 1}[k.metric == "spectrum_error"]
			}
			row.Values = append(row.Values, value)
		}
		c.Rows = append(c.Rows, row)
		if !slices.Contains(told, m.Name) {
			told = append(told, m.Name)
			c.Notes = append(c.Notes, figure.Fact{Name: m.Label, Value: sentence(m.Summary)})
		}
	}
	return c
}

// sentence makes a summary one.
func sentence(summary string) string {
	if summary == "" {
		return ""
	}
	return strings.ToUpper(summary[:1]) + summary[1:] + "."
}

// Physics is the table of physics of a run directory, of each scenario: rows of parts with
// the mean over cases of each method, the truth first.
func Physics(dir string) ([]PhysicsRow, error) {
	scores, err := ReadScores(dir)
	if err != nil {
		return nil, err
	}
	var rows []PhysicsRow
	var order []string
	for _, s := range scores {
		if !slices.Contains(order, s.Scenario) {
			order = append(order, s.Scenario)
		}
	}
	for _, scenario := range order {
		physics := slices.DeleteFunc(slices.Clone(scores), func(s Score) bool {
			return s.Scenario != scenario || !slices.Contains(physicsNames, s.Metric)
		})
		table := comparison(physics)
		for _, row := range table.Rows {
			r := PhysicsRow{Scenario: scenario, Quantity: row.Label, Units: row.Units, Mean: map[string]float64{}}
			for i, v := range row.Values {
				if usable(v) {
					r.Mean[table.Columns[i]] = v
				}
			}
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// PhysicsRow is one quantity of the table of physics.
type PhysicsRow struct {
	Scenario string             `json:"scenario"`
	Quantity string             `json:"quantity"`
	Units    string             `json:"units"`
	Mean     map[string]float64 `json:"mean"` // of the truth and of each method
}

// String writes the quantity with its units.
func (r PhysicsRow) String() string {
	if r.Units == "" || r.Units == "1" {
		return r.Quantity
	}
	return fmt.Sprintf("%s [%s]", r.Quantity, r.Units)
}
