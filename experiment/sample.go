package experiment

import (
	"context"

	"retrace/internal/fault"
	"retrace/trajectory"
)

// Samples asks for unconditional draws from the prior of an experiment.
type Samples struct {
	Members, Length int
	// Output is the store to write.
	Output string
}

// SamplePrior draws trajectories from the prior in the run directory, training
// it first if it is not there, and saves them to a store, in physical units.
// The sampler is that of the first score method of the config, or the default.
func SamplePrior(ctx context.Context, c *Config, o Options, s Samples) (Outcome, error) {
	if err := s.check(); err != nil {
		return Outcome{}, err
	}
	o.Stages = []Stage{StageTrain}
	outcome, err := Run(ctx, c, o)
	if err != nil {
		return outcome, err
	}
	d := &directory{path: outcome.Dir}
	prior, err := d.loadPrior(c)
	if err != nil {
		return outcome, err
	}
	sampler, err := c.sampler().build()
	if err != nil {
		return outcome, err
	}
	set, err := sampleFrom(ctx, prior, s, c.Seed, sampler, &o.Watcher)
	if err != nil {
		return outcome, err
	}
	return outcome, trajectory.Save(s.Output, set, map[string]string{"title": "unconditional samples of the prior of " + c.Name})
}

func (s Samples) check() error {
	if s.Members < 1 || s.Members > mostMembers {
		return fault.Inputf("--members %d: must be between 1 and %d", s.Members, mostMembers)
	}
	if s.Length < 1 || s.Length > mostValues/s.Members {
		return fault.Inputf("--length %d: must be at least 1, and small enough for memory", s.Length)
	}
	if s.Output == "" {
		return fault.Inputf("--output is missing: name the store to write, such as samples.zarr")
	}
	return nil
}

// sampler is that of the first score method, or the default.
func (c *Config) sampler() Sampler {
	for _, m := range c.Methods {
		if score, ok := m.Parameters.(*scoreMethod); ok {
			return score.Sampler
		}
	}
	return DefaultSampler()
}
