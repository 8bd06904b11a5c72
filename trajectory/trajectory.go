package trajectory

import "retrace/dynamics"

// Dimension is a named leading dimension of a Set, such as "case" or "member".
type Dimension struct {
	Name string
	Len  int
}

// Set is a block of trajectories of one system in physical units.
type Set struct {
	Space  dynamics.Space
	Clock  dynamics.Clock
	Start  float64     // time of the first state, in Clock.Units
	Lead   []Dimension // outermost first; may be empty for one trajectory
	Length int         // states of a trajectory
	// Data is row-major: leading dimensions, time, axes of the space.
	Data []float32
}
