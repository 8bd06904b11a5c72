package calibrate

import (
	"context"
	"fmt"
	"math"

	"retrace/assimilate"
	"retrace/exact"
	"retrace/experiment"
)

// Contender is a method to assess under a name.
type Contender struct {
	Name, Summary string
	Method        assimilate.Method
}

// OfScenario returns the study of a scenario of an experiment: n cases drawn from
// its model and observed as it says.
func OfScenario(ctx context.Context, c *experiment.Config, s *experiment.Scenario, e *experiment.Equipment, n int, progress func(done, total int)) (*Study, error) {
	rehearsals, err := c.Rehearse(ctx, s, n, progress)
	if err != nil {
		return nil, err
	}
	study := Study{Model: c.System(), Length: c.StatesOf(s), Members: 64, Seed: c.Seed, Level: 0.01, Training: e.Training}
	for _, r := range rehearsals {
		study.Cases = append(study.Cases, Case{r.Truth, r.Seen, r.Withheld})
	}
	_, err = Exact{}.Assimilate(ctx, assimilate.Problem{
		Model: study.Model, Observations: study.Cases[0].Seen, Length: study.Length, Members: 1,
	}, nil)
	study.Gaussian = err == nil // the operators are linear and so is the model
	return New(study)
}

// Contenders lists the methods of an experiment.
func Contenders(c *experiment.Config, e *experiment.Equipment) ([]Contender, error) {
	var list []Contender
	for i := range c.Methods {
		m := &c.Methods[i]
		method, err := e.Method(m)
		if err != nil {
			return nil, fmt.Errorf("method %s: %w", m.Name, err)
		}
		list = append(list, Contender{Name: m.Name, Method: method})
	}
	return list, nil
}

// Parts takes a score-based method apart: the same sampler and guidance with the
// exact prior, whole, and with that prior composed of windows as the trained one
// is. It returns nil where the model has no exact prior, the method is not
// score-based or its prior is no network.
func Parts(c *experiment.Config, e *experiment.Equipment, m assimilate.Method) ([]Contender, error) {
	score, ok := m.(*assimilate.Score)
	if !ok || e.Prior == nil || c.Prior == nil || c.Prior.Kind != experiment.KindNetwork || !exact.IsLinear(c.System()) {
		return nil, nil
	}
	_, _, standard := e.Prior.Describe()
	whole, err := exact.Linear(c.System(), standard)
	if err != nil {
		return nil, err
	}
	windowed, err := whole.Windowed(c.Prior.Composition, c.Prior.Window, c.Prior.Stride)
	if err != nil {
		return nil, err
	}
	with := func(p assimilate.Prior) assimilate.Method {
		part := *score
		part.Prior = p
		return &part
	}
	return []Contender{
		{"algorithm", "the exact prior, whole", with(whole)},
		{"composition", "the exact prior, composed of windows", with(windowed)},
	}, nil
}

// SplitOf puts the assessments of the parts of a method, in the order of Parts, and
// of the method itself side by side.
func SplitOf(method *Assessment, parts []*Assessment, summaries []string) Split {
	split := Split{Method: method.Method}
	before := 0.
	for i, a := range append(parts, method) {
		part, with := "network", "the trained network"
		if i < len(parts) {
			part, with = a.Method, summaries[i]
		}
		excess := float64(a.Excess)
		split.Lines = append(split.Lines, SplitLine{part, with, a.Spread, a.Excess, Number(excess - before), a.Pass})
		if !math.IsNaN(excess) {
			before = excess
		}
	}
	return split
}
