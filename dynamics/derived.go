package dynamics

// Derived is a field that follows linearly from a state, such as the stream
// function of a potential vorticity: something that an instrument can see
// although the state does not hold it. Both maps must be safe for concurrent
// use.
type Derived struct {
	Name string
	// Apply writes the field of state x to dst. A field lies on the axes of the
	// space but for the first, which holds the labels that Name is one more of.
	Apply func(dst, x []float64)
	// Transpose adds the transpose of Apply, applied to a field v, to dst, which
	// has the size of a state.
	Transpose func(dst, v []float64)
}
