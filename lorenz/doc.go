// Package lorenz holds the systems of Edward Lorenz on which assimilation
// methods are compared: small, chaotic, and understood.
//
//   - [Lorenz63]: three-mode convection, the butterfly; the noisy variant of
//     the score-based data assimilation paper is its default;
//   - [Lorenz84]: three-mode general circulation of the atmosphere;
//   - [Lorenz96]: a ring of n sites with advection, damping and forcing;
//   - [Lorenz2005]: the same with smooth long waves, and short ones on them;
//   - [TwoScale]: Lorenz 96 with a fast ring coupled to the slow one.
//
// Each type is a set of parameters, made with its default values by its New
// function, and a [dynamics.Builder]; importing the package registers them
// with the registry of package dynamics, so that a config can name them.
//
// Time is non-dimensional. All are integrated by classical Runge–Kutta steps of
// length dt/steps, where dt is the sampling interval. With noise_variance zero,
// Build returns a [dynamics.ODE], which is deterministic; otherwise
// independent Gaussian noise of that variance is added to every component once
// per sampling interval, and Build returns a [dynamics.Noisy], which has a
// transition density. Both have tangent-linear and adjoint maps.
package lorenz
