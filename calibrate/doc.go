// Package calibrate answers one question: is what a method draws the posterior?
//
// # How it can be known
//
// Draw a trajectory from the model and observe it. Given the observations, the
// trajectory that made them is one more draw from the posterior. So a method that
// draws from the posterior cannot be told from the truth, by any function of
// trajectory and observations, over many such cases. What can be told apart is not
// the posterior. No truth is hidden in a file: all that is needed is a model that
// can be simulated.
//
// A [Study] holds cases. [Study.Assess] lets a method assimilate every one and
// returns an [Assessment]: for each of a list of functions (values of the state,
// energy, roughness, log p(y | x), ...) the tests of package verify, corrected by
// Holm's method for their number, so that an exact posterior fails one of them
// with a probability of at most Study.Level.
//
// Fields are asked more: whether members have the variance of truths at every scale,
// whether channels that follow from others agree with them, and whether the model takes
// each state near to the next. These have tolerances and no p-values.
//
// A study with a Folder writes every case down as it is done, and goes on there when it is
// started again.
//
// # The oracle suite
//
// [Oracle] is a study whose exact posterior is known: trajectories of a
// linear-Gaussian system. [Rules] lists samplers to put to it, some of which are
// known to be right and some to be wrong: a check that clears the wrong ones, or
// accuses the right ones, is worth nothing.
//
// # Where an error comes from
//
// With the exact prior, whole, in place of the network, what is wrong is the
// algorithm; with the same prior composed of windows, the difference is the
// composition; with the trained network, the rest is the network.
package calibrate
