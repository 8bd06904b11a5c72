package experiment

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"retrace/twin"
)

// stage is one of the stages that a row has estimates of.
type rowStage struct {
	letter  string // f, a, s
	average *twin.Average
}

func (r *TwinRow) stages() []rowStage {
	return []rowStage{{"f", r.Forecast}, {"a", r.Analysis}, {"s", r.Smoothed}}
}

// Stages lists the stages, f, a or s, that any row has estimates of.
func (r *TwinResult) Stages() []string {
	var list []string
	for i, letter := range []string{"f", "a", "s"} {
		if slices.ContainsFunc(r.Rows, func(row TwinRow) bool { return row.stages()[i].average != nil }) {
			list = append(list, letter)
		}
	}
	return list
}

// Stage is the averages of a row for the stage f, a or s; nil if it has none.
func (r *TwinRow) Stage(letter string) *twin.Average {
	for _, s := range r.stages() {
		if s.letter == letter {
			return s.average
		}
	}
	return nil
}

// keys lists the parameters that any row varies, by first appearance.
func (r *TwinResult) keys() []string {
	var list []string
	for _, row := range r.Rows {
		for _, s := range row.Settings {
			if !slices.Contains(list, s.Key) {
				list = append(list, s.Key)
			}
		}
	}
	return list
}

// Setting is the value of a parameter that the row's group varies, as text; empty
// if it does not vary it.
func (r *TwinRow) Setting(key string) string {
	for _, s := range r.Settings {
		if s.Key == key {
			return fmt.Sprint(s.Value)
		}
	}
	return ""
}

// csv writes a row for each scenario and method, every figure with all its digits.
func (r *TwinResult) csv() ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	keys := r.keys()
	head := append([]string{"scenario", "method", "group"}, keys...)
	head = append(head, "ensemble", "runs", "diverged")
	for _, s := range []string{"f", "a", "s"} {
		for _, column := range []string{"rmse", "rmse_error", "rmse_time_error", "spread", "rms", "spread_skill", "spread_skill_plain", "crps"} {
			head = append(head, column+"_"+s)
		}
	}
	w.Write(head)
	for _, row := range r.Rows {
		line := []string{row.Scenario, row.Method, row.Group}
		for _, key := range keys {
			line = append(line, row.Setting(key))
		}
		line = append(line, strconv.Itoa(row.Members), strconv.Itoa(row.Seeds), strconv.Itoa(row.Diverged))
		for _, s := range row.stages() {
			line = append(line, averageCells(s.average)...)
		}
		w.Write(line)
	}
	w.Flush()
	return out.Bytes(), w.Error()
}

// averageCells are the figures of a stage; empty where there are none.
func averageCells(a *twin.Average) []string {
	if a == nil {
		return make([]string, 8)
	}
	full := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	optional := func(x *float64) string {
		if x == nil {
			return ""
		}
		return full(*x)
	}
	return []string{full(a.RMSE.Value), full(a.RMSE.Error), full(a.TimeError), full(a.Spread), full(a.RootMeanSquare),
		optional(a.SpreadSkill), optional(a.SpreadSkillPlain), optional(a.CRPS)}
}

// latex writes the table for a paper that has the package booktabs: values with
// their standard errors, the smallest of each scenario and stage in bold.
func (r *TwinResult) latex() []byte {
	var out strings.Builder
	stages := r.Stages()
	fmt.Fprintf(&out, "%% Needs \\usepackage{booktabs}. Means over the runs that did not diverge, with standard errors.\n")
	fmt.Fprintf(&out, "\\begin{tabular}{ll%s}\n\\toprule\n", strings.Repeat("r", len(stages)+3))
	fmt.Fprintf(&out, "Scenario & Method & $N$")
	for _, s := range stages {
		fmt.Fprintf(&out, " & RMSE$_\\mathrm{%s}$", s)
	}
	fmt.Fprintf(&out, " & Spread/skill & Diverged \\\\\n")
	scenario := ""
	for i := range r.Rows {
		row := &r.Rows[i]
		name := ""
		if row.Scenario != scenario {
			scenario, name = row.Scenario, row.Scenario
			fmt.Fprintf(&out, "\\midrule\n")
		}
		fmt.Fprintf(&out, "%s & %s & %s", escapeLaTeX(name), escapeLaTeX(row.Method), count(row.Members))
		for _, s := range stages {
			fmt.Fprintf(&out, " & %s", latexMean(row.Stage(s), r.best(row, s)))
		}
		fmt.Fprintf(&out, " & %s & %d/%d \\\\\n", latexRatio(row), row.Diverged, row.Seeds)
	}
	fmt.Fprintf(&out, "\\bottomrule\n\\end{tabular}\n")
	return []byte(out.String())
}

// best reports whether no row of the scenario has a smaller error at a stage. Rows
// of which most runs diverged do not compete.
func (r *TwinResult) best(row *TwinRow, stage string) bool {
	mine := row.Stage(stage)
	return mine != nil && sound(row.Summary) && !slices.ContainsFunc(r.Rows, func(other TwinRow) bool {
		theirs := other.Stage(stage)
		return other.Scenario == row.Scenario && theirs != nil && sound(other.Summary) && theirs.RMSE.Value < mine.RMSE.Value
	})
}

func count(n int) string {
	if n == 0 {
		return "--"
	}
	return strconv.Itoa(n)
}

func latexMean(a *twin.Average, best bool) string {
	if a == nil {
		return "--"
	}
	value, err := Uncertain(a.RMSE)
	if best {
		value = `\mathbf{` + value + "}"
	}
	if err == "" {
		return "$" + value + "$"
	}
	return "$" + value + ` \pm ` + err + "$"
}

func latexRatio(row *TwinRow) string {
	a := row.Analysis
	if a == nil {
		a = row.Smoothed
	}
	if a == nil || a.SpreadSkill == nil {
		return "--"
	}
	return fmt.Sprintf("$%.2f$", *a.SpreadSkill)
}

// Uncertain writes a mean and its standard error to the second digit of the
// latter; without an error four digits of the mean, and an empty text.
func Uncertain(m twin.Mean) (value, err string) {
	if !(m.Error > 0) {
		return strconv.FormatFloat(m.Value, 'g', 4, 64), ""
	}
	digits := 1 - int(math.Floor(math.Log10(m.Error)))
	if text := strconv.FormatFloat(m.Error, 'f', max(0, digits), 64); math.Floor(math.Log10(m.Error)) > 0 {
		return strconv.FormatFloat(m.Value, 'f', 0, 64), text
	}
	return strconv.FormatFloat(m.Value, 'f', digits, 64), strconv.FormatFloat(m.Error, 'f', digits, 64)
}

// escapeLaTeX escapes what means something to LaTeX in names.
func escapeLaTeX(text string) string {
	return strings.NewReplacer(`\`, `\textbackslash{}`, `_`, `\_`, `%`, `\%`, `&`, `\&`, `#`, `\#`, `$`, `\$`,
		`{`, `\{`, `}`, `\}`, `~`, `\textasciitilde{}`, `^`, `\textasciicircum{}`).Replace(text)
}
