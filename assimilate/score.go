package assimilate

import (
	"context"
	"fmt"

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
	Gamma   float64 // of the guidance; see guide
	Mode    string
}

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
	set := trajectory.New(s.Prior.Space, s.Prior.Clock, []trajectory.Dimension{{Name: "member", Len: p.Members}}, p.Length)
	shared := newGains(s.Prior, p.Observations, p.Length)
	denoiser := func() (diffusion.Denoiser, error) {
		prior, err := s.Prior.Denoiser(p.Length, scoresum.SampleRows, scoresum.ChunkWindows)
		if err != nil {
			return nil, err
		}
		if s.Mode != "" {
			return &covarianceGuide{prior: prior, standard: s.Prior.Standard, seq: p.Observations, gains: shared, jacobian: s.Mode == "jacobian", dim: s.Prior.Dim()}, nil
		}
		return newGuide(prior, p.Observations, s.Prior.Standard, s.Gamma), nil
	}
	noise := func() diffusion.Noise { return scoresum.NewNoise(p.Seed, "score", p.Case) }
	if err := scoresum.SampleMembers(ctx, set.Data, s.Sampler, denoiser, noise, progress); err != nil {
		return nil, fmt.Errorf("score, case %d: %w", p.Case, err)
	}
	s.Prior.Standard.Inverse(set.Data, set.Data)
	return &Result{Ensemble: set, Evaluations: s.Evaluations()}, nil
}
