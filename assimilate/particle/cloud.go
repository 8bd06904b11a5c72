// A cloud of weighted particles, as the filters that work state by state keep
// it. Its moments, with normalised weights w_i, are
//
//	m = sum_i w_i x_i,  v = sum_i w_i (x_i - m)^2 / (1 - sum_i w_i^2),
//
// the variance being unbiased for draws with fixed weights; when one particle
// has all the weight its spread says nothing, and the divisor is 1.

package particle

import (
	"context"
	"fmt"
	"math"

	"retrace/assimilate"
	"retrace/internal/fault"
	"retrace/internal/parallel"
	"retrace/internal/rng"
	"retrace/observe"
)

// ErrDiverged is the cause if particles leave the finite numbers, or no particle
// explains the observations: the run is lost, other runs need not be. It is an
// assimilate.ErrDiverged.
var ErrDiverged error = divergence{}

type divergence struct{}

func (divergence) Error() string { return "the particle filter diverged" }

func (divergence) Is(target error) bool { return target == assimilate.ErrDiverged }

// groupSize is the number of particles of a cloud that share a random stream: a
// unit of parallel work, whatever the number of workers.
const groupSize = 16

type cloud struct {
	problem *assimilate.Problem
	n, size int // particles, values of a state

	states, spare       []float64 // n x size
	logWeights, weights []float64 // normalised
	equal               bool      // weights are all 1/n

	mean, variance []float64

	sources   []*rng.Source // one a worker, of the transitions
	predicted [][]float64   // one a worker: noise-free observations
	failed    []bool        // of each group: a particle is not finite

	// What the work of a group looks at, made once: closures made in the loop
	// would be allocated there.
	index         int
	seen          []observe.Observation
	advance, gain func(worker, group int)
}

// newCloud checks a problem and makes so many particles for it.
func newCloud(p *assimilate.Problem, n int) (*cloud, error) {
	if err := checkProblem(p); err != nil {
		return nil, err
	}
	c := &cloud{problem: p, n: n, size: p.Model.Space().Size()}
	c.states, c.spare = make([]float64, n*c.size), make([]float64, n*c.size)
	c.logWeights, c.weights = make([]float64, n), make([]float64, n)
	c.mean, c.variance = make([]float64, c.size), make([]float64, c.size)
	c.failed = make([]bool, c.groups())
	for range parallel.Workers(c.groups()) {
		c.sources = append(c.sources, rng.NewSource(p.Seed, "particle/transition"))
		c.predicted = append(c.predicted, make([]float64, mostValues(p.Observations)))
	}
	c.advance, c.gain = c.advanceGroup, c.weighGroup
	c.equalise()
	return c, nil
}

// checkProblem refuses what no particle filter can do.
func checkProblem(p *assimilate.Problem) error {
	if p.Length < 1 || p.Members < 1 {
		return fault.Inputf("particle filter: %d members of %d states: ask for at least one of each", p.Members, p.Length)
	}
	if err := p.Observations.ValidateAny(p.Length, p.Model.Space()); err != nil {
		return fault.Inputf("particle filter: %w", err)
	}
	size := p.Model.Space().Size()
	if law := p.Initial; law != nil && (len(law.Mean) != size || len(law.Sd) != size) {
		return fault.Inputf("particle filter: the initial law has %d means and %d standard deviations for states of %d values", len(law.Mean), len(law.Sd), size)
	}
	if given := p.InitialEnsemble; given != nil && len(given) != p.Members*size {
		return fault.Inputf("particle filter: the initial ensemble has %d values: %d members of %d values have %d", len(given), p.Members, size, p.Members*size)
	}
	return nil
}

// mostValues is the size of the largest observation.
func mostValues(s observe.Sequence) int {
	most := 0
	for _, o := range s.Observations {
		most = max(most, len(o.Values))
	}
	return most
}

func (c *cloud) groups() int { return (c.n + groupSize - 1) / groupSize }

// bounds are the particles of a group.
func (c *cloud) bounds(group int) (begin, end int) {
	return group * groupSize, min((group+1)*groupSize, c.n)
}

// serialValues is the number of values of a cloud below which one core does all
// the work: others would take longer to start than to finish, above all on a busy
// machine.
const serialValues = 1 << 14

// each runs work on every group of particles.
func (c *cloud) each(work func(worker, group int)) {
	if c.n*c.size >= serialValues {
		parallel.Run(c.groups(), work)
		return
	}
	for group := range c.groups() {
		work(0, group)
	}
}

// at is particle i.
func (c *cloud) at(i int) []float64 { return c.states[i*c.size : (i+1)*c.size] }

// equalise makes all weights equal.
func (c *cloud) equalise() {
	c.equal = true
	for i := range c.weights {
		c.weights[i], c.logWeights[i] = 1/float64(c.n), -math.Log(float64(c.n))
	}
}

