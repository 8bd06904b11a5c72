package experiment

import (
	"errors"
	"fmt"
	"slices"

	"retrace/internal/strict"
)

func (c checker) checkMethods() {
	var taken []string
	for i, t := range c.root.Tables("method") {
		m := &c.Methods[i]
		if m.Parameters == nil {
			continue
		}
		c.checkName(t, m.Name, reservedMethods, taken)
		taken = append(taken, m.Name)
		c.checkMethod(t, m)
	}
}

func (c checker) checkMethod(t strict.Table, m *Method) {
	if m.Members < 1 || m.Members > mostMembers {
		t.Problemf("members", "must be between 1 and %d", mostMembers)
	}
	if c.model == nil {
		return
	}
	if err := m.Parameters.Check(c.model, c.Trajectories.Length); err != nil {
		t.Failed(err)
	}
	c.checkNoise(t, m)
	if entry, _ := LookupMethod(m.Kind); !entry.NeedsTraining {
		return
	}
	switch x := c.Trajectories; {
	case x.Train == 0:
		t.Failed(errors.New("it looks at training trajectories: set trajectories.train above 0"))
	case x.TrainLength < c.longest():
		t.Failed(fmt.Errorf("it looks at training trajectories, of %d states, which are shorter than those to assimilate, of %d: raise trajectories.train_length",
			x.TrainLength, c.longest()))
	}
}

// longest is the number of states of the longest trajectory to assimilate.
func (c checker) longest() int {
	longest := 0
	for _, s := range c.Scenarios {
		if s.Length != nil {
			longest = max(longest, *s.Length)
		} else {
			longest = max(longest, c.Trajectories.Length)
		}
	}
	return longest
}

func (c checker) checkScore() {
	score, ok := c.root.Table("score")
	if !ok {
		return
	}
	if reference, ok := score.Table("reference"); ok && c.Score.Reference.Parameters != nil {
		c.Score.Reference.Name = ReferenceName
		c.checkMethod(reference, c.Score.Reference)
	}
	for i, metric := range c.Score.Metrics {
		if !slices.Contains(metricNames(), metric) {
			score.Value("metrics").Element(i).Problemf("is unknown; %s", strict.Suggestion(metric, metricNames()))
		}
		if slices.Index(c.Score.Metrics, metric) < i {
			score.Value("metrics").Element(i).Problemf("is listed twice")
		}
	}
}

// checkNoise refuses methods that do not know the noise of a scenario.
func (c checker) checkNoise(t strict.Table, m *Method) {
	entry, _ := LookupMethod(m.Kind)
	for i := range c.Scenarios {
		s := &c.Scenarios[i]
		if entry.Laws || s.Noise == nil || s.Noise.Kind == "gaussian" || s.Noise.Kind == "correlated" {
			continue
		}
		t.Failed(fmt.Errorf("kind = %q knows Gaussian noise only, and that of scenario %q is %s: take score, particle, pf or ensf, or leave the noise out",
			m.Kind, s.Name, s.Noise.Kind))
		return
	}
}
