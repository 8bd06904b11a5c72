package dynamics

import "math/rand/v2"

// Model is a discrete-time Markov dynamical system: an initial distribution
// and a (possibly random) transition over one sampling interval. States are
// flat float64 slices of length Space().Size() in physical units, the last
// axis of the space varying fastest.
//
// Initial and Step must be safe for concurrent calls on different states, and
// must take all their randomness from r: trajectories are reproducible because
// r is addressed by the trajectory, not by the caller.
type Model interface {
	// Space describes a state.
	Space() Space
	// Clock gives the sampling interval.
	Clock() Clock
	// SpinUp is the number of transitions after Initial that reach the
	// stationary law: the default for discarding.
	SpinUp() int
	// Initial draws a state into x.
	Initial(x []float64, r *rand.Rand)
	// Step advances x in place by one sampling interval.
	Step(x []float64, r *rand.Rand)
}

// AdditiveNoise is a Model whose transition is a deterministic flow followed
// by independent Gaussian noise: x' = Flow(x) + N(0, diag(sd^2)).
type AdditiveNoise interface {
	Model
	// Flow advances x in place by one sampling interval, without noise.
	Flow(x []float64)
	// NoiseSd is the standard deviation of the noise of each component; all
	// zero for a deterministic system. The caller must not change it.
	NoiseSd() []float64
}

// TransitionDensity is a Model that knows its transition density.
type TransitionDensity interface {
	Model
	// LogTransition is log p(next | x).
	LogTransition(x, next []float64) float64
}

// Linearisable is a Model with the tangent-linear map M of its deterministic
// flow over one sampling interval, and the transpose of that map.
type Linearisable interface {
	Model
	// TangentLinear replaces dx by M(x) dx.
	TangentLinear(x, dx []float64)
	// Adjoint replaces dx by M(x)^T dx.
	Adjoint(x, dx []float64)
}

// Clock is the time axis of a model.
type Clock struct {
	Interval float64 // time between two states, in Units
	Units    string  // UDUNITS name; "1" for non-dimensional model time
}

// Space describes the states of a model: one variable on named axes.
type Space struct {
	Variable string // name in stores, e.g. "state" or "q"
	LongName string
	Units    string // UDUNITS name; "1" if non-dimensional
	Axes     []Axis // outermost first; the last varies fastest
	// Derived are fields that operators may observe beside those of the first
	// axis; usually none.
	Derived []Derived
}

// Axis is one dimension of a state. Exactly one of Labels (a categorical axis,
// such as the components of Lorenz 63) and Coordinates is set.
type Axis struct {
	Name        string // dimension name in stores, e.g. "variable" or "y"
	LongName    string
	Units       string // of Coordinates
	Labels      []string
	Coordinates []float64
	// Period is the length, in Units, after which the axis closes upon itself;
	// 0 for an axis with ends. Distances for localisation are measured the
	// short way round.
	Period float64
}

// Len is the number of points on the axis.
func (a Axis) Len() int { return max(len(a.Labels), len(a.Coordinates)) }

// Size is the number of values of one state.
func (s Space) Size() int {
	size := 1
	for _, a := range s.Axes {
		size *= a.Len()
	}
	return size
}
