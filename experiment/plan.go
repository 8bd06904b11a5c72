package experiment

import (
	"slices"
)

// planner lists the units of an experiment, each behind those it needs.
type planner struct {
	*Config
	units []*unit

	training, validation, test, prior *unit

	climate []float64 // mean of each value of a state over the training trajectories, once known
}

func (p *planner) add(u *unit) *unit {
	p.units = append(p.units, u)
	return u
}

// plan lists the units of all stages.
func (c *Config) plan() ([]*unit, error) {
	p := &planner{Config: c}
	p.simulate()
	if err := p.train(); err != nil {
		return nil, err
	}
	var scored, drawn []*unit
	for i := range c.Scenarios {
		s := &c.Scenarios[i]
		observed, err := p.observe(s)
		if err != nil {
			return nil, err
		}
		drawn = append(drawn, observed)
		references := p.references(s, observed)
		for j := range c.Methods {
			m := &c.Methods[j]
			ensemble := p.assimilate(s, m, observed)
			drawn = append(drawn, ensemble)
			scored = append(scored, p.scoreMethod(s, m, observed, ensemble, references))
		}
		if truth := p.scoreTruth(s, observed); truth != nil {
			scored = append(scored, truth)
		}
		if references != nil {
			scored = append(scored, p.scoreReference(s, observed, references))
			drawn = append(drawn, references...)
		}
	}
	if len(scored) > 0 {
		table := p.scoreTable(scored)
		p.report(table, drawn)
	}
	return p.units, nil
}

// needsPrior reports whether any method samples the learnt prior.
func (c *Config) needsPrior() bool {
	return slices.ContainsFunc(c.allMethods(), func(m *Method) bool {
		entry, _ := LookupMethod(m.Kind)
		return entry.NeedsPrior
	})
}

// allMethods lists the methods and the one that draws the reference.
func (c *Config) allMethods() []*Method {
	var list []*Method
	for i := range c.Methods {
		list = append(list, &c.Methods[i])
	}
	if c.Score.Reference != nil {
		list = append(list, c.Score.Reference)
	}
	return list
}
