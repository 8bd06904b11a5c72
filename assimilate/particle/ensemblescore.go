// The ensemble score filter (Bao, Zhang & Zhang 2024, Comput. Methods Appl.
// Mech. Engrg. 432, 117447, arXiv 2309.00983) updates an ensemble by a
// diffusion whose score is not learnt but summed over the forecast members x_j.
// In units of the forecast's standard deviations, around its mean,
//
//	dZ = b Z dt + s dW,  alpha = 1 - t (1 - e),  beta^2 = k + t (1 - k),  0 <= t <= 1,
//	b = d log alpha/dt,  s^2 = d beta^2/dt - 2 b beta^2,
//
// carries the members to noise, Z_t | x_j ~ N(alpha x_j, beta^2 I), with the score
//
//	S(z, t) = - sum_j w_j(z) (z - alpha x_j)/beta^2,
//	w_j(z) ~ exp(-|z - alpha x_j|^2 / (2 beta^2)),  sum_j w_j = 1 .
//
// The posterior's score adds that of the likelihood, damped towards the noise by
// h = 1 - t, and Euler steps of the reverse equation take noise to members:
//
//	z <- z - (b z - s^2 (S + h grad log p(y | z))) dt + s sqrt(dt) xi .
//
// Nothing is trained and no covariance is inverted: observations may be
// nonlinear and the state large. In the paper k is 0: the forecast is the points x_j,
// and as t falls z is caught by one of them, which the likelihood then cannot move.
// In more than a few dimensions that leaves nothing but a choice of members. Here the
// members may be kernels, N(sqrt(1-k) x_j, k I), of which k of the forecast's variance
// is made (with the shrinkage of Liu & West 2001, which keeps it): between a particle
// filter and independent components. The damping is a choice, not Bayes' rule: the
// posterior is approximate even for many members. Where observations are far
// more precise than the forecast, the drift of the likelihood is too stiff for
// Euler's rule; its increments are tamed, d -> d/(1 + |d|), component by component
// (Hutzenthaler, Jentzen & Kloeden 2012), which leaves small ones as they are.

package particle

import (
	"context"
	"fmt"
	"math"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/parallel"
	"retrace/internal/rng"
	"retrace/observe"
)

// EnsembleScore is the ensemble score filter. Members are equally weighted, one
// for each member asked for. Make one with NewEnsembleScore.
type EnsembleScore struct {
	Steps     int     `toml:"steps" doc:"steps of the reverse diffusion; 1 to 100000"`
	Kernel    float64 `toml:"kernel" doc:"share of the forecast's variance that is in kernels around the members; 0 (points, as published) to 1 (independent components)"`
	Inflation float64 `toml:"inflation" doc:"factor on the deviations of the members from their mean after each update; 0.5 to 10"`
}

// NewEnsembleScore returns the filter with 100 steps, half of the variance in kernels
// and no inflation.
func NewEnsembleScore() *EnsembleScore { return &EnsembleScore{Steps: 100, Kernel: 0.5, Inflation: 1} }

// Check reports a parameter out of range by its key, as an input error. Any model
// will do.
func (e *EnsembleScore) Check(dynamics.Model) error {
	switch {
	case e.Steps < 1 || e.Steps > 100_000:
		return fault.Inputf("steps = %d: must be between 1 and 100000", e.Steps)
	case !(e.Kernel >= 0 && e.Kernel <= 1):
		return fault.Inputf("kernel = %v: must be between 0 and 1", e.Kernel)
	case !(e.Inflation >= 0.5 && e.Inflation <= 10):
		return fault.Inputf("inflation = %v: must be between 0.5 and 10", e.Inflation)
	}
	return nil
}

// Cycle implements assimilate.Sequential.
func (e *EnsembleScore) Cycle(ctx context.Context, p assimilate.Problem, watch func(assimilate.Estimate) error) error {
	_, err := e.run(ctx, p, watch)
	return err
}

// Assimilate implements assimilate.Method. The error wraps ErrDiverged if the
// members leave the finite numbers.
func (e *EnsembleScore) Assimilate(ctx context.Context, p assimilate.Problem, progress func(done, total int)) (*assimilate.Result, error) {
	result, err := collect(ctx, p, progress, e.run)
	if err != nil {
		return nil, err
	}
	result.Diagnostics = nil // there are no weights to tell of
	return result, nil
}

func (e *EnsembleScore) run(ctx context.Context, p assimilate.Problem, watch func(assimilate.Estimate) error) (diagnostics, error) {
	if err := e.Check(p.Model); err != nil {
		return diagnostics{}, err
	}
	if p.Members == 1 {
		return diagnostics{}, fault.Inputf("ensemble score filter: one member has no spread to update by: ask for at least 2")
	}
	c, err := newCloud(&p, p.Members)
	if err != nil {
		return diagnostics{}, err
	}
	return drive(ctx, c, newReversal(c, *e).update, nil, watch)
}

// terminal is alpha at t = 1: slightly above 0, where b has no bound.
const terminal = 0.05

// reversal is the update of the ensemble score filter; it owns scratch space.
type reversal struct {
	c       *cloud
	filter  EnsembleScore
	members []float64 // forecast members, standardised
	mean    []float64
	scale   []float64
	workers []reversalWorker
	move    func(worker, group int)
}

