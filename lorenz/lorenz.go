package lorenz

import (
	"cmp"
	"math"

	"retrace/dynamics"
	"retrace/internal/fault"
)

// sampling is how a system is observed in time: the parameters that all the
// systems share.
type sampling struct {
	dt       float64 // sampling interval
	steps    int     // Runge–Kutta steps of an interval
	variance float64 // of the noise added once an interval
}

// check returns an error that names the key at fault. longest is the longest
// Runge–Kutta step that is stable on the attractor of the usual parameters.
func (s sampling) check(longest float64) error {
	if err := cmp.Or(
		dynamics.CheckBetween("dt", s.dt, 1e-6, 1e3),
		dynamics.CheckBetween("steps", s.steps, 1, 1_000_000),
		dynamics.CheckBetween("noise_variance", s.variance, 0, 1e6),
	); err != nil {
		return err
	}
	if s.dt/float64(s.steps) > longest*(1+1e-9) { // the cure below must pass after rounding
		return fault.Inputf("dt = %v, steps = %d: a Runge–Kutta step dt/steps may be at most %v; set steps to at least %.0f",
			s.dt, s.steps, longest, math.Ceil(s.dt/longest))
	}
	return nil
}

// build makes the model; spinUp is the time from the initial law to the
// attractor.
func (s sampling) build(system dynamics.System, spinUp float64) dynamics.Model {
	// Rounded, so that an interval that divides the time in decimals does too.
	intervals := int(math.Ceil(math.Round(1e6*spinUp/s.dt) / 1e6))
	clock := dynamics.Clock{Interval: s.dt, Units: "1"}
	ode := dynamics.NewODE(system, clock, s.steps, intervals)
	if s.variance == 0 {
		return ode
	}
	sd := make([]float64, system.Space().Size())
	for i := range sd {
		sd[i] = math.Sqrt(s.variance)
	}
	return ode.WithNoise(sd)
}

// components is the space of a system with a few named components.
func components(longName string, labels ...string) dynamics.Space {
	return dynamics.Space{
		Variable: "state", LongName: longName, Units: "1",
		Axes: []dynamics.Axis{{Name: "variable", LongName: "component", Labels: labels}},
	}
}

// sites is an axis of n equidistant points on a ring.
func sites(n int) dynamics.Axis {
	axis := dynamics.Axis{Name: "site", LongName: "site on a ring", Units: "1", Coordinates: make([]float64, n), Period: float64(n)}
	for i := range axis.Coordinates {
		axis.Coordinates[i] = float64(i)
	}
	return axis
}

func init() {
	dynamics.Register(dynamics.Entry{
		Name:     "lorenz63",
		Summary:  "three-mode convection, noisy by default (Lorenz 1963; Rozet & Louppe 2023)",
		Defaults: func() dynamics.Builder { return NewLorenz63() },
	})
	dynamics.Register(dynamics.Entry{
		Name:     "lorenz84",
		Summary:  "three-mode general circulation of the atmosphere (Lorenz 1984)",
		Defaults: func() dynamics.Builder { return NewLorenz84() },
	})
	dynamics.Register(dynamics.Entry{
		Name:     "lorenz96",
		Summary:  "ring of n sites with advection, damping and forcing (Lorenz 1996)",
		Defaults: func() dynamics.Builder { return NewLorenz96() },
	})
	dynamics.Register(dynamics.Entry{
		Name:     "lorenz2005",
		Summary:  "ring of n sites with smooth long waves, and short ones on them if i > 0: models II and III (Lorenz 2005)",
		Defaults: func() dynamics.Builder { return NewLorenz2005() },
	})
	dynamics.Register(dynamics.Entry{
		Name:     "lorenz96-two-scale",
		Summary:  "Lorenz 96 coupled to a fast ring of j variables a site (Lorenz 1996; Wilks 2005)",
		Defaults: func() dynamics.Builder { return NewTwoScale() },
	})
}
