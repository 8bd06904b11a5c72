package experiment

import (
	"context"
	"os"

	"retrace/observe"
	"retrace/trajectory"
)

// observe adds the unit that makes the observations of a scenario, one
// sequence a case, and, where they are simulated, the truth they are of.
func (p *planner) observe(s *Scenario) (*unit, error) {
	u := &unit{name: "observe/" + s.Name, stage: StageObserve, outputs: []string{s.Name + "/observations.zarr"}}
	f := newFingerprint(u.stage, u.name)
	f.settings("model", &p.Model)
	settings := *s
	if s.withheld() > 0 {
		u.outputs = append(u.outputs, s.Name+"/withheld.zarr")
	}
	if s.File != "" {
		sum, err := hashInput(s.File)
		if err != nil {
			return nil, err
		}
		f.add("file", sum)
		settings.File = ""
		u.run = func(ctx context.Context, t *task) error {
			cases, err := p.readObservations(s)
			if err != nil {
				return err
			}
			return p.writeObservations(t, s, cases)
		}
	} else {
		u.needs = []*unit{p.test}
		u.outputs = append(u.outputs, s.Name+"/truth.zarr")
		u.run = func(ctx context.Context, t *task) error { return p.observeTest(t, s) }
	}
	f.settings("scenario", &settings)
	f.settings("seed", &struct {
		Seed int64 `toml:"seed"`
	}{p.Seed})
	f.needs(u.needs...)
	u.fingerprint = f.sum()
	return p.add(u), nil
}

// observeTest observes every test trajectory.
func (p *planner) observeTest(t *task, s *Scenario) error {
	truth, err := t.load(p.test)
	if err != nil {
		return err
	}
	layout, err := p.layout(s)
	if err != nil {
		return err
	}
	cases := make([]observe.Sequence, truth.Count())
	for i := range cases {
		address := observe.Address{Seed: p.Seed, Scenario: s.Name, Case: i}
		seen, err := layout.Simulate(truth.Trajectory(i), address)
		if err != nil {
			return err
		}
		cases[i] = seen.Drop(*s.Missing, address)
	}
	if err := t.save(s.Name+"/truth.zarr", "truth of scenario "+s.Name, truth); err != nil {
		return err
	}
	return p.writeObservations(t, s, cases)
}

func (p *planner) writeObservations(t *task, s *Scenario, cases []observe.Sequence) error {
	target, err := p.target(s)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(t.file(s.Name), 0o777); err != nil {
		return err
	}
	if s.withheld() > 0 {
		var aside []observe.Sequence
		cases, aside = p.setAside(s, cases)
		if err := observe.WriteFile(t.file(s.Name, "withheld.zarr"), aside, target); err != nil {
			return err
		}
	}
	return observe.WriteFile(t.file(s.Name, "observations.zarr"), cases, target)
}

// setAside takes the share of the observations out that the scenario withholds.
func (p *planner) setAside(s *Scenario, cases []observe.Sequence) (kept, aside []observe.Sequence) {
	kept, aside = make([]observe.Sequence, len(cases)), make([]observe.Sequence, len(cases))
	for i, seen := range cases {
		kept[i], aside[i] = seen.Withhold(s.withheld(), observe.Address{Seed: p.Seed, Scenario: s.Name, Case: i})
	}
	return kept, aside
}

// withheld is the share that no method is given.
func (s *Scenario) withheld() float64 {
	if s.Withhold == nil {
		return 0
	}
	return *s.Withhold
}

// observations reads the observations of a scenario back.
func (d *directory) observations(c *Config, s *Scenario) ([]observe.Sequence, error) {
	return c.read(s, d.file(s.Name, "observations.zarr"))
}

// setAside reads the observations that were withheld; nil if none were.
func (d *directory) setAside(c *Config, s *Scenario) ([]observe.Sequence, error) {
	if s.withheld() == 0 {
		return nil, nil
	}
	return c.read(s, d.file(s.Name, "withheld.zarr"))
}

// truth reads the trajectories that were observed; nil if nobody knows them.
func (d *directory) truth(s *Scenario) (*trajectory.Set, error) {
	if s.File != "" {
		return nil, nil
	}
	return trajectory.Load(d.file(s.Name, "truth.zarr"))
}
