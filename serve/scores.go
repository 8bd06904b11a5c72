package serve

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"path"
	"slices"
	"strconv"
)

// mostRows is the longest table that is shown.
const mostRows = 400

// score is a record of scores.json of an experiment.
type score struct {
	Scenario, Method, Metric, Units string
	Value                           *float64
}

// scores reads the table of results of a run: medians over cases of an experiment,
// the table of a twin experiment. nil if there is none yet.
func (s *Server) scores(dir string) *Table {
	if t, err := s.table(path.Join(dir, "twin.csv"), mostRows); err == nil {
		t.dropEmpty()
		for _, row := range t.Rows {
			for i, cell := range row {
				row[i] = shorter(cell)
			}
		}
		return t
	}
	if t := s.leads(path.Join(dir, batchFolder, "scores.json")); t != nil {
		return t
	}
	var list []score
	if err := s.readJSON(path.Join(dir, "scores.json"), &list); err != nil || len(list) == 0 {
		return nil
	}
	return medians(list)
}

// leads reads the scores of the forecasts of a reanalysis by their lead.
func (s *Server) leads(file string) *Table {
	var scores struct{ Leads []map[string]any }
	if err := s.readJSON(file, &scores); err != nil || len(scores.Leads) == 0 {
		return nil
	}
	t := &Table{Columns: []string{"states"}, Rows: [][]string{}, Note: "root mean squares over forecasts, by the states ahead"}
	for _, name := range slices.Sorted(maps.Keys(scores.Leads[0])) {
		if name != "states" {
			t.Columns = append(t.Columns, name)
		}
	}
	for _, lead := range scores.Leads[:min(len(scores.Leads), mostRows)] {
		var row []string
		for _, name := range t.Columns {
			text := ""
			if x, ok := lead[name].(float64); ok {
				text = digits(x)
			}
			row = append(row, text)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// medians makes a row for each scenario and method, a column for each metric.
func medians(list []score) *Table {
	type row struct{ scenario, method string }
	values := map[row]map[string][]float64{}
	var rows []row
	var metrics []string
	units := map[string]string{}
	for _, x := range list {
		key := row{x.Scenario, x.Method}
		if values[key] == nil {
			values[key] = map[string][]float64{}
			rows = append(rows, key)
		}
		if !slices.Contains(metrics, x.Metric) {
			metrics = append(metrics, x.Metric)
			units[x.Metric] = x.Units
		}
		if x.Value != nil {
			values[key][x.Metric] = append(values[key][x.Metric], *x.Value)
		}
	}
	t := &Table{Columns: []string{"scenario", "method"}, Rows: [][]string{}, Note: "medians over cases"}
	for _, m := range metrics {
		if u := units[m]; u != "" && u != "1" {
			m += " [" + u + "]"
		}
		t.Columns = append(t.Columns, m)
	}
	for _, key := range rows[:min(len(rows), mostRows)] {
		cells := []string{key.scenario, key.method}
		for _, m := range metrics {
			cells = append(cells, median(values[key][m]))
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

// median is that of some numbers as text, "" if there are none.
func median(list []float64) string {
	if len(list) == 0 {
		return ""
	}
	slices.Sort(list)
	n := len(list)
	return digits((list[n/2] + list[(n-1)/2]) / 2)
}

// shorter writes a number with four digits, and other text as it is.
func shorter(text string) string {
	if x, err := strconv.ParseFloat(text, 64); err == nil {
		return digits(x)
	}
	return text
}

// digits writes four digits, or all of a whole number of up to seven.
func digits(x float64) string {
	if size := math.Abs(x); size >= 1e4 && size < 1e7 {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.4g", x)
}

// dropEmpty removes the columns without any value.
func (t *Table) dropEmpty() {
	keep := func(row []string) []string {
		var kept []string
		for i, cell := range row {
			if slices.ContainsFunc(t.Rows, func(r []string) bool { return i < len(r) && r[i] != "" }) {
				kept = append(kept, cell)
			}
		}
		return kept
	}
	columns := keep(t.Columns)
	rows := make([][]string, len(t.Rows))
	for i, row := range t.Rows {
		rows[i] = keep(row)
	}
	t.Columns, t.Rows = columns, rows
}

// readVerdict reads a calibration: what verdict.json says.
func (s *Server) readVerdict(r *Run) {
	file := path.Join(r.Path, "verdict.json")
	var v struct {
		Title   string
		Pass    bool
		Methods []json.RawMessage
	}
	r.Changed = s.modified(file)
	if err := s.readJSON(file, &v); err != nil {
		r.State, r.Doing = failed, "verdict.json cannot be read: "+err.Error()
		return
	}
	r.State, r.Share = done, 1
	r.Doing = "FAIL"
	if v.Pass {
		r.Doing = "PASS"
	}
	r.Doing = fmt.Sprintf("%s: %d methods, %s", r.Doing, len(v.Methods), v.Title)
}
