// Package exact holds priors whose denoisers are known in closed form: Gaussians
// of several structures, mixtures of them, and trajectories of linear-Gaussian
// systems, whole or composed of windows.
//
// They take the place of a trained network. Schedules, samplers, rules of guidance
// and compositions can so be judged apart from the errors of a network: what is
// wrong with a posterior drawn from an exact prior is wrong with the method. A user
// tries a new set-up in seconds, before anything is trained.
//
// With y = x_t/mu = x + s n, s = sigma/mu, a Gaussian N(m, C) has
//
//	E[x | y] = m + W (y - m),  W = C (C + s^2)^-1,  Cov[x | y] = s^2 W ,
//
// so that all that is needed of a covariance is the product with W and, for
// mixtures, log det (C + s^2): the interface Covariance. Everything is computed in
// float64; denoisers convert at their border, where rows are float32.
package exact
