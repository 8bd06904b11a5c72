package experiment

import (
	"context"
	"slices"

	"retrace/dynamics"
	"retrace/trajectory"
)

// train adds the unit that learns the prior, if the config has one.
func (p *planner) train() error {
	if p.Prior == nil {
		return nil
	}
	if p.Learning != nil {
		p.learn()
		return nil
	}
	u := &unit{name: "train", stage: StageTrain, outputs: []string{"prior"}, resumes: true}
	u.needs = slices.DeleteFunc([]*unit{p.training, p.validation}, func(n *unit) bool { return n == nil })
	f := newFingerprint(u.stage, u.name)
	if err := p.Prior.fingerprint(f); err != nil {
		return err
	}
	f.settings("standardise", &struct {
		Standardise Standardise `toml:"standardise"`
	}{p.Trajectories.Standardise})
	f.settings("seed", &struct {
		Seed int64 `toml:"seed"`
	}{p.Seed})
	f.needs(u.needs...)
	u.fingerprint = f.sum()
	u.run = func(ctx context.Context, t *task) error {
		data, err := p.priorData(t)
		if err != nil {
			return err
		}
		return t.makePrior(ctx, p.Config, data)
	}
	p.prior = p.add(u)
	return nil
}

// priorData loads the sets that there are.
func (p *planner) priorData(t *task) (data priorData, err error) {
	if p.training != nil {
		if data.training, err = t.load(p.training); err != nil {
			return data, err
		}
	}
	if p.validation != nil {
		if data.validation, err = t.load(p.validation); err != nil {
			return data, err
		}
	}
	data.standard, err = p.standardiser(data.training)
	return data, err
}

// standardiser returns the fixed standardisation or fits one.
func (c *Config) standardiser(training *trajectory.Set) (trajectory.Standardiser, error) {
	space := c.model.Space()
	fixed := c.Trajectories.Standardise.Fixed
	if fixed == nil {
		return trajectory.FitStandardiser(training, standardEntries(space))
	}
	entries := max(len(fixed.Mean), len(fixed.Scale))
	standard := trajectory.Standardiser{Mean: make([]float64, entries), Scale: make([]float64, entries), Run: space.Size() / entries}
	for i := range entries {
		standard.Mean[i] = fixed.Mean[i%len(fixed.Mean)]
		standard.Scale[i] = fixed.Scale[i%len(fixed.Scale)]
	}
	return standard, standard.Validate(space.Size())
}

// standardEntries is the number of values of a state that are standardised
// apart: the fields of a state of several fields, which are taken to be
// homogeneous, and otherwise all of them.
func standardEntries(space dynamics.Space) int {
	if len(space.Axes) > 1 && len(space.Axes[0].Labels) > 0 {
		return space.Axes[0].Len()
	}
	return space.Size()
}
