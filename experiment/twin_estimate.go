package experiment

import (
	"context"
	"runtime"
	"time"

	"retrace/trajectory"
	"retrace/twin"
)

// Estimate tells what the runs of every method cost, from nothing: each method is
// tried on short runs of the real experiment.
func (c *TwinConfig) Estimate(ctx context.Context) ([]Estimate, error) {
	var training *trajectory.Set
	var list []Estimate
	for i := range c.Scenarios {
		s := &c.Scenarios[i]
		for j := range c.Methods {
			m := &c.Methods[j]
			if entry, _ := LookupMethod(m.Kind); entry.NeedsTraining && training == nil {
				var err error
				training, err = trajectory.Simulate(ctx, c.model, trajectory.Plan{
					Count: 1, Length: c.Twin.Training, SpinUp: min(c.model.SpinUp(), 1000), Seed: c.Seed, Purpose: "estimate",
				}, nil)
				if err != nil {
					return nil, err
				}
			}
			estimate, err := c.estimate(ctx, s, m, training)
			if err != nil {
				return nil, err
			}
			list = append(list, estimate)
		}
	}
	return list, nil
}

// estimate tries one method on runs of growing length until one lasts long enough
// to be sound. What the two longest have in common is counted once a run.
func (c *TwinConfig) estimate(ctx context.Context, s *Scenario, m *TwinMethod, training *trajectory.Set) (Estimate, error) {
	const long = 30 * time.Millisecond
	runs := float64(len(c.SeedList()))
	cores := min(runs*float64(len(c.Methods)*len(c.Scenarios)), float64(runtime.GOMAXPROCS(0)))
	values := int64(c.length(s)) * int64(c.model.Space().Size())
	e := Estimate{
		Unit: s.Name + "/" + m.Name, Work: "cycles", Count: runs * float64(c.Twin.Cycles),
		Memory: int64(cores) * (12*values + 200*int64(c.Twin.Cycles)), Disk: int64(runs) * 1000,
	}
	short := *c
	short.Twin.Truth, short.Twin.BurnIn = "", 0
	var shorter run
	for cycles := min(2, c.Twin.Cycles); ; cycles = min(4*cycles, c.Twin.Cycles) {
		short.Twin.Cycles = cycles
		took, err := short.try(ctx, s, m, training)
		if err != nil {
			return e, err
		}
		longer := run{cycles, took}
		if took-shorter.took >= long || cycles == c.Twin.Cycles {
			e.Seconds = new(longer.extrapolate(shorter, c.Twin.Cycles) * runs / cores)
			return e, nil
		}
		shorter = longer
	}
}

// run is a trial and its wall time.
type run struct {
	cycles int
	took   time.Duration
}

// extrapolate is the seconds of a run of so many cycles, by the line through two
// trials.
func (r run) extrapolate(shorter run, cycles int) float64 {
	pace := max(0, float64(r.took-shorter.took)) / float64(r.cycles-shorter.cycles)
	return (float64(r.took) + pace*float64(cycles-r.cycles)) / float64(time.Second)
}

// try times one run.
func (c *TwinConfig) try(ctx context.Context, s *Scenario, m *TwinMethod, training *trajectory.Set) (time.Duration, error) {
	experiment, err := c.experiment(s)
	if err != nil {
		return 0, err
	}
	experiment.Training = training
	realisation, err := experiment.Draw(ctx, c.Seed)
	if err != nil {
		return 0, err
	}
	method, err := m.Parameters.Build(nil)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	_, err = experiment.Run(ctx, realisation, twin.Contender{Method: method, Members: m.Members}, nil)
	return time.Since(start), err
}
