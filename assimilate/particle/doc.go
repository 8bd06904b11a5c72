// Package particle samples the exact posterior of a system small enough for
// it: the bootstrap particle filter and, after it, backward simulation. It is
// the reference that other methods are measured against. Filters that work
// state by state, without the smoother, stand beside it.
//
// # The filter
//
// N particles follow the model from its initial law. Each observation
// multiplies their weights by its likelihood (Gordon, Salmond & Smith 1993, IEE
// Proc. F 140, 107). When the effective sample size 1/sum w^2 of the normalised
// weights falls below N/2, systematic resampling (Kitagawa 1996) makes the
// weights equal again before the next transition. Weights are kept as
// logarithms, likelihoods are computed in float64, and any number of
// observations may see any state through any operator; missing values (NaN) do
// not weigh. States after the last observation are a forecast.
//
// # The smoother
//
// After resampling, the surviving particles share few ancestors a few states
// back, so that whole surviving paths, which the SDA paper uses as its
// reference, say almost nothing about the early states. Backward simulation
// (Godsill, Doucet & West 2004, JASA 99, 156) instead draws each member from
// the end: a particle of the last state by its weight, then, going back, a
// particle i of state t with probability
//
//	proportional to w_i p(x_(t+1) | x_i).
//
// Given the particles, members are independent draws: member k is the same
// however many are drawn. As N grows they become draws from the exact joint
// posterior of the trajectory.
//
// # Filters state by state
//
// Bootstrap, Optimal and EnsembleScore are assimilate.Sequential: they tell of each
// state as they pass it, keep no history, and work for models without noise too.
// What they know of a state is what was observed up to it; their members are draws
// of each state by itself, not paths. Parameters and conventions are those of
// DAPPER's particle filters: Threshold is its NER, Regularisation its reg, Kernel its
// Qs. The Analysis is that of the weighted particles, before resampling.
//
// # Models
//
// For the smoother the model must know its transition density (dynamics.TransitionDensity). If
// its noise is additive (dynamics.AdditiveNoise) a backward draw takes some ten
// microseconds in few dimensions, whatever N: a tree over the particles bounds the density from
// above, and rejection makes the draw exact, with no neighbour left out. For
// any other model each draw sums over all N particles: choose N accordingly.
//
// # Reproducibility
//
// Every draw is addressed by seed, case, stream, state and block of particles
// or member. Another Stream gives an independent copy of the particles and of
// the members, for the same observations: two streams a distance apart are the
// floor of that distance.
package particle
