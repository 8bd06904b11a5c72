package twin

import (
	"math"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/observe"
	"retrace/trajectory"
)

// Experiment is all of a twin experiment but its seed and its method.
type Experiment struct {
	Model dynamics.Model
	// Initial is the law of the first state of truth and ensemble. Nil: that of
	// the model, advanced by its spin-up.
	Initial *Law
	// Scenario names the random draws of the observations.
	Scenario string
	// Layout says which states are observed, how and with which noise; its values
	// are ignored.
	Layout observe.Sequence
	Length int // states of a run, the first at time 0
	// Missing is the share in [0, 1) of the observed values that are missing.
	Missing float64
	// BurnIn is the time, in units of the model's clock, whose estimates do not
	// count.
	BurnIn float64
	// CRPS asks for the fair continuous ranked probability score, which needs the
	// members of every estimate sorted.
	CRPS bool
	// Training is what methods with a climatology learn from; nil if there is none.
	Training *trajectory.Set
}

// Law is a Gaussian law of states with independent components, in physical units.
type Law struct {
	// Mean has one number for each component. Nil: a state that the model, spun
	// up, draws anew for each seed, so that truth and ensemble start close to each
	// other somewhere on the attractor.
	Mean []float64
	Sd   []float64 // one number for each component, at least 0
}

// at is the law around a state.
func (l *Law) at(mean []float64) *assimilate.Normal {
	return &assimilate.Normal{Mean: mean, Sd: l.Sd}
}

// counted lists the observed states whose estimates count, by increasing index.
func (e *Experiment) counted() []int {
	observed := e.observed()
	step := e.Model.Clock().Interval
	if list := after(observed, step, e.BurnIn); len(list) > 0 {
		return list
	}
	return after(observed, step, step*float64(e.Length-1)/2)
}

// observed lists the states of the layout, each once.
func (e *Experiment) observed() []int {
	var list []int
	for _, o := range e.Layout.Observations {
		if n := len(list); n == 0 || list[n-1] != o.Index {
			list = append(list, o.Index)
		}
	}
	return list
}

// after lists the states later than a time; a state at that very time, to the
// rounding of its product, is not later.
func after(states []int, step, time float64) []int {
	for k, i := range states {
		if float64(i)-time/step > 1e-9*math.Max(1, float64(i)) {
			return states[k:]
		}
	}
	return nil
}
