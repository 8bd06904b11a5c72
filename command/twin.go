package command

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"retrace/experiment"
	"retrace/twin"
)

// errVerdict says that something did not come out as expected; exit code 3.
var errVerdict = errors.New("the verdict is FAIL")

// runTwin carries a twin experiment out, prints its table and, if the config says
// what to expect, the verdict.
func (f *runFlags) runTwin(cmd *cobra.Command, path string) error {
	config, err := experiment.LoadTwin(path, f.overrides)
	if err != nil {
		return err
	}
	outcome, err := f.carryOut(cmd, func(o experiment.Options) (experiment.Outcome, error) {
		return experiment.RunTwin(cmd.Context(), config, o)
	})
	if err != nil {
		return err
	}
	f.tellReport(cmd, outcome)
	result, err := experiment.ReadTwin(outcome.Dir)
	if err != nil {
		return err
	}
	if f.json {
		err = printJSON(cmd.OutOrStdout(), result)
	} else {
		err = printTwin(cmd.OutOrStdout(), result)
	}
	if err == nil && !result.Passed() {
		err = errVerdict
	}
	return err
}

// printTwin prints the table of a twin experiment and its verdicts.
func printTwin(w io.Writer, r *experiment.TwinResult) error {
	fmt.Fprintln(w, "means over the runs that did not diverge, with standard errors")
	if err := twinTable(r).print(w); err != nil {
		return err
	}
	t := newVerdictTable()
	for _, row := range r.Rows {
		t.addRow(row.Scenario, row)
	}
	if len(t.rows) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	return t.print(w)
}

func twinTable(r *experiment.TwinResult) *table {
	stages := r.Stages()
	scored := false
	for i := range r.Rows {
		main := mainAverage(&r.Rows[i])
		scored = scored || main != nil && main.CRPS != nil
	}
	t := &table{left: 2, header: []string{"scenario", "method", "members"}}
	for _, s := range stages {
		t.header = append(t.header, "rmse."+s, "+-")
	}
	t.header = append(t.header, "spread", "spread/skill")
	if scored {
		t.header = append(t.header, "crps")
	}
	t.header = append(t.header, "diverged", "s/run", "cycles/s")
	for i := range r.Rows {
		t.add(twinCells(&r.Rows[i], stages, scored)...)
	}
	return t
}

// mainAverage is the average of the analysis or, without one, of the smoothed
// estimate.
func mainAverage(row *experiment.TwinRow) *twin.Average {
	if row.Analysis != nil {
		return row.Analysis
	}
	return row.Smoothed
}

func twinCells(row *experiment.TwinRow, stages []string, scored bool) []string {
	cells := []string{row.Scenario, row.Method, "-"}
	if row.Members > 0 {
		cells[2] = fmt.Sprint(row.Members)
	}
	for _, s := range stages {
		value, err := "-", ""
		if a := row.Stage(s); a != nil {
			value, err = experiment.Uncertain(a.RMSE)
		}
		cells = append(cells, value, err)
	}
	spread, ratio, crps := "-", "-", "-"
	if a := mainAverage(row); a != nil {
		spread = significant(a.Spread)
		ratio, crps = optional(a.SpreadSkill), optional(a.CRPS)
	}
	cells = append(cells, spread, ratio)
	if scored {
		cells = append(cells, crps)
	}
	seconds, pace := "-", "-"
	if row.Seconds > 0 {
		seconds, pace = significant(row.Seconds), fmt.Sprintf("%.3g", row.CyclesPerSecond)
	}
	return append(cells, fmt.Sprintf("%d/%d", row.Diverged, row.Seeds), seconds, pace)
}

func optional(x *float64) string {
	if x == nil {
		return "-"
	}
	return significant(*x)
}

// verdictTable compares what was reached with what was expected.
type verdictTable struct {
	*table
	failed int
}

func newVerdictTable() *verdictTable {
	return &verdictTable{table: &table{left: 3, header: []string{
		"case", "method", "statistic", "expected", "tolerance", "measured", "+-", "diverged", "verdict",
	}}}
}

func (t *verdictTable) addRow(name string, row experiment.TwinRow) {
	for _, v := range row.Verdicts {
		measured, err, verdict := "-", "", "PASS"
		if v.Measured != nil {
			measured, err = experiment.Uncertain(row.Stage(v.Statistic[len("rmse_"):]).RMSE)
		}
		if !v.Pass {
			verdict = "FAIL"
			t.failed++
		}
		t.add(name, row.Method, v.Statistic, fmt.Sprint(v.Expected), fmt.Sprint(v.Tolerance), measured, err,
			fmt.Sprintf("%d/%d", row.Diverged, row.Seeds), verdict)
	}
}
