package dynamics

import "retrace/internal/fault"

// maxLinearSize bounds dense matrices to 32 MB each.
const maxLinearSize = 2000

// buildLinear is NewLinear for parameters that a user chose; it returns the
// most capable type.
func buildLinear(space Space, clock Clock, law LinearLaw) (Model, error) {
	m, err := NewLinear(space, clock, law)
	if err != nil {
		return nil, fault.Input(err)
	}
	if independent, ok := m.Independent(); ok {
		return independent, nil
	}
	return m, nil
}

// indexAxis is an axis with coordinates 0, 1, ... n-1.
func indexAxis(name, longName string, n int) Axis {
	a := Axis{Name: name, LongName: longName, Units: "1", Coordinates: make([]float64, n)}
	for i := range a.Coordinates {
		a.Coordinates[i] = float64(i)
	}
	return a
}

func init() {
	Register(Entry{
		Name:     "kuramoto-sivashinsky",
		Summary:  "flame front on a ring, spatio-temporal chaos (Kuramoto 1978; Sivashinsky 1977; Kassam & Trefethen 2005)",
		Defaults: func() Builder { return NewKuramotoSivashinsky() },
	})
	Register(Entry{
		Name:     "gyre",
		Summary:  "wind-driven double gyre of a closed basin, 1.5-layer quasi-geostrophic (Sakov & Oke 2008)",
		Defaults: func() Builder { return NewGyre() },
	})
	Register(Entry{
		Name:     "double-pendulum",
		Summary:  "two arms and two masses under gravity, conserving energy",
		Defaults: func() Builder { return NewDoublePendulum() },
	})
	Register(Entry{
		Name:     "lotka-volterra",
		Summary:  "competition of four species, chaotic (Vano et al. 2006)",
		Defaults: func() Builder { return NewLotkaVolterra() },
	})
	Register(Entry{
		Name:     "ikeda",
		Summary:  "light in a ring resonator, a folding map of the plane (Ikeda 1979)",
		Defaults: func() Builder { return NewIkeda() },
	})
	Register(Entry{
		Name:     "random-walk",
		Summary:  "walk with Gaussian steps, independent components (linear-Gaussian, exact moments)",
		Defaults: func() Builder { return NewRandomWalk() },
	})
	Register(Entry{
		Name:     "ar1",
		Summary:  "first-order autoregressive process, independent components (linear-Gaussian, exact moments)",
		Defaults: func() Builder { return NewAR1() },
	})
	Register(Entry{
		Name:     "damped-spring",
		Summary:  "damped oscillator driven by white noise, exactly discretised (linear-Gaussian, exact moments)",
		Defaults: func() Builder { return NewDampedSpring() },
	})
	Register(Entry{
		Name:     "advection",
		Summary:  "damped advection on a ring, driven by correlated noise (linear-Gaussian, exact moments)",
		Defaults: func() Builder { return NewAdvection() },
	})
}
