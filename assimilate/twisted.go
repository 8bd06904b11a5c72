package assimilate

import (
	"context"
	"fmt"
	"math"
	"slices"

	"retrace/diffusion"
	"retrace/internal/fault"
	"retrace/internal/parallel"
	"retrace/internal/rng"
	"retrace/observe"
	"retrace/scoresum"
	"retrace/trajectory"
)

// Guidance approximates the likelihood of a noised trajectory. Twisted sequential Monte
// Carlo (Wu et al. 2023, "Practical and asymptotically exact conditional sampling in
// diffusion models") takes that only for a proposal: with p the steps of the sampler under
// the prior, q those under the guided denoiser and psi_i(x_i) the likelihood that the rule
// ascribes to the trajectory noised to level i, particles have the weights
//
//	w_0 = psi_0,   w_i = w_{i-1} p(x_i | path) psi_i / (q(x_i | path) psi_{i-1}) ,
//
// and at the end p(y | x), the likelihood of the observations with their own law, in place
// of psi_n. They are resampled where their effective number falls below a half. As the
// psi telescope, any positive psi leaves the law of the particles, as their number grows,
// the posterior under the sampler's own prior, and
//
//	log p(y) = sum over resamplings of log(mean w) ,
//
// whose exponential has no bias. Steps may use estimates of earlier steps, p and q each
// their own, so that solvers of the second order keep it. They must draw fresh noise.

// Twisted is Score made exact, in the limit of many particles, by their weights. Its
// members interact: they are the heirs of common particles.
type Twisted struct {
	Score     *Score
	Particles int // at least; never fewer than the members asked for
}

// Diagnostics that Twisted reports.
const (
	// LogEvidence is log p(y) in nat.
	LogEvidence = "log_evidence"
	// ESS is the effective sample size of the particles at the end, LeastESS the
	// smallest before any resampling.
	ESS, LeastESS = "ess", "least_ess"
	// Ancestors is the number of first particles that the last ones descend from.
	Ancestors = "ancestors"
)

// Evaluations is the number of evaluations of the prior that a particle costs.
func (t *Twisted) Evaluations() int { return len(t.Score.Sampler.Levels) }

// Assimilate draws p.Members trajectories. The note "warning" says if too few particles
// carry the weight for that to mean anything.
func (t *Twisted) Assimilate(ctx context.Context, p Problem, progress func(done, total int)) (*Result, error) {
	if p.Members < 1 {
		return nil, fault.Inputf("twisted: %d members: ask for at least one", p.Members)
	}
	result := &Result{Evaluations: t.Evaluations(), Diagnostics: map[string]float64{UsesCovariance: 0}}
	c, err := t.newCloud(p, result)
	if err != nil {
		return nil, fmt.Errorf("twisted, case %d: %w", p.Case, err)
	}
	if err := c.run(ctx, progress); err != nil {
		return nil, fmt.Errorf("twisted, case %d: %w", p.Case, err)
	}
	space, clock, standard := t.Score.Prior.Describe()
	result.Ensemble = trajectory.New(space, clock, []trajectory.Dimension{{Name: "member", Len: p.Members}}, p.Length)
	c.report(result)
	for k, ancestor := range systematic(p.Members, c.weights(), c.uniform(len(c.levels))) {
		copy(result.Ensemble.Data[k*c.dim:(k+1)*c.dim], c.row(c.x, ancestor))
	}
	standard.Inverse(result.Ensemble.Data, result.Ensemble.Data)
	return result, nil
}

// Warning tells what is doubtful about the proposal, as Score does.
func (t *Twisted) Warning(p Problem) (string, error) { return t.Score.Warning(p) }

// twistedCloud holds the particles.
type twistedCloud struct {
	problem  Problem
	levels   []diffusion.Level
	solver   diffusion.Solver
	needs    diffusion.Needs
	n, dim   int
	standard trajectory.Standardiser
	guides   []*guide // of workers
	noises   []diffusion.Noise

	x             []float32
	plain, guided [][]float32 // estimates, newest first
	psi, logs     []float64   // log psi of the present level, and log weights
	ancestors     []int
	evidence      float64
	least         float64
}

