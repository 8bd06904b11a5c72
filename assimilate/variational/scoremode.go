// Modes of the posterior under a learnt score prior. In standardised units, let p_s be
// the prior smoothed by noise of standard deviation s and D_s its denoiser. Tweedie's
// formula, grad log p_s(x) = (D_s(x) - x)/s^2, makes the condition of a mode of
// p_s(x) p(y | x) a fixed point,
//
//	x = argmin_z |z - D_s(x)|^2/(2 s^2) - log p(y | z) :
//
// denoise, then analyse with the denoised trajectory for background and s^2 I for its
// covariance (forward-backward splitting with step s^2; Venkatakrishnan, Bouman &
// Wohlberg 2013, "plug and play"). No value of log p_s is needed, which a score does
// not give. This is weak-constraint 4D-Var, the learnt prior in the place of the model
// and of its noise.
//
// The posterior of a chaotic system seen in part has many modes, and a search that
// begins at the climatology ends in a bad one. So each begins at a draw of
// assimilate.Score, and climbs from there while s falls to the smallest noise asked
// for; Anderson's acceleration speeds each level up.

package variational

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"retrace/assimilate"
	"retrace/diffusion"
	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/parallel"
	"retrace/scoresum"
	"retrace/trajectory"
)

// ScoreMode finds modes of the posterior that assimilate.Score draws from: member k is
// the most probable trajectory of the neighbourhood in which member k of Start lies.
// Members of a posterior with one mode coincide, so their spread tells nothing of the
// uncertainty. Make one with NewScoreMode.
type ScoreMode struct {
	Start      *assimilate.Score `toml:"-"`
	Levels     int               `toml:"levels" doc:"noise levels of the climb; 1 to 1000"`
	High       float64           `toml:"climb_from" doc:"noise over signal of the first level; 0.01 to 10"`
	Low        float64           `toml:"climb_to" doc:"noise over signal of the last level, which smooths the prior; 1e-3 to 1"`
	Iterations int               `toml:"iterations" doc:"fixed-point iterations of a level, at most; 1 to 10000"`
}

// NewScoreMode returns the method with 6 levels of at most 30 iterations.
func NewScoreMode(start *assimilate.Score) *ScoreMode {
	return &ScoreMode{Start: start, Levels: 6, High: 0.1, Low: 0.01, Iterations: 30}
}

// Residual is the Diagnostics entry with the largest of the members' last fixed-point
// residuals (root mean square), over the last noise level: where it is not small the
// climb was cut off.
const Residual = "residual"

// Check reports the parameters out of range by their keys, as input errors. Any
// model will do.
func (m *ScoreMode) Check(dynamics.Model) error {
	err := errors.Join(
		dynamics.CheckBetween("levels", m.Levels, 1, 1000),
		dynamics.CheckBetween("climb_from", m.High, 0.01, 10),
		dynamics.CheckBetween("climb_to", m.Low, 1e-3, 1),
		dynamics.CheckBetween("iterations", m.Iterations, 1, 10_000),
	)
	if err == nil && m.Low > m.High {
		return fault.Inputf("climb_to = %v: must be at most climb_from = %v", m.Low, m.High)
	}
	return err
}

