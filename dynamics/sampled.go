package dynamics

import (
	"cmp"
	"math"

	"retrace/internal/fault"
)

// sampled is how a system of ordinary differential equations is observed in time.
type sampled struct {
	dt       float64 // sampling interval
	steps    int     // Runge-Kutta steps of an interval
	variance float64 // of the noise added once an interval
	longest  float64 // step that is stable
}

// check returns an error that names the key at fault.
func (s sampled) check() error {
	if err := cmp.Or(
		CheckBetween("dt", s.dt, 1e-6, 1e3),
		CheckBetween("steps", s.steps, 1, 1_000_000),
		CheckBetween("noise_variance", s.variance, 0, 1e6),
	); err != nil {
		return err
	}
	if s.dt/float64(s.steps) > s.longest*(1+1e-9) {
		return fault.Inputf("dt = %v, steps = %d: a Runge-Kutta step dt/steps may be at most %v; set steps to at least %.0f",
			s.dt, s.steps, s.longest, math.Ceil(s.dt/s.longest))
	}
	return nil
}

// build makes the model; spinUp is the time from the initial law to the attractor.
func (s sampled) build(system System, spinUp float64) Model {
	ode := NewODE(system, Clock{Interval: s.dt, Units: "1"}, s.steps, int(math.Ceil(spinUp/s.dt-1e-6)))
	if s.variance == 0 {
		return ode
	}
	return ode.WithNoise(evenly(system.Space().Size(), math.Sqrt(s.variance)))
}
