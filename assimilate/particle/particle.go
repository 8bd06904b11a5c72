package particle

import (
	"context"
	"fmt"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/trajectory"
)

// Method is the bootstrap particle filter with backward simulation. Make one
// with New. It is safe for concurrent use; one call holds about
// Particles x Length x (state size + 1) x 8 bytes.
type Method struct {
	Particles int `toml:"particles" doc:"particles of the filter; 1 to 100000000"`
	// SpinUp is the number of transitions between a draw of Model.Initial and
	// state 0, if the problem gives no law of that state. Negative: 64, as in the SDA paper, or Model.SpinUp() if that is
	// fewer, so that a model that starts in its stationary law does so here.
	SpinUp int `toml:"spin_up" doc:"transitions from the initial law of the model to state 0; -1: 64, or fewer where the model needs fewer"`
	// Stream numbers independent copies of the method.
	Stream uint64 `toml:"-"`
}

const (
	defaultParticles = 65536
	defaultSpinUp    = 64
	mostParticles    = 100_000_000
)

// New returns the method with 65,536 particles and the default spin-up.
func New() *Method { return &Method{Particles: defaultParticles, SpinUp: -1} }

// Diagnostics of a Result.
const (
	// LogEvidence is the estimate of log p(y), in nats; its exponential is
	// unbiased.
	LogEvidence = "log_evidence"
	// MinimumESS is the least effective sample size of the filter, in
	// particles. Where it is not large, the reference is not to be trusted.
	MinimumESS = "minimum_ess"
	// DistinctAtStart is the number of different particles that members have
	// as state 0.
	DistinctAtStart = "distinct_at_start"
)

// Assimilate draws p.Members trajectories from the posterior. Evaluations
// counts the model steps of the filter and, for additive noise, of the smoother,
// per member. The error names the cure if the model has no transition density,
// the observations do not fit it, or it blows up.
func (m *Method) Assimilate(ctx context.Context, p assimilate.Problem, progress func(done, total int)) (*assimilate.Result, error) {
	backward, err := m.check(p)
	if err != nil {
		return nil, err
	}
	total, done := 2*p.Length, 0
	tick := func() {
		if done++; progress != nil {
			progress(done, total)
		}
	}
	f := newFilter(*m, p)
	if err := f.run(ctx, tick); err != nil {
		return nil, err
	}
	paths, err := smooth(ctx, f, backward, tick)
	if err != nil {
		return nil, err
	}
	steps := m.Particles * (f.spinUp + p.Length - 1 + backward.steps(p.Length))
	return &assimilate.Result{
		Ensemble:    f.ensemble(paths),
		Evaluations: (steps + p.Members - 1) / p.Members,
		Diagnostics: map[string]float64{
			LogEvidence:     f.logEvidence,
			MinimumESS:      f.minimumESS,
			DistinctAtStart: float64(distinct(paths[0])),
		},
	}, nil
}

// check refuses what the method cannot do and chooses the backward kernel.
func (m *Method) check(p assimilate.Problem) (backwardKernel, error) {
	if m.Particles < 1 || m.Particles > mostParticles {
		return nil, fault.Inputf("particles = %d: the particle filter needs 1 to %d particles", m.Particles, mostParticles)
	}
	if err := checkProblem(&p); err != nil {
		return nil, err
	}
	model, ok := p.Model.(dynamics.TransitionDensity)
	if !ok {
		return nil, fault.Inputf("the particle filter needs a model with noise, whose transition density it knows; %T (variable %q) has none: give the model noise or choose another method",
			p.Model, p.Model.Space().Variable)
	}
	additive, ok := p.Model.(dynamics.AdditiveNoise)
	if !ok {
		return newExhaustive(model, m.Particles), nil
	}
	for i, sd := range additive.NoiseSd() {
		if !(sd > 0) {
			return nil, fault.Inputf("the particle filter needs noise in every component; that of component %d of %T has standard deviation %v", i, p.Model, sd)
		}
	}
	return newTree(additive, m.Particles), nil
}

// ensemble gathers the states that members pass through.
func (f *filter) ensemble(paths [][]int32) *trajectory.Set {
	space := f.problem.Model.Space()
	length, members := f.problem.Length, f.problem.Members
	set := &trajectory.Set{
		Space: space, Clock: f.problem.Model.Clock(), Length: length,
		Lead: []trajectory.Dimension{{Name: "member", Len: members}},
		Data: make([]float32, members*length*f.size),
	}
	for t, path := range paths {
		for k, i := range path {
			dst := set.Data[(k*length+t)*f.size:][:f.size]
			for j, x := range f.state(t, int(i)) {
				dst[j] = float32(x)
			}
		}
	}
	return set
}

// distinct counts the different values.
func distinct(particles []int32) int {
	seen := make(map[int32]struct{}, len(particles))
	for _, i := range particles {
		seen[i] = struct{}{}
	}
	return len(seen)
}

// errNotFinite reports a model that blew up on the way to state t.
func errNotFinite(model dynamics.Model, t int) error {
	return fmt.Errorf("%w: a particle of %T is not finite at state %d: the model is unstable there (a shorter integration step may help)", ErrDiverged, model, t)
}
