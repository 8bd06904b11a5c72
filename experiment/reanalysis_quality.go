package experiment

import (
	"os"
	"path/filepath"

	"retrace/dynamics"
	"retrace/feedback"
	"retrace/observe"
	"retrace/quality"
	"retrace/reanalysis"
	"retrace/trajectory"
)

// screening is the quality control of a reanalysis.
type screening struct {
	rules    *quality.Rules
	operator string
	space    dynamics.Space
	timeline observe.Timeline
	training *trajectory.Set // of the climatology; nil without
}

// needsClimatology reports whether quality control looks at training trajectories.
func (c *Config) needsClimatology() bool {
	return c.Quality != nil && c.Quality.Gross > 0 && c.Trajectories.Train > 0
}

// check implements reanalysis.Screen.
func (s *screening) check(w reanalysis.Window, seen observe.Sequence, background *trajectory.Set) (reanalysis.Screened, error) {
	known := quality.Known{Space: s.space, Prior: quality.Predict(seen, background)}
	if s.training != nil {
		known.Climatology = quality.Climatology(seen, s.training)
	}
	outcome := s.rules.Apply(seen, known)
	screened := reanalysis.Screened{Used: outcome.Assimilate(), Rejected: map[string]int{}}
	for _, row := range outcome.Verdicts {
		for _, verdict := range row {
			if verdict != quality.Accepted && verdict != quality.Missing {
				screened.Rejected[verdict.String()]++
			}
		}
	}
	if outcome.Doubted {
		screened.Rejected["background check dropped"] = 0
	}
	screened.Feedback = func(posterior *trajectory.Set) ([]byte, error) {
		rows := feedback.Window{
			Index: w.Index, First: w.Span.First, Operator: s.operator, Space: s.space, Timeline: s.timeline,
			Observations: outcome.Observations, Verdicts: outcome.Verdicts,
			Prior: quality.Predict(outcome.Observations, background), Posterior: quality.Predict(outcome.Observations, posterior),
		}.Rows(w.Kept.First-w.Span.First, w.Kept.End-w.Span.First)
		return table(feedback.Axes(s.space), rows)
	}
	return screened, nil
}

// table is the content of the file of a feedback table.
func table(axes []string, rows []feedback.Row) ([]byte, error) {
	dir, err := os.MkdirTemp("", "retrace-feedback-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "table.parquet")
	err = feedback.WriteFile(path, axes, func(w *feedback.Writer) error { return w.Write(rows) })
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// screen adds quality control to a batch, if the config has it.
func (c *Config) screen(b *reanalysis.Batch, d *directory, s *Scenario) error {
	if c.Quality == nil {
		return nil
	}
	control := &screening{rules: c.Quality, operator: s.Name, space: c.model.Space(), timeline: b.Target.Timeline}
	if c.needsClimatology() {
		var err error
		if control.training, err = trajectory.Load(d.file("data", "training.zarr")); err != nil {
			return err
		}
	}
	b.Screen = control.check
	return nil
}

func (c checker) checkQuality() {
	t, given := c.root.Table("quality")
	if !given {
		c.Quality = nil
		return
	}
	if c.Reanalysis == nil {
		c.root.Problemf("quality", "goes with [reanalysis], whose windows it looks at")
	}
	if err := c.Quality.Check(); err != nil {
		t.Failed(err)
	}
}
