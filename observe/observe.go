package observe

// Operator maps one state to the values that an instrument sees, both in
// physical units. Implementations must be safe for concurrent use.
type Operator interface {
	// Size returns the number of values of a state and of an observation.
	Size() (state, values int)
	// Apply writes the observed values of state x to y.
	Apply(y, x []float64)
	// VJP writes J(x)^T v to dst, J being the Jacobian of Apply at x.
	VJP(dst, x, v []float64)
}

// Observation is what was seen of one state.
type Observation struct {
	// Index is the state observed: the position in the trajectory, from 0.
	Index    int
	Operator Operator
	// Values are the data; NaN marks a missing value.
	Values []float64
	// Sd is the standard deviation of the noise of each value, or the scale that Law
	// makes of it.
	Sd []float64
	// Law is that of the noise; nil if it is Gaussian and independent.
	Law Law
}

// Sequence is every observation of one trajectory, by increasing Index. One
// state may be observed several times.
type Sequence struct {
	Observations []Observation
}
