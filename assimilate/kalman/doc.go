// Package kalman holds the assimilation methods that describe what is known of
// a state by a mean and a covariance: the Kalman filter and smoother, which are
// exact for linear models, and the ensemble methods that make them affordable
// and useful for others.
//
// # The idea
//
// A forecast with mean m and covariance P meets observations y of h(x), with
// noise of covariance R. The analysis weighs both,
//
//	m <- m + K (y - h(m)),   K = P H^T (H P H^T + R)^-1,   P <- (I - K H) P .
//
// [KF] carries m and P, [EKF] does for a linearised model, and everything else
// represents P by the anomalies of N members, P = A^T A/(N-1), so that no matrix
// is larger than N by the state. Members are the rows of an ensemble, a
// row-major slice of float64.
//
// # Filters
//
// A [Filter] is an [Update], which turns the forecast ensemble into the analysis
// ensemble, and a [Spread], which counteracts the loss of variance that a
// finite ensemble suffers.
//
//   - [EnKF] perturbs the observations and is the most robust against
//     nonlinearity; [DEnKF] does without by half a gain;
//   - [ETKF], a square root, draws nothing and is the most accurate for its size;
//     [EnSRF] is the same one value after the other;
//   - [EnKFN] finds its inflation itself;
//   - [LETKF] and [EAKF] let a value influence only what is near. Where the state
//     is a field with more degrees of freedom than members, nothing else works.
//
// # Smoothers
//
// [EnKS] corrects the states of a lag with the transforms of the filter,
// [EnRTS] passes backward over all of them, and [IEnKS] searches the mode of
// the posterior in a window by running the members through it repeatedly, which
// is worth its cost where the model is strongly nonlinear between observations.
//
// # Conventions
//
// They are those of DAPPER, so that tuned settings of its experiment files can
// be used as they are: inflation multiplies anomalies, not variances, and comes
// after the analysis; perturbations are centred and rescaled; the radius of a
// taper is the distance at which it has fallen to exp(-1/2); a rotation is
// drawn anew in each cycle. Two differ. The Jacobian of the EKF is that
// of the discrete model at the analysis. And a rotation mixes all states within the lag of a smoother by one
// matrix, which keeps their covariances.
//
// A cycle is a state with at least one value that is present. Other states are
// forecasts, without inflation.
//
// # As trajectories
//
// As assimilate.Method, the trajectories of a filter are its analysis ensemble
// in time, those of a smoother its smoothed ensemble; KF and EKF draw
// trajectories from the joint law. As assimilate.Sequential all send estimates
// as they go, and the filters do not allocate from cycle to cycle.
//
// # When it fails
//
// An ensemble that is no longer finite ends the work with a *[Divergence], which
// is an assimilate.ErrDiverged and names the state. A filter that has lost the
// truth but goes on is told by its [InnovationRatio].
//
// # Reproducibility
//
// Draws are addressed by seed, case, state and member, never by their order; the
// bytes of a result do not depend on the number of cores. Members interact, so
// they do depend on how many there are.
package kalman
