package experiment

import (
	"fmt"

	"retrace/observe"
)

// operator builds the scenario's observation operator; nil if it has none,
// which leaves it to a file to say what was seen.
func (c *Config) operator(s *Scenario) (observe.Operator, error) {
	if s.Operator == nil {
		return nil, nil
	}
	return s.Operator.Parameters.Build(c.model.Space())
}

// timeline places the states of the scenario's trajectories in time.
func (c *Config) timeline(s *Scenario) observe.Timeline {
	t := observe.Timeline{Clock: c.model.Clock(), Length: c.Trajectories.Length}
	if s.File != "" {
		t.Start, t.Length = *s.Start, *s.Length
	}
	return t
}

// layout lays out the observations of one simulated case, all missing yet.
func (c *Config) layout(s *Scenario) (observe.Sequence, error) {
	operator, err := c.operator(s)
	if err != nil {
		return observe.Sequence{}, err
	}
	indices, err := s.indices(c.timeline(s))
	if err != nil {
		return observe.Sequence{}, err
	}
	sd := s.Sd
	if !s.needsSd() && len(sd) == 0 {
		sd = []float64{1} // the law has its own
	}
	layout, err := observe.Layout(operator, indices, sd...)
	if err != nil {
		return layout, err
	}
	return c.withLaw(s, layout)
}

// needsSd reports whether the noise has a standard deviation that a user gives.
func (s *Scenario) needsSd() bool {
	if s.Noise == nil {
		return true
	}
	entry, known := observe.LookupLaw(s.Noise.Kind)
	return !known || entry.NeedsSd
}

// withLaw gives observations the law of the scenario's noise.
func (c *Config) withLaw(s *Scenario, seen observe.Sequence) (observe.Sequence, error) {
	if s.Noise == nil || s.Noise.Parameters == nil {
		return seen, nil
	}
	seen, err := seen.WithLaw(s.Noise.Parameters, c.model.Space())
	if err != nil {
		return seen, fmt.Errorf("noise: %w", err)
	}
	return seen, nil
}

// read reads the observations of the scenario from a file, one sequence a case, with the
// law of their noise.
func (c *Config) read(s *Scenario, path string) ([]observe.Sequence, error) {
	target, err := c.target(s)
	if err != nil {
		return nil, err
	}
	cases, err := observe.ReadFile(path, target)
	if err != nil {
		return nil, err
	}
	for i := range cases {
		if cases[i], err = c.withLaw(s, cases[i]); err != nil {
			return nil, err
		}
	}
	return cases, nil
}

// indices lists the states that are observed.
func (s *Scenario) indices(t observe.Timeline) ([]int, error) {
	switch {
	case s.States != nil:
		return t.Listed(s.States)
	case s.Times != nil:
		return t.Indices(s.Times)
	}
	return t.Every(*s.Every, *s.Offset)
}

// target describes the observations of the scenario to observe's files.
func (c *Config) target(s *Scenario) (observe.Target, error) {
	operator, err := c.operator(s)
	return observe.Target{Space: c.model.Space(), Timeline: c.timeline(s), Operator: operator}, err
}

// readObservations reads the user's file of observations: one sequence a case.
func (c *Config) readObservations(s *Scenario) ([]observe.Sequence, error) {
	return c.read(s, s.File)
}
