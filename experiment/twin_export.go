package experiment

import (
	"context"
	"fmt"
	"os"
	"slices"

	"retrace/internal/npy"
	"retrace/observe"
	"retrace/trajectory"
	"retrace/twin"
)

// exportUnit writes truth and observations of every run of a scenario into its
// folder: truth.zarr and observations.zarr or .csv, a case a run, in the order of
// the seeds; and truth-SEED.npy of shape (states, components) and
// observations-SEED.npy of shape (cycles, values), with all digits.
func (c *TwinConfig) exportUnit(s *Scenario, inputs []string) *unit {
	u := &unit{name: "export/" + s.Name, stage: StageObserve}
	for _, format := range []string{"zarr", "csv"} {
		if slices.Contains(c.Twin.Export, format) {
			u.outputs = append(u.outputs, s.Name+"/observations."+format)
		}
	}
	if slices.Contains(c.Twin.Export, "zarr") {
		u.outputs = append(u.outputs, s.Name+"/truth.zarr")
	}
	if slices.Contains(c.Twin.Export, "npy") {
		for _, seed := range c.SeedList() {
			u.outputs = append(u.outputs, truthArray(s, seed), observationArray(s, seed))
		}
	}
	u.fingerprint = c.fingerprint(u.name, inputs)
	u.run = func(ctx context.Context, t *task) error { return c.export(ctx, t, s) }
	return u
}

func truthArray(s *Scenario, seed int64) string { return fmt.Sprintf("%s/truth-%d.npy", s.Name, seed) }

func observationArray(s *Scenario, seed int64) string {
	return fmt.Sprintf("%s/observations-%d.npy", s.Name, seed)
}

func (c *TwinConfig) export(ctx context.Context, t *task, s *Scenario) error {
	if err := os.MkdirAll(t.file(s.Name), 0o777); err != nil {
		return err
	}
	experiment, err := c.experiment(s)
	if err != nil {
		return err
	}
	seeds := c.SeedList()
	truths := trajectory.New(c.model.Space(), c.model.Clock(), []trajectory.Dimension{{Name: "case", Len: len(seeds)}}, experiment.Length)
	var seen []observe.Sequence
	for i, seed := range seeds {
		r, err := c.draw(ctx, experiment, seed)
		if err != nil {
			return err
		}
		for k, v := range r.Truth {
			truths.Trajectory(i)[k] = float32(v)
		}
		seen = append(seen, r.Observations)
		if slices.Contains(c.Twin.Export, "npy") {
			if err := c.exportArrays(t, s, r); err != nil {
				return err
			}
		}
		t.watcher.advance(i+1, len(seeds), "")
	}
	if slices.Contains(c.Twin.Export, "zarr") {
		if err := t.save(s.Name+"/truth.zarr", "truths of scenario "+s.Name, truths); err != nil {
			return err
		}
	}
	return c.exportObservations(t, s, seen)
}

func (c *TwinConfig) exportArrays(t *task, s *Scenario, r *twin.Realisation) error {
	size := c.model.Space().Size()
	if err := npy.Write(t.file(truthArray(s, r.Seed)), []int{len(r.Truth) / size, size}, r.Truth); err != nil {
		return err
	}
	var values []float64
	for _, o := range r.Observations.Observations {
		values = append(values, o.Values...)
	}
	return npy.Write(t.file(observationArray(s, r.Seed)), []int{c.Twin.Cycles, len(values) / c.Twin.Cycles}, values)
}

func (c *TwinConfig) exportObservations(t *task, s *Scenario, seen []observe.Sequence) error {
	target, err := c.single(s).target(s)
	if err != nil {
		return err
	}
	for _, format := range []string{"zarr", "csv"} {
		if !slices.Contains(c.Twin.Export, format) {
			continue
		}
		if err := observe.WriteFile(t.file(s.Name+"/observations."+format), seen, target); err != nil {
			return err
		}
	}
	return nil
}
