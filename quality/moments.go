package quality

// Moments in observation space. With members x^1..x^N of an ensemble and an
// operator h, a value is predicted as
//
//	m = mean of h(x^n),   s^2 = sum (h(x^n) - m)^2/(N-1),
//
// through the operator itself, not a linearisation of it.
//
// A posterior knows the value that it is compared with. For a Gaussian of variance
// v and mean m in observation space that has seen y with noise of variance r, the
// law without that value has
//
//	1/u = 1/v - 1/r,   n/u = m/v - y/r,
//
// which takes the value's own weight out again (the leave-one-out residual of
// linear regression).

import (
	"math"
	"reflect"

	"retrace/internal/parallel"
	"retrace/observe"
	"retrace/trajectory"
)

// Moments are the mean and the standard deviation that an ensemble gives each
// value of each observation of a sequence, in physical units, noise of the
// observation not included. NaN where nothing is known.
type Moments struct{ Mean, Sd [][]float64 }

func newMoments(s observe.Sequence) Moments {
	m := Moments{make([][]float64, len(s.Observations)), make([][]float64, len(s.Observations))}
	for k, o := range s.Observations {
		m.Mean[k], m.Sd[k] = make([]float64, len(o.Values)), make([]float64, len(o.Values))
	}
	return m
}

// Predict is what an ensemble of trajectories says of the values of a sequence:
// state o.Index of each trajectory, seen through the operator of o. The standard
// deviation of a single trajectory is 0. It panics if trajectories are shorter
// than the sequence.
func Predict(s observe.Sequence, ensemble *trajectory.Set) Moments {
	m := newMoments(s)
	scratch := newScratch(len(s.Observations), ensemble)
	parallel.Run(len(s.Observations), func(worker, k int) {
		o := s.Observations[k]
		if o.Index >= ensemble.Length {
			panic("quality: an observation of a state behind the end of the ensemble")
		}
		scratch[worker].moments(m.Mean[k], m.Sd[k], o.Operator, ensemble.Count(), func(i int) []float32 {
			return ensemble.State(i, o.Index)
		})
	})
	return m
}

// climatologyStates is how many states stand for a climatology: its standard
// deviations are then known to about 2 %.
const climatologyStates = 1024

// Climatology is what is said of the values of a sequence by states taken from
// anywhere in a set of trajectories: evenly spread over it, at most 1,024.
func Climatology(s observe.Sequence, training *trajectory.Set) Moments {
	m := newMoments(s)
	states := training.Count() * training.Length
	number := min(states, climatologyStates)
	var distinct []int // observations whose operator is the first of its kind
	like := make([]int, len(s.Observations))
	first := map[observe.Operator]int{}
	for k, o := range s.Observations {
		comparable := reflect.TypeOf(o.Operator).Comparable()
		if comparable {
			if at, known := first[o.Operator]; known {
				like[k] = at
				continue
			}
			first[o.Operator] = k
		}
		like[k] = k
		distinct = append(distinct, k)
	}
	scratch := newScratch(len(distinct), training)
	parallel.Run(len(distinct), func(worker, d int) {
		k := distinct[d]
		scratch[worker].moments(m.Mean[k], m.Sd[k], s.Observations[k].Operator, number, func(i int) []float32 {
			at := i * states / number
			return training.State(at/training.Length, at%training.Length)
		})
	})
	for k, at := range like {
		m.Mean[k], m.Sd[k] = m.Mean[at], m.Sd[at]
	}
	return m
}

// scratch holds a state in float64 and what is seen of it.
type scratch struct{ state, seen []float64 }

func newScratch(pieces int, set *trajectory.Set) []*scratch {
	workers := make([]*scratch, parallel.Workers(pieces))
	for i := range workers {
		workers[i] = &scratch{state: make([]float64, set.Space.Size())}
	}
	return workers
}

// moments accumulates n states by Welford's updates.
func (w *scratch) moments(mean, sd []float64, op observe.Operator, n int, state func(i int) []float32) {
	if cap(w.seen) < len(mean) {
		w.seen = make([]float64, len(mean))
	}
	seen := w.seen[:len(mean)]
	for i := range n {
		for j, x := range state(i) {
			w.state[j] = float64(x)
		}
		op.Apply(seen, w.state)
		for j, y := range seen {
			d := y - mean[j]
			mean[j] += d / float64(i+1)
			sd[j] += d * (y - mean[j])
		}
	}
	for j := range sd {
		sd[j] = math.Sqrt(sd[j] / float64(max(1, n-1)))
	}
}

// LeaveOneOut is what a posterior would say of each value had it not seen that
// value, if it is near Gaussian; posterior holds its moments, s the values that it
// has seen. Where the value was missing they stay as they are; where the posterior
// is not more certain than the value alone, so that nothing is left without it,
// they are NaN.
//
// A bad value spoils what is said of its neighbours. So judge twice: reject,
// assimilate what is left, and judge all values anew (from [Begin]) against what is
// said now, which brings back the neighbours that were rejected wrongly.
func LeaveOneOut(posterior Moments, s observe.Sequence) Moments {
	m := newMoments(s)
	for k, o := range s.Observations {
		for j, y := range o.Values {
			mean, v, r := posterior.Mean[k][j], square(posterior.Sd[k][j]), square(o.Sd[j])
			switch {
			case math.IsNaN(y):
				m.Mean[k][j], m.Sd[k][j] = mean, posterior.Sd[k][j]
			case v < r:
				// u(m/v - y/r), written so that it holds for v = 0.
				m.Mean[k][j], m.Sd[k][j] = (mean*r-y*v)/(r-v), math.Sqrt(v*r/(r-v))
			default:
				m.Mean[k][j], m.Sd[k][j] = math.NaN(), math.NaN()
			}
		}
	}
	return m
}

func square(x float64) float64 { return x * x }