// forecast makes the particles of state t: draws of the initial law if t is 0,
// else one transition.
func (c *cloud) forecast(ctx context.Context, t int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.index = t
	c.each(c.advance)
	for group, failed := range c.failed {
		if failed {
			begin, end := c.bounds(group)
			return fmt.Errorf("%w: one of the particles %d to %d of %T is not finite at state %d: the model is unstable there (a shorter integration step may help)",
				ErrDiverged, begin, end-1, c.problem.Model, t)
		}
	}
	return nil
}

func (c *cloud) advanceGroup(worker, group int) {
	r := c.sources[worker].At(uint64(c.problem.Case), uint64(c.index), uint64(group)).Rand
	model := c.problem.Model
	begin, end := c.bounds(group)
	ok := true
	for i := begin; i < end; i++ {
		x := c.at(i)
		if c.index > 0 {
			model.Step(x, r)
		} else {
			initial(c.problem, i, x, r, model.SpinUp())
		}
		ok = ok && finite(x)
	}
	c.failed[group] = !ok
}

// weigh multiplies the weights by the likelihood of what was seen of state t and
// returns the log of their sum: log p(y | earlier).
func (c *cloud) weigh(t int, seen []observe.Observation) (float64, error) {
	c.seen = seen
	c.each(c.gain)
	return c.normalise(t)
}

func (c *cloud) weighGroup(worker, group int) {
	begin, end := c.bounds(group)
	for i := begin; i < end; i++ {
		for _, o := range c.seen {
			predicted := c.predicted[worker][:len(o.Values)]
			o.Operator.Apply(predicted, c.at(i))
			c.logWeights[i] += o.LogDensity(predicted)
		}
	}
}

// normalise normalises log weights that were changed for state t.
func (c *cloud) normalise(t int) (float64, error) {
	for i, l := range c.logWeights {
		if math.IsNaN(l) {
			return 0, fmt.Errorf("%w: the likelihood of state %d is NaN: the operator is not defined at %v", ErrDiverged, t, c.at(i))
		}
	}
	c.equal = false
	evidence := normalise(c.weights, c.logWeights)
	if math.IsInf(evidence, 0) {
		return 0, fmt.Errorf("%w: no particle explains the observations of state %d: check their values and standard deviations", ErrDiverged, t)
	}
	return evidence, nil
}

// estimate is what the particles say of state t.
func (c *cloud) estimate(t int, stage assimilate.Stage) assimilate.Estimate {
	clear(c.mean)
	clear(c.variance)
	for i, w := range c.weights {
		for j, x := range c.at(i) {
			c.mean[j] += w * x
		}
	}
	for i, w := range c.weights {
		for j, x := range c.at(i) {
			d := x - c.mean[j]
			c.variance[j] += w * d * d
		}
	}
	divisor := 1 - 1/ess(c.weights)
	if divisor < 1e-10 {
		divisor = 1
	}
	for j := range c.variance {
		c.variance[j] /= divisor
	}
	e := assimilate.Estimate{Stage: stage, Index: t, Mean: c.mean, Variance: c.variance, Ensemble: c.states}
	if !c.equal {
		e.Weights = c.weights
	}
	return e
}

// descend replaces the particles by copies of their ancestors, equally weighted.
func (c *cloud) descend(ancestors []int32) {
	for i, parent := range ancestors {
		copy(c.spare[i*c.size:(i+1)*c.size], c.at(int(parent)))
	}
	c.states, c.spare = c.spare, c.states
	c.equalise()
}

// anomalies writes the weighted anomalies of n rows of width values, whose
// squares sum to scale^2 times their unbiased covariance, to dst; mean is spare
// room for width values. If one particle has all the weight the anomalies are
// those of equal weights, which alone tell a scale.
func (c *cloud) anomalies(dst, rows, mean []float64, scale float64) {
	width := len(mean)
	even := ess(c.weights) < 1+1e-10
	squares := 0.0
	clear(mean)
	for i := range c.n {
		w := c.weightOr(i, even)
		squares += w * w
		for j, x := range rows[i*width : (i+1)*width] {
			mean[j] += w * x
		}
	}
	unbiased := 0.0 // a single particle has no anomalies
	if squares < 1 {
		unbiased = 1 / (1 - squares)
	}
	for i := range c.n {
		factor := scale * math.Sqrt(unbiased*c.weightOr(i, even))
		for j, x := range rows[i*width : (i+1)*width] {
			dst[i*width+j] = factor * (x - mean[j])
		}
	}
}

// weightOr is the weight of particle i, or 1/n if they are to count evenly.
func (c *cloud) weightOr(i int, even bool) float64 {
	if even {
		return 1 / float64(c.n)
	}
	return c.weights[i]
}

// bandwidth is Scott's rule for a kernel estimate of a density in so many
// dimensions from n draws, as a factor on the standard deviation.
func bandwidth(n, dimensions int) float64 {
	return math.Pow(float64(n), -1/float64(dimensions+4))
}
