package em

import (
	"errors"
	"slices"

	"retrace/internal/fault"
)

// Settings say how a prior is learnt from observations: the [em] table of a config.
type Settings struct {
	Laps       int     `toml:"laps" doc:"laps of drawing from the posterior of every record and training on the draws; fewer if the held-out evidence falls"`
	Last       int     `toml:"last" doc:"times as many training steps in the last lap, whose prior is mostly the result, as in those before"`
	Covariance string  `toml:"covariance" doc:"what posterior draws take for the covariance of a trajectory given its noised version. tweedie: the network's own, scaled Jacobian; measured: its mean as measured after training; prior: that of the Gaussian fitted first; identity: of a standard normal law; noise: of a flat law"`
	Iterations int     `toml:"iterations" doc:"of covariance tweedie: passes backward through the network for each evaluation; as many as a record has values make it exact"`
	Draws      int     `toml:"draws" doc:"posterior draws of each record in a lap"`
	Gaussian   int     `toml:"gaussian" doc:"iterations of the Gaussian that is fitted first, in closed form"`
	Rank       int     `toml:"rank" doc:"directions of that Gaussian, beside noise of equal size in all; 0: a full covariance, for trajectories of up to 1024 values"`
	Smooth     float64 `toml:"smooth" doc:"of estimate_noise: states over which trajectories do not bend; what bends faster counts as noise, until its size is known"`
	Noise      bool    `toml:"estimate_noise" doc:"estimate the standard deviation of the noise, up to a factor common to all values, with the Gaussian; needs smooth above 0"`
	HeldOut    int     `toml:"held_out" doc:"validation trajectories whose observations measure the evidence of every lap"`
	Points     int     `toml:"points" doc:"draws of the prior that evidence and divergence are measured with"`
	Divergence string  `toml:"divergence" doc:"distance of these draws to true ones, where they are known. w1: 1-Wasserstein; sinkhorn: squared cost, regularised"`
	Clean      bool    `toml:"clean" doc:"for comparison, also train a prior on the trajectories themselves, with as many steps as all laps"`
}

// DefaultSettings suit trajectories of a few hundred values.
func DefaultSettings() Settings {
	return Settings{
		Laps: 8, Last: 4, Covariance: "tweedie", Iterations: 3, Draws: 1, Gaussian: 32,
		HeldOut: 512, Points: 4096, Divergence: "w1",
	}
}

// dense is the number of values of a trajectory up to which the Gaussian has a full
// covariance.
const dense = 1024

// Validate reports every setting at fault, as input errors named by key.
func (s Settings) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fault.Inputf(format, args...))
		}
	}
	check(s.Laps >= 1 && s.Laps <= 1000, "laps = %d: must be between 1 and 1000", s.Laps)
	check(s.Last >= 1 && s.Last <= 1000, "last = %d: must be between 1 and 1000", s.Last)
	check(slices.Contains(Covariances(), s.Covariance), "covariance = %q: must be one of %q", s.Covariance, Covariances())
	check(s.Iterations >= 1 && s.Iterations <= 64, "iterations = %d: must be between 1 and 64", s.Iterations)
	check(s.Draws >= 1 && s.Draws <= 1000, "draws = %d: must be between 1 and 1000", s.Draws)
	check(s.Gaussian >= 1 && s.Gaussian <= 100000, "gaussian = %d: must be between 1 and 100000", s.Gaussian)
	check(s.Rank >= 0 && s.Rank <= 4096, "rank = %d: must be between 0 and 4096", s.Rank)
	check(s.Smooth >= 0 && s.Smooth <= 1e6, "smooth = %v: must be between 0 and 1e6", s.Smooth)
	check(!s.Noise || s.Smooth > 0, "estimate_noise: needs smooth above 0, for noise can be told from trajectories that are smooth only")
	check(!s.Noise || s.Rank == 0, "estimate_noise: needs a full covariance, rank = 0")
	check(s.Covariance != "prior" || s.Rank == 0, "covariance = \"prior\": needs a full covariance, rank = 0")
	check(s.HeldOut >= 2, "held_out = %d: must be at least 2", s.HeldOut)
	check(s.Points >= 64 && s.Points <= 1<<20, "points = %d: must be between 64 and %d", s.Points, 1<<20)
	check(slices.Contains(Divergences(), s.Divergence), "divergence = %q: must be one of %q", s.Divergence, Divergences())
	return errors.Join(errs...)
}
