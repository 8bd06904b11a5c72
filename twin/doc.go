// Package twin carries out twin experiments: a model draws a truth, the truth is
// observed with noise, a method that knows neither gives estimates, and the
// errors of the estimates are averaged over time and over truths. This is how
// assimilation methods are compared in the literature, in long runs of small
// models.
//
// # Conventions
//
// They are those of DAPPER (Raanes and others, github.com/nansencenter/DAPPER),
// so that its tables of expected errors apply:
//
//   - A run starts at time 0 with a state of the law Initial; nothing is observed
//     there unless the layout says so.
//   - Estimates are scored at the states that are observed. Those at times up to
//     and including BurnIn do not count. If that leaves none, BurnIn is half of
//     the run.
//   - rmse is the mean over time of the root of the mean over components of the
//     squared error: the root is inside. Spread is the same of variances.
//   - Three stages are told apart: forecast (knows earlier observations),
//     analysis (and those of the state itself), smoothed (and later ones).
//
// Ratios of spread and error are formed of mean squares, which alone are unbiased
// counterparts: SSR = sqrt((N+1)/N mean(variance)/mean(error^2)) for N members
// (Fortin and others 2014); 1 if errors and members are exchangeable. Estimates
// without members have no such factor.
//
// # Errors of means
//
// A time mean has the standard error of a first-order autoregressive process (see
// [TimeMean]). A mean over truths has that of independent values. The second is
// larger and the honest one: truths differ more than stretches of one run.
//
// # Divergence
//
// A run has diverged if an estimate is not finite, if the method gave up with an
// error that is not the user's, or if the filter has lost the truth: see
// [Record.Divergence]. Diverged runs are counted and kept out of all means.
//
// # Randomness
//
// Truth and observations of a seed are the same for every method; a method takes
// its own draws from the same seed by other names.
package twin