func (t *Twisted) newCloud(p Problem, result *Result) (*twistedCloud, error) {
	c := &twistedCloud{problem: p, levels: t.Score.Sampler.Levels, solver: t.Score.Sampler.Solver, n: max(t.Particles, p.Members)}
	c.least = float64(c.n)
	if c.solver == nil || !c.fresh() {
		return nil, fault.Inputf("the steps of the solver draw no fresh noise, so that particles have no weights: use solver = \"sde-dpm2\" or \"ddpm\"")
	}
	c.needs = c.solver.Needs()
	newDenoiser, err := t.Score.guided(p, result)
	if err != nil {
		return nil, err
	}
	_, _, c.standard = t.Score.Prior.Describe()
	for range parallel.Workers(c.blocks()) {
		d, err := newDenoiser()
		if err != nil {
			return nil, err
		}
		c.guides = append(c.guides, d.(*guide))
		c.noises = append(c.noises, scoresum.NewNoise(p.Seed, "twisted", p.Case))
	}
	c.dim = c.guides[0].Dim()
	c.x = make([]float32, c.n*c.dim)
	for range c.needs.Estimates {
		c.plain, c.guided = append(c.plain, make([]float32, len(c.x))), append(c.guided, make([]float32, len(c.x)))
	}
	c.psi, c.logs = make([]float64, c.n), make([]float64, c.n)
	for k := range c.n {
		c.ancestors = append(c.ancestors, k)
	}
	return c, nil
}

// fresh reports whether every step draws noise.
func (c *twistedCloud) fresh() bool {
	needs := c.solver.Needs()
	if needs.Stages > 1 || needs.Noise {
		return false
	}
	for i := range len(c.levels) - 1 {
		if !(c.solver.Step(c.levels[i:i+2], 0).Noise > 0) {
			return false
		}
	}
	return true
}

func (c *twistedCloud) blocks() int { return (c.n + scoresum.SampleRows - 1) / scoresum.SampleRows }

func (c *twistedCloud) row(x []float32, k int) []float32 { return x[k*c.dim : (k+1)*c.dim] }

