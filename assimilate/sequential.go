package assimilate

import "context"

// Sequential is a Method that passes through the observations in the order of
// time, and whose work can be watched: the filters and the smoothers of fixed
// lag. Twin experiments of many thousand cycles use it to score each state as
// it is estimated, in memory that does not grow with the length.
type Sequential interface {
	Method
	// Cycle assimilates p and calls watch with each Estimate as soon as it is
	// known: Forecast and Analysis of each state in the order of time, states
	// without observations included (their analysis is their forecast), and
	// Smoothed when the lag of the method has passed, also in the order of time.
	// Methods that do not smooth send no Smoothed. An error of watch ends the
	// work and is returned. Results are those of Assimilate for the same
	// Problem.
	Cycle(ctx context.Context, p Problem, watch func(Estimate) error) error
}

// Stage says which observations an Estimate knows.
type Stage int

const (
	Forecast Stage = iota // those of earlier states
	Analysis              // and those of the state itself
	Smoothed              // and later ones, as many as the lag of the method
)

// String is the name of the stage in tables.
func (s Stage) String() string {
	return [...]string{"forecast", "analysis", "smoothed"}[s]
}

// Estimate is what a sequential method knows of one state. Its slices belong to
// the method and hold only until watch returns.
type Estimate struct {
	Stage Stage
	Index int // of the state, from 0
	// Mean and Variance of each component; the variance of an ensemble is the
	// unbiased one.
	Mean, Variance []float64
	// Ensemble holds the members, row by row; nil for a method without members.
	Ensemble []float64
	// Weights of the members, summing to 1; nil if they are equal.
	Weights []float64
}
