package kalman

// Tapers fall from 1 at distance 0 to (nearly) 0. The radius means the same for
// all shapes: each has fallen to exp(-1/2) there, as the Gaussian has, so that
// radii of different shapes can be compared. Gaspari and Cohn's function is
// stretched by 1.82, which makes its curvature at 0 that of the Gaussian: it is
// 0.63 at the radius, and 0 from 3.64 radii on. (DAPPER's radius. Others give
// the half-width of the support, here 1.82 radii, or the support itself.)

import (
	"math"

	"retrace/internal/fault"
	"retrace/internal/strict"
)

// shape is a taper as a function of distance over radius, and the ratio beyond
// which it is less than the cut-off.
type shape struct {
	name  string
	taper func(r float64) float64
	reach float64
}

// cutoff is the coefficient below which a value is left out.
const cutoff = 1e-3

var shapes = []shape{
	{"gaspari-cohn", func(r float64) float64 { return gaspariCohn(r / 1.82) }, 3.64},
	{"gauss", func(r float64) float64 { return math.Exp(-r * r / 2) }, 3.72},
	{"exponential", func(r float64) float64 { return math.Exp(-r / 2) }, 13.82},
	{"exponential-cubed", func(r float64) float64 { return math.Exp(-r * r * r / 2) }, 2.41},
	{"cubic", polynomial(3), 1.87},
	{"quadratic", polynomial(2), 2.13},
	{"quartic", polynomial(4), 1.71},
	{"linear", polynomial(1), 2.55},
	{"step", func(r float64) float64 {
		if r <= 1 {
			return 1
		}
		return 0
	}, 1},
}

// Tapers lists the names of the shapes.
func Tapers() []string {
	names := make([]string, len(shapes))
	for i, s := range shapes {
		names[i] = s.name
	}
	return names
}

// Taper is the coefficient of the named shape at a distance, 0 or more, for a
// radius greater than 0. The error names what is wrong.
func Taper(name string, distance, radius float64) (float64, error) {
	s, err := shapeNamed(name)
	if err != nil {
		return 0, err
	}
	if !(radius > 0 && distance >= 0) {
		return 0, fault.Inputf("radius = %v, distance = %v: a taper needs a radius above 0 and a distance of at least 0", radius, distance)
	}
	return s.taper(distance / radius), nil
}

func shapeNamed(name string) (shape, error) {
	for _, s := range shapes {
		if s.name == name {
			return s, nil
		}
	}
	return shape{}, fault.Inputf("taper = %q: is unknown; %s", name, strict.Suggestion(name, Tapers()))
}

// polynomial is (1 - (r/a)^n)^n, 0 from a on, with a such that it is exp(-1/2)
// at 1.
func polynomial(n float64) func(r float64) float64 {
	a := math.Pow(1-math.Exp(-1/(2*n)), -1/n)
	return func(r float64) float64 {
		if r >= a {
			return 0
		}
		return math.Pow(1-math.Pow(r/a, n), n)
	}
}

// gaspariCohn is the compactly supported correlation function of fifth order,
// of half-width 1 (Gaspari & Cohn 1999, Q. J. R. Meteorol. Soc. 125, 723,
// equation 4.10).
func gaspariCohn(r float64) float64 {
	switch {
	case r <= 1:
		return 1 + r*r*(-5./3+r*(5./8+r*(1./2-r/4)))
	case r < 2:
		return math.Max(0, 4-2/(3*r)+r*(-5+r*(5./3+r*(5./8+r*(-1./2+r/12)))))
	}
	return 0
}