// run walks the levels.
func (c *twistedCloud) run(ctx context.Context, progress func(done, total int)) error {
	count := parallel.Counter(c.blocks()*len(c.levels), progress)
	for i := range c.levels {
		c.plain = append(c.plain[len(c.plain)-1:], c.plain[:len(c.plain)-1]...)
		c.guided = append(c.guided[len(c.guided)-1:], c.guided[:len(c.guided)-1]...)
		err := parallel.For(ctx, c.blocks(), func(worker, block int) error {
			begin, end := block*scoresum.SampleRows, min((block+1)*scoresum.SampleRows, c.n)
			defer count()
			return c.weigh(worker, i, begin, end)
		})
		if err != nil {
			return err
		}
		if i+1 == len(c.levels) {
			break
		}
		c.resample(i)
		err = parallel.For(ctx, c.blocks(), func(worker, block int) error {
			for k := block * scoresum.SampleRows; k < min((block+1)*scoresum.SampleRows, c.n); k++ {
				c.step(worker, i, k)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	c.least = min(c.least, effective(c.weights()))
	return c.finite()
}

// weigh evaluates particles at a level, the first of which it draws.
func (c *twistedCloud) weigh(worker, i, begin, end int) error {
	at := c.levels[i]
	x := c.x[begin*c.dim : end*c.dim]
	if i == 0 {
		scale := float32(math.Hypot(at.Sigma, at.Mu)) // prior scale one
		for k := begin; k < end; k++ {
			row := c.row(c.x, k)
			c.noises[worker].Normal(row, k, 0)
			for j := range row {
				row[j] *= scale
			}
		}
	}
	psi := make([]float64, end-begin)
	plain := c.plain[0][begin*c.dim : end*c.dim]
	if err := c.guides[worker].twist(c.guided[0][begin*c.dim:end*c.dim], plain, x, at, psi); err != nil {
		return err
	}
	if i+1 == len(c.levels) {
		copy(x, plain)
		c.likelihood(psi, x)
	}
	for r, l := range psi {
		c.logs[begin+r] += l - c.psi[begin+r]
		c.psi[begin+r] = l
	}
	return nil
}

// likelihood is log p(y | x) of finished trajectories.
func (c *twistedCloud) likelihood(logs []float64, x []float32) {
	physical := make([]float32, len(x))
	c.standard.Inverse(physical, x)
	likelihood := observe.NewLikelihood(c.problem.Observations)
	for r := range logs {
		logs[r] = likelihood.Log(physical[r*c.dim : (r+1)*c.dim])
	}
}

// step moves a particle under the guided denoiser and weighs it by the prior's.
func (c *twistedCloud) step(worker, i, k int) {
	path := c.levels[max(0, i+1-c.needs.Estimates) : i+2]
	w := c.solver.Step(path, 0)
	x := c.row(c.x, k)
	z := make([]float32, c.dim)
	c.noises[worker].Normal(z, k, i+1)
	var log float64
	for j := range x {
		shift := 0.0 // of the guided mean against the prior's
		mean := w.State * float64(x[j])
		for e, weight := range w.Estimates[:c.needs.Estimates] {
			if weight != 0 {
				guided, plain := float64(c.row(c.guided[e], k)[j]), float64(c.row(c.plain[e], k)[j])
				mean += weight * guided
				shift += weight * (guided - plain)
			}
		}
		x[j] = float32(mean + w.Noise*float64(z[j]))
		shift /= w.Noise
		log -= shift * (float64(z[j]) + shift/2)
	}
	c.logs[k] += log
}

// weights are normalised.
func (c *twistedCloud) weights() []float64 {
	most := slices.Max(c.logs)
	w := make([]float64, c.n)
	var sum float64
	for k, l := range c.logs {
		w[k] = math.Exp(l - most)
		sum += w[k]
	}
	for k := range w {
		w[k] /= sum
	}
	return w
}

// settle adds the mean weight to the evidence and makes weights equal.
func (c *twistedCloud) settle() {
	most := slices.Max(c.logs)
	var sum float64
	for _, l := range c.logs {
		sum += math.Exp(l - most)
	}
	c.evidence += most + math.Log(sum/float64(c.n))
	clear(c.logs)
}

// resample draws particles anew if too few carry the weight.
func (c *twistedCloud) resample(i int) {
	w := c.weights()
	size := effective(w)
	c.least = min(c.least, size)
	if !(size < float64(c.n)/2) {
		return
	}
	chosen := systematic(c.n, w, c.uniform(i))
	for _, rows := range append(append([][]float32{c.x}, c.plain...), c.guided...) {
		before := slices.Clone(rows)
		for k, ancestor := range chosen {
			copy(c.row(rows, k), c.row(before, ancestor))
		}
	}
	psi, ancestors := slices.Clone(c.psi), slices.Clone(c.ancestors)
	for k, ancestor := range chosen {
		c.psi[k], c.ancestors[k] = psi[ancestor], ancestors[ancestor]
	}
	c.settle()
}

func (c *twistedCloud) uniform(i int) float64 {
	return rng.NewSource(c.problem.Seed, "twisted/resample").At(uint64(c.problem.Case), uint64(i)).Float64()
}

// finite refuses particles that diverged.
func (c *twistedCloud) finite() error {
	for k, l := range c.logs {
		if math.IsNaN(l) {
			return fmt.Errorf("particle %d has no weight: %w", k, ErrDiverged)
		}
	}
	if math.IsInf(slices.Max(c.logs), 0) {
		return fmt.Errorf("no particle explains the observations: %w", ErrDiverged)
	}
	return checkDiverged(c.x, c.dim)
}

// report notes how good the particles are.
func (c *twistedCloud) report(result *Result) {
	size := effective(c.weights())
	result.Diagnostics[ESS], result.Diagnostics[LeastESS] = size, c.least
	slices.Sort(c.ancestors)
	ancestors := len(slices.Compact(slices.Clone(c.ancestors)))
	result.Diagnostics[Ancestors] = float64(ancestors)
	logs := slices.Clone(c.logs)
	c.settle()
	result.Diagnostics[LogEvidence] = c.evidence
	c.logs = logs
	if few := float64(c.n) / 10; size < few || c.least < few/2 || float64(ancestors) < few/2 {
		if result.Notes == nil {
			result.Notes = map[string]string{}
		}
		result.Notes["warning"] = fmt.Sprintf("of %d particles %.0f carry the weight at the end, %.0f at the worst level, and descend from %d: not to be trusted; take more particles, or another rule of guidance", c.n, size, c.least, ancestors)
	}
}

// effective is the effective sample size of normalised weights.
func effective(w []float64) float64 { return 1 / inner(w, w) }

// systematic resamples n of weighted particles, at (k + u)/n of the total weight.
func systematic(n int, w []float64, u float64) []int {
	chosen := make([]int, n)
	i, sum := 0, w[0]
	for k := range chosen {
		for sum < (float64(k)+u)/float64(n) && i+1 < len(w) {
			i++
			sum += w[i]
		}
		chosen[k] = i
	}
	return chosen
}
