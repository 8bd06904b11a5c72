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
	Prior    Prior
	Sampler  diffusion.PredictorCorrector
	Guidance string  // one of Guidances
	Gamma    float64 // of sda
	Tuning   Tuning  // of other rules
	// Doubling, if not nil, chooses the sampler for each problem, in place of Sampler.
	Doubling *Doubling
}

// Diagnostics that Score reports.
const (
	// UsesCovariance tells whether full covariances guided the sampler (1) or
	// another rule (0).
	UsesCovariance = "covariance_guidance"
	// GuidedSpread is the stability bound of the guidance; see unstable.
	GuidedSpread = "guided_spread"
)

// Evaluations is the number of evaluations of the trajectory prior, each with a
// pass backward through the network, that one member costs.
func (s *Score) Evaluations() int { return s.Sampler.Evaluations() }

// Assimilate draws p.Members trajectories. Member k depends on the problem,
// the seed, the case and k alone. A combination of sampler and guidance that is
// certain to diverge is refused, with the cause ErrDiverged.
func (s *Score) Assimilate(ctx context.Context, p Problem, progress func(done, total int)) (*Result, error) {
	if p.Members < 1 {
		return nil, fault.Inputf("score: %d members: ask for at least one", p.Members)
	}
	if s.Doubling != nil {
		return s.doubled(ctx, p, progress)
	}
	result := &Result{Evaluations: s.Evaluations(), Diagnostics: map[string]float64{UsesCovariance: 0}}
	denoiser, err := s.guided(p, result)
	if err != nil {
		return nil, fmt.Errorf("score, case %d: %w", p.Case, err)
	}
	space, clock, standard := s.Prior.Describe()
	noise := func() diffusion.Noise { return scoresum.NewNoise(p.Seed, "score", p.Case) }
	result.Ensemble = trajectory.New(space, clock, []trajectory.Dimension{{Name: "member", Len: p.Members}}, p.Length)
	data := result.Ensemble.Data
	err = scoresum.SampleMembers(ctx, data, s.Sampler, denoiser, noise, progress)
	if errors.Is(err, scoresum.ErrNotFinite) {
		err = fmt.Errorf("%w: %w", err, ErrDiverged)
	}
	if err == nil {
		err = checkDiverged(data, p.Length*space.Size())
	}
	if err != nil {
		return nil, fmt.Errorf("score, case %d: %w", p.Case, err)
	}
	standard.Inverse(data, data)
	return result, nil
}

// Denoiser returns the denoiser of the prior conditioned on the observations, E[x | x_t,
// y] in standardised units, as the rule of guidance has it, for a few rows at a time:
// for samplers of one's own, and to see what a rule does. It is for one goroutine.
func (s *Score) Denoiser(p Problem) (diffusion.Denoiser, error) {
	newDenoiser, err := s.guided(p, &Result{Diagnostics: map[string]float64{}})
	if err != nil {
		return nil, err
	}
	return newDenoiser()
}

// Warning tells what is doubtful about the sampler and guidance on a problem, "" if
// nothing is. The error is that of Assimilate, before anything is drawn.
func (s *Score) Warning(p Problem) (string, error) {
	result := &Result{Diagnostics: map[string]float64{}}
	_, err := s.guided(p, result)
	return result.Notes["warning"], err
}

// guided returns the maker of the denoisers of workers, and notes in the result what
// was chosen.
func (s *Score) guided(p Problem, result *Result) (func() (diffusion.Denoiser, error), error) {
	space, _, standard := s.Prior.Describe()
	if p.Length < 1 {
		return nil, fault.Inputf("%d states: ask for at least one", p.Length)
	}
	if err := p.Observations.ValidateAny(p.Length, space); err != nil {
		return nil, fault.Input(err)
	}
	p.Observations = p.Observations.Whitened()
	shared := newInnovations(p.Observations, standard)
	if gaussian, _ := p.Observations.Gaussian(); !gaussian {
		shared.matching = newMatching(s.Prior, shared, p.Length)
	}
	newRule, err := s.prepare(p, shared, result)
	if err != nil {
		return nil, err
	}
	return func() (diffusion.Denoiser, error) {
		prior, err := s.Prior.Differentiable(p.Length, scoresum.SampleRows, scoresum.ChunkWindows)
		if err != nil {
			return nil, err
		}
		n := newInnovations(p.Observations, standard)
		n.matching = shared.matching
		return newGuide(prior, n, newRule(n)), nil
	}, nil
}

// prepare chooses the rule, checks that it is stable and notes both in the result.
func (s *Score) prepare(p Problem, n *innovations, result *Result) (newRule func(*innovations) rule, err error) {
	if n.present() == 0 {
		return func(*innovations) rule { return nil }, nil
	}
	chosen, err := s.plan(p, n)
	if err != nil {
		return nil, err
	}
	if chosen.name == "covariance" || chosen.name == "jfps" {
		result.Diagnostics[UsesCovariance] = 1
	}
	result.Notes = map[string]string{"guidance": chosen.name}
	if chosen.reason != "" {
		result.Notes["guidance"] += ", " + chosen.reason
	}
	spread, err := s.spread(p, n, chosen)
	if err != nil {
		return nil, err
	}
	if spread > 0 {
		result.Diagnostics[GuidedSpread] = spread
	}
	if err := unstable(spread, chosen.name); err != nil {
		return nil, err
	}
	if spread > doubtfulSpread {
		result.Notes["warning"] = fmt.Sprintf("guidance %s with this sampler spreads members %.2g times as wide as the prior: take more steps or guidance = \"auto\"", chosen.name, spread)
	}
	return chosen.rule, nil
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
