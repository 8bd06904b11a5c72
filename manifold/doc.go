// Package manifold is the static test problem of learning a prior from observations
// alone: points on a random smooth curve in a few dimensions, of which an instrument
// shows random projections (Rozet et al. 2024, section 5.1).
//
// A state is one point. Successive states are independent, so that a trajectory of
// one state is all there is: problems without time are trajectories of length 1. The
// law is far from Gaussian, has no density, and no observation shows a point wholly;
// only many observations through different projections do.
//
// The model registers as "curve", the operator as "projections".
package manifold
