package feedback_test

import (
	"os"
	"path/filepath"

	"retrace/feedback"
	"retrace/quality"
)

// A table is written window by window and asked for what was rejected.
func Example() {
	dir, err := os.MkdirTemp("", "feedback")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	err = feedback.WriteFile(filepath.Join(dir, "window-000000.parquet"), nil, func(w *feedback.Writer) error {
		return w.Write([]feedback.Row{
			{Frame: 3, Time: 0.6, Operator: "probe", Component: "x", Value: 7.5, Sd: 0.4, PriorMean: 7.1, PriorSd: 0.3},
			{Frame: 4, Time: 0.8, Operator: "probe", Component: "x", Value: 71, Sd: 0.4, PriorMean: 7.9, PriorSd: 0.3, Verdict: quality.Unlikely},
		})
	})
	if err != nil {
		panic(err)
	}
	table, err := feedback.Open(dir)
	if err != nil {
		panic(err)
	}
	rejected, err := table.ParseCondition("verdict=background")
	if err != nil {
		panic(err)
	}
	table.WriteCSV(os.Stdout, []string{"time", "component", "value", "prior_mean"}, []feedback.Condition{rejected})
	// Output:
	// time,component,value,prior_mean
	// 0.8,x,71,7.9
}
