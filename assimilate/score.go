package assimilate

import (
	"context"
	"errors"
	"fmt"
	"math"

	"retrace/diffusion"
	"retrace/internal/fault"
	"retrace/scoresum"
	"retrace/trajectory"
)

// Score is score-based data assimilation (Rozet & Louppe, NeurIPS 2023): a
// diffusion sampler draws from a learnt prior over trajectories, guided by the
// likelihood of the observations, which the prior never saw.
type Score struct {
	Prior   *scoresum.Prior
	Sampler diffusion.PredictorCorrector
	// Guidance is "covariance", "sda", or "auto": covariance where its matrices
	// are small enough, sda elsewhere.
	Guidance string
	Gamma    float64 // of sda
}

// Guidances lists what Score.Guidance can be.
func Guidances() []string { return []string{"auto", "covariance", "sda"} }

// covarianceLimit is the number of values of a trajectory, and of observations,
// up to which auto guidance uses full covariances: 8 MB a noise level.
const covarianceLimit = 1024

// UsesCovariance is the Diagnostics entry that tells whether full covariances
// guided the sampler (1) or the sda rule (0).
const UsesCovariance = "covariance_guidance"

// Evaluations is the number of evaluations of the trajectory prior, each with a
// pass backward through the network, that one member costs.
func (s *Score) Evaluations() int { return s.Sampler.Evaluations() }

// Assimilate draws p.Members trajectories. Member k depends on the problem,
// the seed, the case and k alone.
func (s *Score) Assimilate(ctx context.Context, p Problem, progress func(done, total int)) (*Result, error) {
	if p.Length < 1 || p.Members < 1 {
		return nil, fault.Inputf("score: %d members of %d states: ask for at least one of each", p.Members, p.Length)
	}
	if err := p.Observations.Validate(p.Length, s.Prior.Space); err != nil {
		return nil, fault.Input(fmt.Errorf("score: %w", err))
	}
	newWeigher, full := s.guidance(p)
	denoiser := func() (diffusion.Denoiser, error) {
		prior, err := s.Prior.Denoiser(p.Length, scoresum.SampleRows, scoresum.ChunkWindows)
		if err != nil {
			return nil, err
		}
		n := newInnovations(p.Observations, s.Prior.Standard)
		return newGuide(prior, n, newWeigher(n)), nil
	}
	noise := func() diffusion.Noise { return scoresum.NewNoise(p.Seed, "score", p.Case) }
	set := trajectory.New(s.Prior.Space, s.Prior.Clock, []trajectory.Dimension{{Name: "member", Len: p.Members}}, p.Length)
	err := scoresum.SampleMembers(ctx, set.Data, s.Sampler, denoiser, noise, progress)
	if errors.Is(err, scoresum.ErrNotFinite) {
		err = fmt.Errorf("%w: %w", err, ErrDiverged)
	}
	if err != nil {
		return nil, fmt.Errorf("score, case %d: %w", p.Case, err)
	}
	if err := checkDiverged(set.Data, p.Length*s.Prior.Dim()); err != nil {
		return nil, fmt.Errorf("score, case %d: %w", p.Case, err)
	}
	s.Prior.Standard.Inverse(set.Data, set.Data)
	return &Result{Ensemble: set, Evaluations: s.Evaluations(), Diagnostics: map[string]float64{UsesCovariance: full}}, nil
}

// ErrDiverged is the cause if guidance drove a member away from the prior
// instead of towards the observations.
var ErrDiverged = errors.New("the guided sampler diverged: take more steps, a larger gamma or guidance = \"covariance\"")

// divergedAt is a value that no trajectory of a prior reaches, in standard
// deviations.
const divergedAt = 1e3

// checkDiverged looks at standardised members of n values each.
func checkDiverged(data []float32, n int) error {
	for i, z := range data {
		if !(math.Abs(float64(z)) < divergedAt) {
			return fmt.Errorf("member %d lies %.1e standard deviations from the mean: %w", i/n, z, ErrDiverged)
		}
	}
	return nil
}

// guidance chooses the rule; full is 1 if it uses full covariances.
func (s *Score) guidance(p Problem) (newWeigher func(*innovations) weigher, full float64) {
	n := newInnovations(p.Observations, s.Prior.Standard)
	small := p.Length*s.Prior.Dim() <= covarianceLimit && n.present() <= covarianceLimit
	if n.present() > 0 && (s.Guidance == "covariance" || s.Guidance == "auto" && small) {
		shared := newCovariances(s.Prior, n, p.Length)
		return func(n *innovations) weigher { return newCalibrated(shared, n) }, 1
	}
	return func(n *innovations) weigher { return newDiagonal(s.Gamma, n, p.Length) }, 0
}
