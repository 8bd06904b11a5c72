package command_test

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"retrace/feedback"
	"retrace/quality"
)

// TestFeedbackScripts runs the real command line on a small feedback table.
func TestFeedbackScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/feedback",
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"exits": exits},
		Setup: func(env *testscript.Env) error {
			folder := filepath.Join(env.WorkDir, "table")
			if err := os.Mkdir(folder, 0o777); err != nil {
				return err
			}
			return feedback.WriteFile(filepath.Join(folder, "window-000000.parquet"), []string{"x"}, func(w *feedback.Writer) error {
				return w.Write([]feedback.Row{
					{Frame: 1, Time: 0.25, Operator: "buoys", Component: "a", Position: []float64{1}, Value: 1.5, Sd: 0.5, PriorMean: 1, PriorSd: 0.25, PosteriorMean: 1.2, PosteriorSd: 0.2},
					{Frame: 1, Time: 0.25, Operator: "buoys", Component: "b", Position: []float64{2}, Value: 0.5, Sd: 0.5, PriorMean: 1, PriorSd: 0.25, PosteriorMean: 0.8, PosteriorSd: 0.2},
					{Frame: 2, Time: 0.5, Operator: "buoys", Component: "b", Position: []float64{2}, Value: -999, Sd: 0.5, PriorMean: 1, PriorSd: 0.25, PosteriorMean: math.NaN(), PosteriorSd: math.NaN(), Verdict: quality.GrossError},
				})
			})
		},
	})
}
