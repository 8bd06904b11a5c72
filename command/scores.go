package command

import (
	"fmt"
	"io"
	"slices"

	"retrace/experiment"
)

// printScores prints the result table of a run directory.
func printScores(w io.Writer, dir string, asJSON bool) error {
	rows, err := experiment.Table(dir)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(w, rows)
	}
	if len(rows) == 0 {
		return nil
	}
	columns := experiment.Columns(rows)
	t := &table{left: 2, header: []string{"scenario", "method", "cases"}}
	for _, metric := range columns {
		head := metric
		if units := rows[0].Units[metric]; units != "" && units != "1" {
			head += " [" + units + "]"
		}
		t.header = append(t.header, head)
	}
	lost := slices.ContainsFunc(rows, func(r experiment.Row) bool { return r.Diverged > 0 })
	if lost {
		t.header = append(t.header, experiment.DivergedMetric)
	}
	t.header = append(t.header, "s/case")
	for _, row := range rows {
		cells := []string{row.Scenario, row.Method, fmt.Sprint(row.Cases)}
		for _, metric := range columns {
			if value, ok := row.Median[metric]; ok {
				cells = append(cells, significant(value))
			} else {
				cells = append(cells, "-")
			}
		}
		if lost {
			cells = append(cells, fmt.Sprintf("%d/%d", row.Diverged, row.Cases))
		}
		t.add(append(cells, significant(row.Seconds))...)
	}
	if _, err := fmt.Fprintln(w, "medians over cases"); err != nil {
		return err
	}
	return t.print(w)
}

// significant writes a number with four digits that matter.
func significant(x float64) string {
	switch a := max(x, -x); {
	case a >= 1e6 || a > 0 && a < 1e-3:
		return fmt.Sprintf("%.3g", x)
	case a >= 1000:
		return fmt.Sprintf("%.0f", x)
	case a >= 100:
		return fmt.Sprintf("%.1f", x)
	case a >= 10:
		return fmt.Sprintf("%.2f", x)
	}
	return fmt.Sprintf("%.3f", x)
}
