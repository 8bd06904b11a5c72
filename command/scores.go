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
	fields, err := experiment.ChannelTable(dir)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(w, append(rows, fields...))
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
	if err := t.print(w); err != nil {
		return err
	}
	return printFields(w, fields)
}

// printFields prints the errors of single fields, a column a field; nothing where there
// are no fields or no truth.
func printFields(w io.Writer, rows []experiment.Row) error {
	const metric = "nrmse"
	t := &table{left: 2, header: []string{"scenario", "method"}}
	for _, row := range rows {
		value, ok := row.Median[metric]
		if !ok {
			continue
		}
		column := slices.Index(t.header, row.Channel)
		if column < 0 {
			column = len(t.header)
			t.header = append(t.header, row.Channel)
		}
		last := len(t.rows) - 1
		if last < 0 || t.rows[last][0] != row.Scenario || t.rows[last][1] != row.Method {
			t.add(row.Scenario, row.Method)
			last++
		}
		for len(t.rows[last]) <= column {
			t.rows[last] = append(t.rows[last], "-")
		}
		t.rows[last][column] = significant(value)
	}
	if len(t.rows) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(w, "\nerror of the mean over the standard deviation of the truth, field by field"); err != nil {
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
