// Package dynamics says what a dynamical system is to the rest of the project,
// and offers what is needed to write one: integrators, noise, linear-Gaussian
// systems with exact moments, and a registry that makes a system known by name
// to configs.
//
// # Models
//
// A [Model] draws an initial state and advances a state by one sampling
// interval; both take all their randomness from the generator passed in. What
// else a model can do is told by the interfaces it satisfies, which callers
// ask for by type assertion:
//
//   - [AdditiveNoise]: the transition is a deterministic flow plus independent
//     Gaussian noise, known component by component;
//   - [TransitionDensity]: log p(next | x) can be evaluated. A deterministic
//     system has no density, and its type does not offer the method;
//   - [Linearisable]: the tangent-linear map of the flow and its transpose;
//   - [Stateful]: trajectories carry more than their states (past tendencies, a
//     finer grid) and are made by a [Stepper]. [Begin] and [Continue] start a
//     trajectory of any model.
//
// A [Space] may name fields that follow linearly from a state beside those that
// it holds, its [Derived] fields, for operators to observe.
//
// # Writing a system
//
// There are four ways:
//
//   - implement Model's six methods, with an [RK4] or an [EulerMaruyama] to
//     advance the state: see the example of this package;
//   - implement [System] (a tendency, its Jacobian and an initial law), and let
//     [NewODE] make of it a model that is AdditiveNoise and Linearisable, and
//     [Deterministic.WithNoise] one that has a TransitionDensity as well: package lorenz
//     does this;
//   - implement [Map] (a flow with its derivative), where the integrator is one of the
//     system's own, and let [NewDeterministic] do the same: see [KuramotoSivashinsky];
//   - give the matrices of a linear-Gaussian system to [NewLinear], which knows
//     its exact stationary law and the exact joint law of its trajectories:
//     the ground truth for every method that claims to sample a posterior.
//
// A system becomes usable from a config by [Register], with a [Builder] whose
// fields are its parameters.
//
// # Layout and concurrency
//
// A state is a flat []float64 in the units of its [Space], the last axis
// varying fastest. Models and integrators are safe for concurrent use on
// different states and do not allocate once warm: scratch space is pooled.
// They must not be copied after first use. Slices of the wrong length are
// programmer errors and panic.
package dynamics
