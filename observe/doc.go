// Package observe says what was seen of a trajectory: which states, through
// which operator, with which noise, and which values are missing.
//
// # From a state to a number
//
// An [Operator] maps one state x to the values h(x) that an instrument sees,
// and knows the vector-Jacobian product J(x)^T v that every gradient-based
// method needs. An [Observation] is the data of one state, y = h(x) + e with
// independent Gaussian noise e of known standard deviations, or with noise of another
// [Law], heavy-tailed, counting, censored or correlated; NaN marks a missing value. A [Sequence] is all the observations of one trajectory, and
// its [Likelihood] is p(y | x) over whole trajectories, with its gradient.
//
// Everything is in physical units: states, values and standard deviations.
//
// # Operators
//
// The operators that a config can name are builders of this package, which Go
// code uses the same way:
//
//	h, err := observe.Components{Labels: []string{"x"}}.Build(space)
//
// [Components] picks components, [Identity] sees the state, [Linear] applies a
// matrix, [Coarsen] and [Mean] average, [Saturate] sees through a bounded
// response.
//
// Fields, which lie on axes of coordinates behind an axis of channels, are seen
// channel by channel: by [Blocks] of cells, at [Pixels], at [Stations] between
// them, at [Cells] drawn anew for every state, and along [Tracks] of satellites
// that move. They may see fields that follow from the state (dynamics.Derived),
// such as a stream function, and respond linearly or level off. The last two are
// [Moving]: what they see of a state depends on its index and on the case, and
// Sequence.Simulate puts that in their place. [Located] operators know where
// their values were seen, which localisation needs.
//
// [Func] makes an operator of any Go function and its VJP; [Register]
// makes it known to configs. An operator that implements [Named] names its
// values, and these names are the quantities of files. The components of a
// state are named by [ComponentLabels].
//
// # When
//
// A [Timeline] turns "every 8th state", a list of states, or irregular physical
// times into the indices of states. [Layout] lays out the observations to make
// there, and [Sequence.Simulate] makes them of a known trajectory.
//
// # Files
//
// [ReadFile] and [WriteFile] hold the observations of many cases (one case is
// one trajectory) in a CSV file or a Zarr store. A CSV is a tidy table, one
// value a row, columns in any order:
//
//	# readings of the probe
//	time,quantity,value,sd
//	0,x,-7.21,0.4
//	0.2,x,,0.4
//	0.2,z,24.9,0.4
//
// A column case numbers the trajectories from 0; without it there is one. An
// empty value, or NaN, is missing. Whatever is wrong with a file is reported a
// line a fault, with its place and its cure.
package observe
