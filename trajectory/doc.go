// Package trajectory holds sets of trajectories: how they are drawn from a
// model, kept in memory and on disk, split, cut into windows and standardised.
//
// # A set
//
// A Set is a block of float32 values in physical units, row-major: the leading
// dimensions (such as case and member), time, the axes of the state. Its
// trajectories are numbered through the leading dimensions, the last varying
// fastest. Trajectory and State are views: writing to them writes to the set.
//
//	set.Data  [case][member][time][axes of the space...]
//
// # Drawing
//
// Simulate draws trajectories of a dynamics.Model in parallel. Each has a
// random stream of its own, so that trajectory i is the same whatever the
// number of trajectories and of processors. A model that blows up is reported
// by a DivergedError where it happens.
//
// # Stores
//
// Save and Load keep a set as a Zarr directory that xarray opens with named
// dimensions, coordinates, units and CF attributes. Blocks writes a store part
// by part and survives interruptions; Open reads a part. Values come back bit
// for bit, and equal sets make equal files: no date or host name goes in.
//
//	xarray.open_zarr("train.zarr")["state"].sel(variable="x").plot.line(x="time")
//
// # For a network
//
// A Standardiser maps states to zero mean and unit scale and back. Windows
// draws batches of short windows, uniform over all windows of a set and
// addressed by the training step.
//
// # Exchange
//
// Tensor and FromTensor exchange sets with programs that use gorgonia's
// tensors. They are the only users of that module.
package trajectory
