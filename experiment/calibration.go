package experiment

import (
	"context"
	"math"

	"retrace/assimilate"
	"retrace/internal/fault"
	"retrace/observe"
	"retrace/trajectory"
)

// What a study of calibration (package calibrate) takes of an experiment: new
// cases, and methods that are ready to work.

// Rehearsal is a trajectory drawn from the model and the observations of it that a
// scenario would make. Withheld holds those that the scenario withholds.
type Rehearsal struct {
	Truth          []float32
	Seen, Withheld observe.Sequence
}

// StatesOf is the number of states of a scenario's trajectories.
func (c *Config) StatesOf(s *Scenario) int { return c.timeline(s).Length }

// Rehearse draws n cases of a scenario, none of them a test trajectory of the
// experiment. Of a file of observations it takes when, how and with which errors
// they were made, from its first case, and makes new ones like them. Cases cut
// from one run of the model (trajectories.windows above 1) are independent only if
// the gap is long enough. progress may be nil.
func (c *Config) Rehearse(ctx context.Context, s *Scenario, n int, progress func(done, total int)) ([]Rehearsal, error) {
	plan := c.simulation("calibrate", n, c.StatesOf(s))
	truths, err := trajectory.Simulate(ctx, c.model, plan, progress)
	if err != nil {
		return nil, err
	}
	layout, err := c.pattern(s)
	if err != nil {
		return nil, err
	}
	cases := make([]Rehearsal, n)
	for i := range cases {
		address := observe.Address{Seed: c.Seed, Scenario: "calibrate/" + s.Name, Case: i}
		seen, err := layout.Simulate(truths.Trajectory(i), address)
		if err != nil {
			return nil, err
		}
		if s.File != "" {
			hide(seen, layout)
		} else {
			seen = seen.Drop(*s.Missing, address)
		}
		cases[i].Truth = truths.Trajectory(i)
		cases[i].Seen, cases[i].Withheld = seen.Withhold(s.withheld(), address)
	}
	return cases, nil
}

// pattern lays out the observations of a case: by the scenario's keys or as the
// first case of its file does.
func (c *Config) pattern(s *Scenario) (observe.Sequence, error) {
	if s.File == "" {
		return c.layout(s)
	}
	cases, err := c.readObservations(s)
	if err != nil {
		return observe.Sequence{}, err
	}
	if len(cases) == 0 {
		return observe.Sequence{}, fault.Inputf("%s: there is no case", s.File)
	}
	return cases[0], nil
}

// hide makes missing what is missing in like.
func hide(s, like observe.Sequence) {
	for i, o := range s.Observations {
		for j := range o.Values {
			if math.IsNaN(like.Observations[i].Values[j]) {
				o.Values[j] = math.NaN()
			}
		}
	}
}

// Equipment is what methods need besides observations.
type Equipment struct {
	Dir      string          // the run directory
	Training *trajectory.Set // nil if the config simulates none
	Prior    Prior           // nil if no method of the config needs one
}

// Equip makes what the methods of a config need, in its run directory: training
// trajectories and the prior. What is complete there is used.
func Equip(ctx context.Context, c *Config, o Options) (*Equipment, error) {
	o.Stages = []Stage{StageSimulate}
	if c.needsPrior() {
		o.Stages = []Stage{StageTrain}
	}
	outcome, err := Run(ctx, c, o)
	e := &Equipment{Dir: outcome.Dir}
	if err != nil {
		return e, err
	}
	d := &directory{path: outcome.Dir}
	if c.Trajectories.Train > 0 {
		if e.Training, err = trajectory.Load(d.file("data", "training.zarr")); err != nil {
			return e, err
		}
	}
	if c.needsPrior() {
		e.Prior, err = d.loadPrior(c)
	}
	return e, err
}

// Method makes a method of the config.
func (e *Equipment) Method(m *Method) (assimilate.Method, error) { return m.Parameters.Build(e.Prior) }
