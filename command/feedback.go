package command

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"retrace/feedback"
	"retrace/quality"
)

func feedbackCommand() *cobra.Command {
	var where, columns []string
	var summary bool
	cmd := &cobra.Command{
		Use:   "feedback DIR",
		Short: "Query the feedback table: every observation, and what became of it",
		Long: `Query the feedback table of a run directory: a row for each value that was
observed, with what the prior and the posterior say of it and the verdict of
quality control. Rows that meet all conditions are printed as CSV:

  --where verdict=background   the verdict is background
  --where time=10:20           from 10 to 20; one end may be left out
  --where 'component=psi1/*'   begins with psi1/

The files are Parquet, which pandas, polars and DuckDB read as they are.`,
		Example: example("retrace feedback runs/reanalysis --summary") + "\n" +
			example("retrace feedback runs/reanalysis --where verdict=background --columns time,component,value,prior_mean"),
		Args: exactly("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			table, err := feedback.Open(args[0])
			if err != nil {
				return err
			}
			conditions := make([]feedback.Condition, len(where))
			for i, expression := range where {
				if conditions[i], err = table.ParseCondition(expression); err != nil {
					return err
				}
			}
			if summary {
				return printFeedback(cmd.OutOrStdout(), table, conditions)
			}
			return table.WriteCSV(cmd.OutOrStdout(), columns, conditions)
		},
	}
	cmd.Flags().StringArrayVar(&where, "where", nil, "condition that rows meet: column=value or column=least:greatest (repeatable)")
	cmd.Flags().StringSliceVar(&columns, "columns", nil, "columns to print, such as time,value (default all)")
	cmd.Flags().BoolVar(&summary, "summary", false, "print statistics of each operator instead of rows")
	cmd.MarkFlagsMutuallyExclusive("summary", "columns")
	return cmd
}

// printFeedback prints what the rows of each operator say together.
func printFeedback(w io.Writer, from *feedback.Table, where []feedback.Condition) error {
	list, err := from.Summarise(where)
	if err != nil {
		return err
	}
	t := &table{left: 1, header: []string{"operator", "values", "accepted", "rejected", "bias", "rms prior", "expected", "chi^2", "rms posterior"}}
	for _, s := range list {
		total := 0
		for _, n := range s.Counts {
			total += n
		}
		t.add(s.Operator, fmt.Sprint(total), fmt.Sprint(s.Counts[quality.Accepted]), fmt.Sprintf("%.2f %%", 100*s.Counts.Rate()),
			orDash(s.Bias), orDash(s.Prior), orDash(s.Expected), orDash(s.Chi2), orDash(s.After))
	}
	if err := t.print(w); err != nil {
		return err
	}
	for _, s := range list {
		var parts []string
		for _, v := range quality.All() {
			if n := s.Counts[v]; n > 0 {
				parts = append(parts, fmt.Sprintf("%s %d", v, n))
			}
		}
		if _, err := fmt.Fprintf(w, "%s: %s\n", s.Operator, strings.Join(parts, ", ")); err != nil {
			return err
		}
	}
	return nil
}

// orDash writes a statistic, which may not be known.
func orDash(x float64) string {
	if math.IsNaN(x) {
		return "-"
	}
	return fmt.Sprintf("%.4g", x)
}
