// Package scoresum learns a denoiser of short windows of a trajectory and
// composes it into a prior over trajectories of any length.
//
// A trajectory x_1..x_L of a Markov system, noised to x_t, has a score that
// almost only depends on neighbouring states. Score-based data assimilation
// (Rozet & Louppe, NeurIPS 2023) therefore trains a network on windows of W
// consecutive states and takes the score of the trajectory as a sum of window
// scores. In this package
//
//   - covariance.go estimates the covariance of windows of the training
//     trajectories: the Gaussian prior of any window;
//   - window.go is the window denoiser, a network that corrects the exact
//     denoiser of that Gaussian prior;
//   - train.go trains it;
//   - composition.go holds the rules that cut a trajectory into windows and add
//     their denoised means up;
//   - denoiser.go applies a rule: the diffusion.Differentiable of a whole
//     trajectory, in bounded memory;
//   - uncertainty.go tells how far the denoised mean of a trajectory may be off,
//     as measured after training, and uncertainty_field.go that of fields,
//     wavenumber by wavenumber;
//   - prior.go is what a user holds: settings, scales and weights, saved as
//     one safetensors file.
//
// Everything here is in standardised units; Prior.Sample returns physical ones.
package scoresum
