// Package variational estimates states by minimising a cost: the distance to a
// background, in units of its covariance, plus the distance to the observations,
// in units of their noise. Its methods differ in what they know of the background
// and in how many states they treat at once.
//
//	FreeRun         the model alone: what assimilation must beat
//	Interpolation   optimal interpolation: background climatology, one state
//	Persistence     the same, and its analysis kept until the next one
//	ThreeDVar       3D-Var: background the forecast, its covariance fixed
//	FourDVar        4D-Var: the trajectory through a window that costs least;
//	                the model exact (strong) or with noise (weak)
//	EnsembleVar     hybrid 4DEnVar: covariances of an ensemble through the window
//	ScoreMode       the mode of the posterior of a learnt score prior
//
// All but ScoreMode are assimilate.Sequential.
//
// # The cost
//
// With x_0 the first state of a window, background N(b, B), B = S S^T, model
// x_(t+1) = F(x_t) + q_t, q_t ~ N(0, Q), and observations y_t = h_t(x_t) + e_t,
// e_t ~ N(0, R),
//
//	2 J = |v|^2 + sum_t |u_t|^2 + sum_t |R^(-1/2) (y_t - h_t(x_t))|^2,
//	x_0 = b + S v,  q_t = Q^(1/2) u_t .
//
// The control (v, u) is white under the prior: this is the preconditioning that
// every minimiser here works in, and S need not have full rank. J is minus the
// log posterior density of the trajectory, so its minimiser is the mode, and
// 2 J at the minimum has as many degrees of freedom as there are observations.
//
// # Ensembles
//
// The posterior is taken for Gaussian around the mode, with the inverse of the
// Gauss–Newton Hessian I + G^T G as its covariance (Laplace's approximation), G
// being the derivative of R^(-1/2) h with respect to the control. Draws of it are
// exact whatever the method of solution: with z and e standard normal,
//
//	d = z + G^T (G G^T + I)^-1 (e - G z)
//
// has that covariance. For linear models and operators it is the exact posterior.
//
// # Backgrounds
//
// "climatology" is the mean and the covariance of Problem.Training, the latter
// times a factor; "identity" is the identity times that factor. This is DAPPER's
// convention, xB being the factor. The law of state 0 is Problem.Initial where the
// problem gives one, else the climatology without a factor.
package variational
