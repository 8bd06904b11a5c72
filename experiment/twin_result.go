package experiment

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"retrace/internal/atomicfile"
	"retrace/internal/fault"
	"retrace/internal/strict"
	"retrace/twin"
)

// TwinResult is the content of twin.json: the table of a twin experiment and the
// runs that it summarises.
type TwinResult struct {
	Cycles int       `json:"cycles"`
	Rows   []TwinRow `json:"rows"`
	Runs   []TwinRun `json:"runs"`
}

// TwinRow is what one method reached in one scenario.
type TwinRow struct {
	Scenario string `json:"scenario"`
	Method   string `json:"method"`
	// Group and Settings tell the variants of one method apart.
	Group    string        `json:"group,omitempty"`
	Settings []TwinSetting `json:"settings,omitempty"`
	twin.Summary
	Verdicts []Verdict `json:"verdicts,omitempty"`
	// Seconds is the mean wall time of a run, CyclesPerSecond what follows from it;
	// 0 if they are not known. They are no part of twin.json.
	Seconds         float64 `json:"wall_s,omitempty"`
	CyclesPerSecond float64 `json:"cycles_per_s,omitempty"`
}

// TwinSetting is a parameter in which the variants of a method differ.
type TwinSetting struct {
	Key   string `json:"key"`
	Value any    `json:"value"`
}

// TwinRun is one run of a method.
type TwinRun struct {
	Scenario string `json:"scenario"`
	Method   string `json:"method"`
	Pair     string `json:"pair"` // name of its file in pairs/
	*twin.Record
}

// Verdict compares what was reached with what was expected.
type Verdict struct {
	Statistic string   `json:"statistic"`
	Expected  float64  `json:"expected"`
	Tolerance float64  `json:"tolerance"`
	Measured  *float64 `json:"measured"` // nil if most runs diverged or the method gives no such estimate
	Pass      bool     `json:"pass"`
}

// ReadTwin reads the result of a twin experiment from its run directory, wall
// times included. A missing file gives an error that is fs.ErrNotExist.
func ReadTwin(dir string) (*TwinResult, error) {
	path := filepath.Join(dir, twinResult)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	result := &TwinResult{}
	if err := json.Unmarshal(text, result); err != nil {
		return nil, fault.Inputf("%s: %w; delete it and run again", path, err)
	}
	provenance, err := ReadProvenance(dir)
	if err != nil {
		return nil, err
	}
	if record := provenance.Units[twinUnit]; record != nil {
		result.addTimes(record.Measured)
	}
	return result, nil
}

// Passed reports whether everything expected was reached.
func (r *TwinResult) Passed() bool {
	for _, row := range r.Rows {
		for _, v := range row.Verdicts {
			if !v.Pass {
				return false
			}
		}
	}
	return true
}

// addTimes fills in the wall times of the rows.
func (r *TwinResult) addTimes(seconds map[string][]float64) {
	for i := range r.Rows {
		row := &r.Rows[i]
		var sum, count float64
		for _, run := range r.Runs {
			if s := seconds[run.Pair]; run.Scenario == row.Scenario && run.Method == row.Method && len(s) == 1 {
				sum, count = sum+s[0], count+1
			}
		}
		if sum > 0 {
			row.Seconds = sum / count
			row.CyclesPerSecond = float64(r.Cycles) / row.Seconds
		}
	}
}

// result arranges the records of all pairs.
func (c *TwinConfig) result(pairs []pair, records []*twin.Record) *TwinResult {
	result := &TwinResult{Cycles: c.Twin.Cycles}
	settings := c.settings()
	for i := range c.Scenarios {
		for j := range c.Methods {
			s, m := &c.Scenarios[i], &c.Methods[j]
			var runs []*twin.Record
			for k, p := range pairs {
				if p.scenario == s && p.method == m {
					runs = append(runs, records[k])
					result.Runs = append(result.Runs, TwinRun{s.Name, m.Name, p.key, records[k]})
				}
			}
			row := TwinRow{Scenario: s.Name, Method: m.Name, Group: m.Group, Settings: settings[j], Summary: twin.Summarise(runs)}
			row.Verdicts = m.Expect.verdicts(row.Summary)
			result.Rows = append(result.Rows, row)
		}
	}
	return result
}

// settings lists, for each method, the parameters in which its group differs.
func (c *TwinConfig) settings() [][]TwinSetting {
	list := make([][]TwinSetting, len(c.Methods))
	for i := range c.Methods {
		for _, f := range strict.Fields(&c.Methods[i].Method) {
			if f.Name != "name" && f.Name != "kind" && c.varies(&c.Methods[i], f) {
				list[i] = append(list[i], TwinSetting{f.Name, f.Value})
			}
		}
	}
	return list
}

// varies reports whether another method of the group has another value of a
// parameter.
func (c *TwinConfig) varies(m *TwinMethod, f strict.Field) bool {
	for i := range c.Methods {
		other := &c.Methods[i]
		if m.Group == "" || other.Group != m.Group {
			continue
		}
		for _, g := range strict.Fields(&other.Method) {
			if g.Name == f.Name && fmt.Sprint(g.Value) != fmt.Sprint(f.Value) {
				return true
			}
		}
	}
	return false
}

// verdicts compares a row with what was expected of it.
func (e *Expectation) verdicts(s twin.Summary) []Verdict {
	if e == nil {
		return nil
	}
	var list []Verdict
	for _, part := range []struct {
		statistic string
		expected  *float64
		reached   *twin.Average
	}{{"rmse_f", e.Forecast, s.Forecast}, {"rmse_a", e.Analysis, s.Analysis}, {"rmse_s", e.Smoothed, s.Smoothed}} {
		if part.expected == nil {
			continue
		}
		v := Verdict{Statistic: part.statistic, Expected: *part.expected, Tolerance: e.Tolerance}
		if part.reached != nil && sound(s) {
			v.Measured = &part.reached.RMSE.Value
			v.Pass = math.Abs(*v.Measured-v.Expected) <= v.Tolerance
		}
		list = append(list, v)
	}
	return list
}

// sound reports whether an average stands for a method: at least half of its runs
// did not diverge.
func sound(s twin.Summary) bool { return 2*s.Diverged <= s.Seeds }

// writeResult writes the result in every format.
func (c *TwinConfig) writeResult(t *task, pairs []pair, records []*twin.Record) error {
	result := c.result(pairs, records)
	text, err := json.MarshalIndent(result, "", " ")
	if err != nil {
		return err
	}
	table, err := result.csv()
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{twinResult: append(text, '\n'), twinCSV: table, twinLaTeX: result.latex()} {
		if err := atomicfile.Write(t.file(name), content); err != nil {
			return err
		}
	}
	return nil
}
