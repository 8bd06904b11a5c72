// The bootstrap filter. With normalised weights w_i before an observation y of
// state t,
//
//	v_i = w_i p(y | x_i),  p(y | earlier) ~ sum_i v_i,  w_i <- v_i / sum v,
//
// and the log evidence is the sum of log p(y | earlier). The particles and
// weights of every state are kept, as they were before resampling, for the
// smoother.

package particle

import (
	"context"
	"fmt"
	"math"

	"retrace/assimilate"
	"retrace/internal/parallel"
	"retrace/internal/rng"
	"retrace/observe"
)

// blockSize is the number of particles that share a random stream: a unit of
// parallel work, whatever the number of workers.
const blockSize = 1024

type filter struct {
	method  Method
	problem assimilate.Problem
	spinUp  int
	size    int // values of a state

	states     [][]float64 // of each state: particles x size
	weights    [][]float64 // of each state, normalised, before resampling
	logWeights []float64   // normalised, of the current state
	uniform    []float64   // equal weights
	// ancestors[t][i] is the particle of state t-1 that particle i of state t
	// stems from; nil where every particle stems from its namesake.
	ancestors [][]int32

	logEvidence, minimumESS float64

	sources   []*rng.Source // one a worker
	predicted [][]float64   // one a worker: noise-free observations
}

func newFilter(m Method, p assimilate.Problem) *filter {
	f := &filter{
		method: m, problem: p, spinUp: m.SpinUp, size: p.Model.Space().Size(),
		states: make([][]float64, p.Length), weights: make([][]float64, p.Length),
		ancestors:  make([][]int32, p.Length),
		logWeights: make([]float64, m.Particles), uniform: make([]float64, m.Particles),
		minimumESS: float64(m.Particles),
		sources:    make([]*rng.Source, parallel.Workers(blocks(m.Particles))),
	}
	switch {
	case p.Initial != nil:
		f.spinUp = 0
	case f.spinUp < 0:
		f.spinUp = min(defaultSpinUp, p.Model.SpinUp())
	}
	for i := range f.uniform {
		f.uniform[i] = 1 / float64(m.Particles)
	}
	f.equalise()
	most := 0
	for _, o := range p.Observations.Observations {
		most = max(most, len(o.Values))
	}
	for w := range f.sources {
		f.sources[w] = rng.NewSource(p.Seed, "particle/forward")
		f.predicted = append(f.predicted, make([]float64, most))
	}
	return f
}

func blocks(particles int) int { return (particles + blockSize - 1) / blockSize }

// state returns particle i of state t.
func (f *filter) state(t, i int) []float64 { return f.states[t][i*f.size : (i+1)*f.size] }

// run filters all states, calling tick after each.
func (f *filter) run(ctx context.Context, tick func()) error {
	observations := f.problem.Observations.Observations
	for t := range f.problem.Length {
		if t > 0 {
			f.resample(t)
		}
		if err := f.advance(ctx, t); err != nil {
			return err
		}
		seen := 0
		for seen < len(observations) && observations[seen].Index == t {
			seen++
		}
		if err := f.weigh(ctx, t, observations[:seen]); err != nil {
			return err
		}
		observations = observations[seen:]
		tick()
	}
	return nil
}

// resample chooses the ancestors of state t if the weights have become uneven.
func (f *filter) resample(t int) {
	weights := f.weights[t-1]
	if ess(weights) >= float64(len(weights))/2 {
		return
	}
	u := rng.Stream(f.problem.Seed, "particle/resampling", uint64(f.problem.Case), f.method.Stream, uint64(t)).Float64()
	f.ancestors[t] = make([]int32, len(weights))
	systematic(f.ancestors[t], weights, u)
	f.equalise()
}

// equalise makes all weights equal.
func (f *filter) equalise() {
	for i := range f.logWeights {
		f.logWeights[i] = -math.Log(float64(len(f.logWeights)))
	}
}

// advance makes the particles of state t: from the initial law if t is 0, else
// by one transition.
func (f *filter) advance(ctx context.Context, t int) error {
	model := f.problem.Model
	f.states[t] = make([]float64, f.method.Particles*f.size)
	return f.eachBlock(ctx, func(worker, block, begin, end int) error {
		r := f.sources[worker].At(uint64(f.problem.Case), f.method.Stream, uint64(t), uint64(block)).Rand
		for i := begin; i < end; i++ {
			x := f.state(t, i)
			if t == 0 {
				initial(&f.problem, i, x, r, f.spinUp)
			} else {
				copy(x, f.state(t-1, f.parent(t, i)))
				model.Step(x, r)
			}
			if !finite(x) {
				return errNotFinite(model, t)
			}
		}
		return nil
	})
}

// parent is the particle of state t-1 that particle i of state t stems from.
func (f *filter) parent(t, i int) int {
	if f.ancestors[t] == nil {
		return i
	}
	return int(f.ancestors[t][i])
}

// weigh sets the weights of state t, multiplied by the likelihood of what was
// seen of it.
func (f *filter) weigh(ctx context.Context, t int, seen []observe.Observation) error {
	if len(seen) == 0 {
		f.weights[t] = f.uniform
		if t > 0 && f.ancestors[t] == nil {
			f.weights[t] = f.weights[t-1]
		}
		return nil
	}
	err := f.eachBlock(ctx, func(worker, _, begin, end int) error {
		for i := begin; i < end; i++ {
			for _, o := range seen {
				predicted := f.predicted[worker][:len(o.Values)]
				o.Operator.Apply(predicted, f.state(t, i))
				f.logWeights[i] += o.LogDensity(predicted)
			}
			if math.IsNaN(f.logWeights[i]) {
				return fmt.Errorf("%w: the likelihood of state %d is NaN: the operator is not defined at %v", ErrDiverged, t, f.state(t, i))
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	f.weights[t] = make([]float64, len(f.logWeights))
	evidence := normalise(f.weights[t], f.logWeights)
	if math.IsInf(evidence, 0) {
		return fmt.Errorf("%w: no particle explains the observations of state %d: check their values and standard deviations", ErrDiverged, t)
	}
	f.logEvidence += evidence
	f.minimumESS = min(f.minimumESS, ess(f.weights[t]))
	return nil
}

// eachBlock runs work on the blocks of particles.
func (f *filter) eachBlock(ctx context.Context, work func(worker, block, begin, end int) error) error {
	return parallel.For(ctx, blocks(f.method.Particles), func(worker, block int) error {
		begin := block * blockSize
		return work(worker, block, begin, min(begin+blockSize, f.method.Particles))
	})
}

func finite(x []float64) bool {
	for _, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
