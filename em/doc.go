// Package em learns a prior over trajectories from observations alone, by expectation
// maximisation (Rozet et al. 2024, "Learning diffusion priors from observations by
// expectation maximization", NeurIPS).
//
// Many trajectories were observed, each incompletely, with noise, and through an
// operator of its own; none was seen wholly. The prior q is wanted under which the
// observations are most likely. Each lap takes the prior of the lap before and
//
//   - draws one trajectory from the posterior of every record, q(x | y) (posterior.go),
//   - trains the prior on these draws as if they were the truth, going on from its
//     weights (learn.go).
//
// Were the posterior exact, the likelihood of the observations would never fall. It is
// not, and so a proxy of it is measured on held-out records after each lap
// (evidence.go), and laps end where it falls by more than its noise.
//
// The first prior is a Gaussian, for which expectation maximisation has a closed form
// (gaussian.go), or, for states too large for a covariance, a Gaussian of few
// directions (lowrank.go). It also gives the units in which networks work: nothing but
// observations is needed. Operators must be linear; components, means over cells,
// projections and matrices are.
//
// The standard deviation of the noise, up to a factor common to all values, can be
// estimated along with the Gaussian, if trajectories are known to be smooth. Laps keep it:
// a prior that is free to be rough explains any share of the noise.
//
// Where a truth is known, as in tests of the method, each lap also tells how far draws
// of the prior are from it (divergence.go).
package em
