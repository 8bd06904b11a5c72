package particle

import (
	"context"
	"math/rand/v2"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/rng"
	"retrace/internal/strict"
	"retrace/observe"
)

// Resampling says when and how particles of unequal weight are replaced by
// equally weighted ones, with the parameters of DAPPER's particle filters.
type Resampling struct {
	Particles int `toml:"particles" doc:"particles of the filter; 0: as many as members"`
	// Threshold is NER in DAPPER, Regularisation is reg.
	Threshold      float64 `toml:"threshold" doc:"resample when the effective sample size is at most this share of the particles; 0 (never) to 1 (always)"`
	Rule           string  `toml:"resampling" doc:"systematic, residual or multinomial"`
	Regularisation float64 `toml:"regularisation" doc:"jitter of particles that have a copy, in bandwidths of Scott's rule; 0 (none) to 100. Models without noise need some"`
}

// Size is the number of particles of a filter that is asked for so many members.
func (s *Resampling) Size(members int) int {
	if s.Particles == 0 {
		return members
	}
	return s.Particles
}

// check reports a parameter out of range by its key.
func (s *Resampling) check() error {
	switch {
	case s.Particles < 0 || s.Particles > mostParticles:
		return fault.Inputf("particles = %d: must be between 0 and %d", s.Particles, mostParticles)
	case !(s.Threshold >= 0 && s.Threshold <= 1):
		return fault.Inputf("threshold = %v: must be between 0 and 1", s.Threshold)
	case !(s.Regularisation >= 0 && s.Regularisation <= 100):
		return fault.Inputf("regularisation = %v: must be between 0 and 100", s.Regularisation)
	}
	if _, ok := resamplerNamed(s.Rule); !ok {
		return fault.Inputf("resampling = %q: is unknown; %s", s.Rule, strict.Suggestion(s.Rule, Resamplings()))
	}
	return nil
}

// Bootstrap is the bootstrap particle filter, state by state: what Method is
// without the smoother, with the resampling rules and the regularisation that
// let it follow models without noise. Members are draws from the filtering law
// of each state, not paths: use Method for trajectories of a noisy model. Make
// one with NewBootstrap.
type Bootstrap struct {
	Resampling `toml:",inline"`
}

// NewBootstrap returns the filter with the tuning of DAPPER for Lorenz 63 and
// 800 particles.
func NewBootstrap() *Bootstrap {
	return &Bootstrap{Resampling{Threshold: 0.2, Rule: "systematic", Regularisation: 0.9}}
}

// Check reports a parameter out of range by its key, as an input error. Any model
// will do.
func (b *Bootstrap) Check(dynamics.Model) error { return b.check() }

// Cycle implements assimilate.Sequential. The Analysis is that of the weighted
// particles, before they are resampled.
func (b *Bootstrap) Cycle(ctx context.Context, p assimilate.Problem, watch func(assimilate.Estimate) error) error {
	_, err := b.run(ctx, p, watch)
	return err
}

// Assimilate implements assimilate.Method. Evaluations counts the model steps
// per member; Diagnostics are LogEvidence and MinimumESS. The error wraps
// ErrDiverged if the particles leave the finite numbers.
func (b *Bootstrap) Assimilate(ctx context.Context, p assimilate.Problem, progress func(done, total int)) (*assimilate.Result, error) {
	return collect(ctx, p, progress, b.run)
}

func (b *Bootstrap) run(ctx context.Context, p assimilate.Problem, watch func(assimilate.Estimate) error) (diagnostics, error) {
	if err := b.check(); err != nil {
		return diagnostics{}, err
	}
	c, err := newCloud(&p, b.Size(p.Members))
	if err != nil {
		return diagnostics{}, err
	}
	return drive(ctx, c, c.weigh, newRenewal(c, b.Resampling), watch)
}

// renewal resamples a cloud and keeps what that needs.
type renewal struct {
	c         *cloud
	threshold float64
	rule      resampler
	bandwidth float64 // of the jitter; 0 for none
	ancestors []int32
	spare     []float64
	jitter    *jitter
	choose    *rng.Source
	move      *rng.Source
}

func newRenewal(c *cloud, s Resampling) *renewal {
	rule, _ := resamplerNamed(s.Rule)
	r := &renewal{
		c: c, threshold: s.Threshold * float64(c.n), rule: rule,
		bandwidth: s.Regularisation * bandwidth(c.n, c.size),
		ancestors: make([]int32, c.n), spare: make([]float64, c.n),
		choose: rng.NewSource(c.problem.Seed, "particle/renewal"),
		move:   rng.NewSource(c.problem.Seed, "particle/jitter"),
	}
	if r.bandwidth > 0 {
		r.jitter = newJitter(c)
	}
	return r
}

// renew resamples the particles of state t if their weights are uneven enough.
func (r *renewal) renew(t int) {
	if r.c.equal || !(ess(r.c.weights) <= r.threshold*(1+1e-12)) {
		return
	}
	if r.jitter != nil {
		r.jitter.measure(r.bandwidth)
	}
	r.rule(r.ancestors, r.c.weights, r.spare, r.at(r.choose, t))
	r.c.descend(r.ancestors)
	if r.jitter != nil {
		r.jitter.spread(r.ancestors, r.at(r.move, t))
	}
}

func (r *renewal) at(source *rng.Source, t int) *rand.Rand {
	return source.At(uint64(r.c.problem.Case), uint64(t)).Rand
}

// update conditions a cloud on what was seen of state t and returns log p(y |
// earlier).
type update func(t int, seen []observe.Observation) (float64, error)
