package experiment

import (
	"context"
	"os"
	"path/filepath"

	"retrace/internal/fault"
	"retrace/internal/rng"
	"retrace/trajectory"
)

// simulate adds the units that draw the training, validation and test
// trajectories. Each depends only on the keys that concern it, so that more
// test trajectories do not make the prior stale.
func (p *planner) simulate() {
	x := p.Trajectories
	p.training = p.simulated("training", x.Train, x.TrainLength)
	p.validation = p.simulated("validation", x.Validation, x.TrainLength)
	p.test = p.simulated("test", x.Test, x.Length)
}

// simulated adds the unit that draws one set into data/NAME.zarr; nil if the
// set is empty.
func (p *planner) simulated(name string, count, length int) *unit {
	if count == 0 {
		return nil
	}
	settings := p.simulation(name, count, length)
	u := &unit{name: "simulate/" + name, stage: StageSimulate, outputs: []string{"data/" + name + ".zarr"}}
	f := newFingerprint(u.stage, u.name)
	f.settings("model", &p.Model)
	f.settings("plan", &struct {
		Count   int   `toml:"count"`
		Length  int   `toml:"length"`
		SpinUp  int   `toml:"spin_up"`
		Windows int   `toml:"windows"`
		Gap     int   `toml:"gap"`
		Seed    int64 `toml:"seed"`
	}{count, length, settings.SpinUp, settings.Windows, settings.Gap, settings.Seed})
	u.fingerprint = f.sum()
	u.run = func(ctx context.Context, t *task) error {
		set, err := trajectory.Simulate(ctx, p.model, settings, t.progress)
		if err != nil {
			return err
		}
		return t.save(u.outputs[0], name+" trajectories of "+p.Model.Name, set)
	}
	return p.add(u)
}

// simulation is the plan of the set of a name.
func (c *Config) simulation(name string, count, length int) trajectory.Plan {
	x := c.Trajectories
	return trajectory.Plan{
		Count: count, Length: length, SpinUp: x.SpinUp, Windows: x.Windows, Gap: x.Gap,
		Seed: c.Seed, Purpose: "simulate/" + name,
	}
}

// progress passes on the work done of the running unit.
func (t *task) progress(done, total int) { t.watcher.advance(done, total, "") }

// save writes a set to a store of the run directory.
func (t *task) save(path, title string, set *trajectory.Set) error {
	if err := os.MkdirAll(filepath.Dir(t.file(path)), 0o777); err != nil {
		return err
	}
	return trajectory.Save(t.file(path), set, map[string]string{"title": title})
}

// load reads a store of the run directory, the only output of a unit.
func (d *directory) load(u *unit) (*trajectory.Set, error) {
	return trajectory.Load(d.file(u.outputs[0]))
}

// Advance moves a state of the system, in physical units, by a number of
// sampling intervals in place.
func (c *Config) Advance(ctx context.Context, state []float64, steps int) error {
	if size := c.model.Space().Size(); len(state) != size {
		return fault.Inputf("the state has %d values; one of %s has %d", len(state), c.Model.Name, size)
	}
	for i, x := range state {
		if x-x != 0 {
			return fault.Inputf("value %d of the state is %v: give finite numbers", i, x)
		}
	}
	if steps < 0 {
		return fault.Inputf("--steps %d: must be at least 0", steps)
	}
	return trajectory.Advance(ctx, c.model, state, steps, rng.Stream(c.Seed, "advance"))
}
