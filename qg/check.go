package qg

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/strict"
)

func (p *TwoLayer) check() error {
	between := dynamics.CheckBetween[float64]
	return cmp.Or(
		oneOf("preset", p.Preset, presets...),
		p.checkGrid(),
		between("length_x", p.LengthX, 1e-3, 1e9),
		between("length_y", p.LengthY, 1e-3, 1e9),
		between("beta", p.Beta, -1e3, 1e3),
		between("deformation_radius", p.DeformationRadius, 1e-6, 1e9),
		between("thickness_ratio", p.ThicknessRatio, 1e-3, 1e3),
		between("thickness", p.Thickness, 1e-3, 1e5),
		between("velocity_upper", p.VelocityUpper, -100, 100),
		between("velocity_lower", p.VelocityLower, -100, 100),
		between("drag", p.Drag, 0, 1),
		between("filter", p.Filter, 0, 1000),
		between("spin_up", p.SpinUp, 0, 1e7),
		p.checkStart(),
		p.checkForcing(),
		p.checkStep(),
	)
}

func (p *TwoLayer) checkGrid() error {
	for _, side := range []struct {
		key string
		n   int
	}{{"nx", p.Nx}, {"ny", p.Ny}} {
		if err := dynamics.CheckBetween(side.key, side.n, 8, 4096); err != nil {
			return err
		}
		if side.n%2 != 0 {
			return fault.Inputf("%s = %d: must be even; powers of two are fastest", side.key, side.n)
		}
		if err := dynamics.CheckBetween("coarsen", p.Coarsen, 1, 64); err != nil {
			return err
		}
		if side.n%p.Coarsen != 0 || side.n/p.Coarsen%2 != 0 || side.n/p.Coarsen < 8 {
			return fault.Inputf("coarsen = %d: must divide %s = %d into an even number of at least 8 cells",
				p.Coarsen, side.key, side.n)
		}
	}
	for layer, field := range p.Tendency {
		if field != nil && len(field) != p.Nx*p.Ny {
			return fault.Inputf("Tendency[%d] has %d values: give ny*nx = %d", layer, len(field), p.Nx*p.Ny)
		}
	}
	if p.Topography != nil && len(p.Topography) != p.Nx*p.Ny {
		return fault.Inputf("Topography has %d values: give ny*nx = %d", len(p.Topography), p.Nx*p.Ny)
	}
	return nil
}

func (p *TwoLayer) checkStart() error {
	if err := oneOf("initial", p.Initial, "energetic", "pyqg"); err != nil {
		return err
	}
	if len(p.InitialRms) != 2 {
		return fault.Inputf("initial_rms has %d numbers: give two, for q1 and q2", len(p.InitialRms))
	}
	return cmp.Or(
		dynamics.CheckBetween("initial_rms", p.InitialRms[0], 0, 1e6),
		dynamics.CheckBetween("initial_rms", p.InitialRms[1], 0, 1e6),
	)
}

func (p *TwoLayer) checkForcing() error {
	between := dynamics.CheckBetween[float64]
	return cmp.Or(
		between("forcing_rate", p.ForcingRate, 0, 1e3),
		between("forcing_wavenumber", p.ForcingWavenumber, 1, 1000),
		between("forcing_width", p.ForcingWidth, 0.5, 1000),
		between("wind_stress", p.WindStress, -1e3, 1e3),
		dynamics.CheckBetween("wind_waves", p.WindWaves, 1, min(64, p.Ny/2-1)),
		between("coriolis", p.Coriolis, -1, 1),
		between("hill_height", p.HillHeight, -1e4, 1e4),
		dynamics.CheckBetween("hills_x", p.HillsX, 0, min(64, p.Nx/2-1)),
		dynamics.CheckBetween("hills_y", p.HillsY, 0, min(64, p.Ny/2-1)),
	)
}

// checkStep checks the time step, after everything it depends on.
func (p *TwoLayer) checkStep() error {
	if err := cmp.Or(
		dynamics.CheckBetween("interval", p.Interval, 1e-6, 1e9),
		dynamics.CheckBetween("dt", p.Dt, 0, p.Interval),
	); err != nil {
		return err
	}
	const most = 10_000_000
	dt, n := p.step()
	switch {
	case n > most:
		return fault.Inputf("dt = %v: makes %d steps of an interval, at most %d are allowed: lengthen dt or shorten interval", p.Dt, n, most)
	case math.Abs(float64(n)*dt/p.Interval-1) > 1e-9:
		return fault.Inputf("dt = %v: does not divide interval = %v into whole steps: set dt to %v or %v",
			p.Dt, p.Interval, p.Interval/math.Floor(p.Interval/dt), p.Interval/math.Ceil(p.Interval/dt))
	}
	background := max(math.Abs(p.VelocityUpper), math.Abs(p.VelocityLower))
	if c := background * dt / (p.LengthX / float64(p.Nx)); c > mostCourant {
		return fault.Inputf("dt = %.6g: the background flow crosses %.2g cells in a step, at most %v are stable: set dt to at most %.6g",
			dt, c, mostCourant, p.cureStep(background))
	}
	return nil
}

// The default time step carries fast, a speed that eddies of the usual
// parameters seldom exceed, over this share of a cell.
const (
	goodCourant = 0.3
	fast        = 0.375 // m/s
)

// step returns the time step and the number of steps in an interval.
func (p *TwoLayer) step() (dt float64, n int) {
	if p.Dt > 0 {
		n = int(math.Round(p.Interval / p.Dt))
		return p.Dt, n
	}
	n = p.stepsFor(fast)
	return p.Interval / float64(n), n
}

// stepsFor is the number of steps of an interval that carry a speed over the
// good share of a cell.
func (p *TwoLayer) stepsFor(speed float64) int {
	cell := min(p.LengthX/float64(p.Nx), p.LengthY/float64(p.Ny))
	// Tolerance for intervals that are whole multiples but for rounding.
	return int(math.Ceil(p.Interval*speed/(goodCourant*cell) - 1e-9))
}

// cureStep is a time step that divides the interval and is safe at a speed.
func (p *TwoLayer) cureStep(speed float64) float64 {
	return p.Interval / float64(p.stepsFor(speed))
}

// unknownChannel is the error for a field that there is not.
func unknownChannel(name string, valid []string) error {
	if near := strict.Nearest(name, valid); near != "" {
		return fault.Inputf("channels: unknown field %q; did you mean %q?", name, near)
	}
	return fault.Inputf("channels: unknown field %q: valid are %s", name, strings.Join(valid, ", "))
}

func oneOf(key, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return fault.Inputf("%s = %q: valid are %s", key, value, strings.Join(allowed, ", "))
}