// reversalWorker is the scratch space of one worker.
type reversalWorker struct {
	source               *rng.Source
	state, drift         []float64
	pull, part           []float64
	predicted, logWeight []float64
}

func newReversal(c *cloud, filter EnsembleScore) *reversal {
	v := &reversal{
		c: c, filter: filter, members: make([]float64, c.n*c.size),
		mean: make([]float64, c.size), scale: make([]float64, c.size),
		workers: make([]reversalWorker, len(c.sources)),
	}
	for w := range v.workers {
		v.workers[w] = reversalWorker{
			source: rng.NewSource(c.problem.Seed, "particle/reversal"),
			state:  make([]float64, c.size), pull: make([]float64, c.size), part: make([]float64, c.size), drift: make([]float64, c.size),
			predicted: c.predicted[w], logWeight: make([]float64, c.n),
		}
	}
	v.move = v.moveGroup
	return v
}

// update moves the members to draws of the posterior. There is no evidence to
// tell.
func (v *reversal) update(t int, seen []observe.Observation) (float64, error) {
	c := v.c
	c.index, c.seen = t, seen
	v.standardise()
	parallel.Run(c.groups(), v.move) // long work, whatever the size
	e := c.estimate(t, assimilate.Analysis)
	for i := range c.n {
		x := c.at(i)
		if !finite(x) {
			return 0, fmt.Errorf("%w: a member is not finite after the update of state %d: take more steps", ErrDiverged, t)
		}
		for j := range x {
			x[j] = e.Mean[j] + v.filter.Inflation*(x[j]-e.Mean[j])
		}
	}
	return 0, nil
}

// standardise takes mean and standard deviation of the forecast.
func (v *reversal) standardise() {
	e := v.c.estimate(v.c.index, assimilate.Forecast)
	for j, variance := range e.Variance {
		v.mean[j], v.scale[j] = e.Mean[j], math.Sqrt(variance)
	}
	shrink := math.Sqrt(1 - v.filter.Kernel)
	for i, x := range v.c.states {
		j := i % v.c.size
		v.members[i] = 0
		if v.scale[j] > 0 {
			v.members[i] = shrink * (x - v.mean[j]) / v.scale[j]
		}
	}
}

func (v *reversal) moveGroup(worker, group int) {
	w := &v.workers[worker]
	begin, end := v.c.bounds(group)
	for i := begin; i < end; i++ {
		r := w.source.At(uint64(v.c.problem.Case), uint64(v.c.index), uint64(i))
		z := v.c.at(i)
		for j := range z {
			z[j] = r.NormFloat64()
		}
		dt := 1 / float64(v.filter.Steps)
		for step := v.filter.Steps; step > 0; step-- {
			v.step(w, z, float64(step)*dt, dt)
		}
		for j := range z {
			z[j] = v.mean[j] + v.scale[j]*z[j]
		}
	}
}

// step takes z from t to t - dt.
func (v *reversal) step(w *reversalWorker, z []float64, t, dt float64) {
	kernel := v.filter.Kernel
	alpha, variance := 1-t*(1-terminal), kernel+t*(1-kernel)
	b := -(1 - terminal) / alpha
	diffusion := 1 - kernel - 2*b*variance
	v.prior(w, z, alpha, variance)
	v.likelihood(w, z)
	noise := math.Sqrt(diffusion * dt)
	for j := range z {
		pull := diffusion * (1 - t) * w.pull[j] * dt
		z[j] += (diffusion*w.drift[j]-b*z[j])*dt + pull/(1+math.Abs(pull)) + noise*w.source.NormFloat64()
	}
}

// prior writes S to w.drift.
func (v *reversal) prior(w *reversalWorker, z []float64, alpha, variance float64) {
	size := v.c.size
	top := math.Inf(-1)
	for i := range w.logWeight {
		var squares float64
		for j, x := range v.members[i*size : (i+1)*size] {
			d := z[j] - alpha*x
			squares += d * d
		}
		w.logWeight[i] = -squares / (2 * variance)
		top = max(top, w.logWeight[i])
	}
	var total float64
	clear(w.drift)
	for i, l := range w.logWeight {
		weight := math.Exp(l - top)
		if weight < 1e-17 {
			continue
		}
		total += weight
		for j, x := range v.members[i*size : (i+1)*size] {
			w.drift[j] += weight * x
		}
	}
	for j, sum := range w.drift {
		w.drift[j] = (alpha*sum/total - z[j]) / variance
	}
}

// likelihood writes the gradient of log p(y | z) to w.pull.
func (v *reversal) likelihood(w *reversalWorker, z []float64) {
	for j := range z {
		w.state[j] = v.mean[j] + v.scale[j]*z[j]
	}
	gradient := w.pull
	clear(gradient)
	for _, o := range v.c.seen {
		predicted := w.predicted[:len(o.Values)]
		o.Operator.Apply(predicted, w.state)
		o.Score(predicted, predicted)
		o.Operator.VJP(w.part, w.state, predicted)
		for j, g := range w.part {
			gradient[j] += g * v.scale[j]
		}
	}
}
