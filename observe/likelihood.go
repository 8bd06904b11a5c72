package observe

// The log-likelihood of a trajectory x given the values y_k of states i_k with
// independent Gaussian noise, over the values that are present, is
//
//	log p(y|x) = sum_kj -(r_kj^2)/2 - log(sd_kj) - log(2 pi)/2,
//	r_kj = (y_kj - h_k(x_(i_k))_j)/sd_kj,
//
// and its gradient with respect to state i sums J_k(x_i)^T (r_k/sd_k) over the
// observations k of that state. Noise of another [Law] has a density of its own.

import (
	"fmt"
	"math"
)

var halfLogTwoPi = math.Log(2*math.Pi) / 2

// LogDensity is the log density of the values that are present, given the
// noise-free ones h(x): the weight of a particle at x. Constants are included.
func (o Observation) LogDensity(predicted []float64) float64 {
	if o.Law != nil {
		return o.Law.LogDensity(o.Values, predicted, o.Sd)
	}
	sum := 0.0
	for j, y := range o.Values {
		if math.IsNaN(y) {
			continue
		}
		r := (y - predicted[j]) / o.Sd[j]
		sum -= r*r/2 + math.Log(o.Sd[j]) + halfLogTwoPi
	}
	return sum
}

// Score writes the derivative of LogDensity with respect to the noise-free
// values, (y - h(x))/sd^2 of independent Gaussian noise, to dst; 0 for missing ones.
// dst may be predicted.
func (o Observation) Score(dst, predicted []float64) {
	if o.Law != nil {
		o.Law.Score(dst, o.Values, predicted, o.Sd)
		return
	}
	for j, y := range o.Values {
		if math.IsNaN(y) {
			dst[j] = 0
			continue
		}
		dst[j] = (y - predicted[j]) / o.Sd[j] / o.Sd[j]
	}
}

// Likelihood is p(y | x) of one Sequence as a function of whole trajectories:
// flat float32 arrays, one state after the other, in physical units. It owns
// scratch space and does not allocate: it is not safe for concurrent use.
type Likelihood struct {
	sequence    Sequence
	size        int // values of a state
	length      int // states up to the last one observed
	state, pull []float64
	predicted   []float64
}

// NewLikelihood returns the likelihood of a sequence. It panics if operators
// are for states of different sizes.
func NewLikelihood(s Sequence) *Likelihood {
	l := &Likelihood{sequence: s}
	most := 0
	for _, o := range s.Observations {
		size, values := o.Operator.Size()
		if l.size != 0 && size != l.size {
			panic("observe: operators of one sequence are for states of different sizes")
		}
		l.size, most, l.length = size, max(most, values), max(l.length, o.Index+1)
	}
	l.state, l.pull, l.predicted = make([]float64, l.size), make([]float64, l.size), make([]float64, most)
	return l
}

// Log is log p(y | trajectory), constants included and missing values skipped.
// It is NaN if a state that is observed is NaN.
func (l *Likelihood) Log(trajectory []float32) float64 {
	l.check(trajectory)
	sum := 0.0
	for _, o := range l.sequence.Observations {
		sum += o.LogDensity(l.predict(o, trajectory))
	}
	return sum
}

// Gradient writes the gradient of Log with respect to the trajectory to dst,
// of the same length, and returns Log. dst must not be the trajectory.
func (l *Likelihood) Gradient(dst, trajectory []float32) float64 {
	l.check(trajectory)
	if len(dst) != len(trajectory) {
		panic(fmt.Sprintf("observe: a gradient of %d values for a trajectory of %d", len(dst), len(trajectory)))
	}
	clear(dst)
	sum := 0.0
	for _, o := range l.sequence.Observations {
		predicted := l.predict(o, trajectory)
		sum += o.LogDensity(predicted)
		o.Score(predicted, predicted)
		o.Operator.VJP(l.pull, l.state, predicted)
		for i, g := range l.pull {
			dst[o.Index*l.size+i] += float32(g)
		}
	}
	return sum
}

// predict returns the noise-free values of an observation; l.state is left
// holding the state observed.
func (l *Likelihood) predict(o Observation, trajectory []float32) []float64 {
	for i, x := range trajectory[o.Index*l.size : (o.Index+1)*l.size] {
		l.state[i] = float64(x)
	}
	predicted := l.predicted[:len(o.Values)]
	o.Operator.Apply(predicted, l.state)
	return predicted
}

func (l *Likelihood) check(trajectory []float32) {
	if len(trajectory) < l.length*l.size {
		panic(fmt.Sprintf("observe: a trajectory of %d values is shorter than the %d states of %d values observed",
			len(trajectory), l.length, l.size))
	}
}
