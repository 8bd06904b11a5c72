package assimilate

import (
	"context"

	"retrace/dynamics"
	"retrace/observe"
	"retrace/trajectory"
)

// Problem is what every Method is given: one observation sequence and what is
// known about the system. The truth is not in it.
type Problem struct {
	Model        dynamics.Model
	Observations observe.Sequence
	Length       int // states of the trajectory to recover
	Members      int // trajectories to draw
	Seed         int64
	// Case numbers the observation sequences of an experiment; with Seed and
	// the member it addresses every random draw.
	Case int
	// Training holds trajectories of the model, for methods that need a
	// climatology.
	Training *trajectory.Set
	// Initial is the law of state 0. Nil: the law of the model, Model.Initial
	// advanced by Model.SpinUp() transitions.
	Initial *Normal
	// InitialEnsemble, if not nil, holds state 0 of every member, row by row in
	// physical units, in place of draws from Initial: an ensemble filter goes on
	// where an earlier one ended. Methods that run no members of a model ignore it.
	InitialEnsemble []float64
}

// Normal is a Gaussian law with independent components, in physical units.
type Normal struct{ Mean, Sd []float64 }

// Result is an ensemble and what it cost.
type Result struct {
	// Ensemble has the leading dimension "member".
	Ensemble *trajectory.Set
	// Evaluations counts the evaluations a user would compare methods by:
	// network evaluations per member for score, model steps per member for
	// classical methods.
	Evaluations int
	// Diagnostics are numbers the method reports of itself, by name, such as
	// the log evidence of a particle filter.
	Diagnostics map[string]float64
	// Notes are what the method chose and why, by name; "warning" is for the
	// user's eyes. May be nil.
	Notes map[string]string
}

// Method draws an ensemble of whole trajectories given observations. Member k
// must not depend on how many members are drawn, unless the method's members
// interact by design (particle and Kalman methods); the bytes of the result
// must not depend on GOMAXPROCS. progress may be nil; it is called with the
// work done and the total, in any unit, from one goroutine at a time.
type Method interface {
	Assimilate(ctx context.Context, p Problem, progress func(done, total int)) (*Result, error)
}
