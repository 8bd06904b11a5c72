package experiment

import (
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
	return observe.Layout(operator, indices, s.Sd...)
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
	target, err := c.target(s)
	if err != nil {
		return nil, err
	}
	return observe.ReadFile(s.File, target)
}