// Assimilate implements assimilate.Method. Evaluations counts denoisings of a member,
// those of its start included; the diagnostic is Residual. The error wraps ErrDiverged
// if a climb leaves the finite numbers. Member k depends on seed, case and k alone.
func (m *ScoreMode) Assimilate(ctx context.Context, p assimilate.Problem, progress func(done, total int)) (*assimilate.Result, error) {
	if err := errors.Join(m.Check(p.Model), checkDense(&p)); err != nil {
		return nil, err
	}
	const parts = 1000 // of which the start is half
	result, err := m.Start.Assimilate(ctx, p, scaled(progress, 0, parts))
	if err != nil {
		return nil, err
	}
	searches := make([]*search, parallel.Workers(p.Members))
	for w := range searches {
		if searches[w], err = m.search(&p); err != nil {
			return nil, err
		}
	}
	count := parallel.Counter(p.Members, scaled(progress, parts/2, parts))
	residuals := make([]float64, p.Members)
	err = parallel.For(ctx, p.Members, func(worker, k int) (err error) {
		defer count()
		residuals[k], err = searches[worker].climb(ctx, result.Ensemble.Trajectory(k), m.ladder(), m.Iterations)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("score mode, case %d: %w", p.Case, err)
	}
	evaluations := 0
	for _, s := range searches {
		evaluations += s.evaluations
	}
	result.Evaluations += (evaluations + p.Members - 1) / p.Members
	result.Diagnostics = map[string]float64{Residual: slices.Max(residuals)}
	return result, nil
}

// ladder lists the noise levels of a climb.
func (m *ScoreMode) ladder() []diffusion.Level {
	span := diffusion.Span{High: m.High, Low: m.Low}
	levels := diffusion.LogGrid(diffusion.Cosine{Eta: 1e-3}, max(m.Levels-1, 1), span)
	return levels[len(levels)-m.Levels:]
}

// scaled maps progress from one half of the work to the parts from begin on; nil
// stays nil.
func scaled(progress func(done, total int), begin, parts int) func(done, total int) {
	if progress == nil {
		return nil
	}
	return func(done, total int) { progress(begin+parts/2*done/max(total, 1), parts) }
}

// search climbs to modes, one after the other; it owns scratch space.
type search struct {
	problem      *assimilate.Problem
	standard     trajectory.Standardiser
	denoiser     diffusion.Denoiser
	analysis     *analysis
	acceleration *anderson
	x, image     []float64 // standardised trajectories
	noisy, mean  []float32
	physical     []float64 // of one state
	evaluations  int
}

func (m *ScoreMode) search(p *assimilate.Problem) (*search, error) {
	denoiser, err := m.Start.Prior.Differentiable(p.Length, 1, scoresum.ChunkWindows)
	if err != nil {
		return nil, err
	}
	space, _, standard := m.Start.Prior.Describe()
	size := space.Size()
	if size != p.Model.Space().Size() {
		return nil, fault.Inputf("score mode: states of the prior have %d values, those of the model %d", size, p.Model.Space().Size())
	}
	n := p.Length * size
	const depth = 8
	return &search{
		problem: p, standard: standard, denoiser: denoiser,
		analysis: newAnalysis(p.Observations, size, size), acceleration: newAnderson(n, depth),
		x: make([]float64, n), image: make([]float64, n), noisy: make([]float32, n), mean: make([]float32, n),
		physical: make([]float64, size),
	}, nil
}

// climb replaces a trajectory, in physical units, by the mode above it, and returns the
// last residual over the last noise level.
func (s *search) climb(ctx context.Context, x []float32, ladder []diffusion.Level, iterations int) (residual float64, err error) {
	for i, v := range x {
		mean, scale := s.standard.At(i % len(s.physical))
		s.x[i] = (float64(v) - mean) / scale
	}
	for _, level := range ladder {
		if residual, err = s.settle(ctx, level, iterations); err != nil {
			return 0, fmt.Errorf("noise ratio %.3g: %w", level.Ratio(), err)
		}
	}
	for i, z := range s.x {
		mean, scale := s.standard.At(i % len(s.physical))
		x[i] = float32(mean + scale*z)
	}
	return residual, nil
}

// settle iterates at one noise level and returns the last residual over s.
func (s *search) settle(ctx context.Context, level diffusion.Level, iterations int) (residual float64, err error) {
	const settled = 1e-5 // of s: far below what the noise of this level resolves
	noise := &diagonal{make([]float64, len(s.physical))}
	for i := range noise.sd {
		_, scale := s.standard.At(i)
		noise.sd[i] = scale * level.Ratio()
	}
	s.acceleration.forget()
	for range iterations {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if err := s.refresh(level, noise); err != nil {
			return 0, err
		}
		residual = s.acceleration.advance(s.x, s.image) / level.Ratio()
		if !finite(s.x) {
			return 0, fmt.Errorf("%w: the trajectory is not finite", ErrDiverged)
		}
		if residual < settled {
			break
		}
	}
	return residual, nil
}

// refresh sets the image of x: denoised, then drawn to the observations.
func (s *search) refresh(level diffusion.Level, noise *diagonal) error {
	for i, v := range s.x {
		s.noisy[i] = float32(level.Mu * v)
	}
	if err := s.denoiser.Denoise(s.mean, s.noisy, level); err != nil {
		return err
	}
	s.evaluations++
	for i, v := range s.mean {
		s.image[i] = float64(v)
	}
	rest := s.problem.Observations.Observations
	for len(rest) > 0 {
		t := rest[0].Index
		seen, later := of(t, rest)
		rest = later
		state := s.image[t*len(s.physical) : (t+1)*len(s.physical)]
		for i, z := range state {
			mean, scale := s.standard.At(i)
			s.physical[i] = mean + scale*z
		}
		if _, err := s.analysis.update(law{s.physical, noise}, seen, t); err != nil {
			return err
		}
		for i, x := range s.analysis.state {
			mean, scale := s.standard.At(i)
			state[i] = (x - mean) / scale
		}
	}
	return nil
}
