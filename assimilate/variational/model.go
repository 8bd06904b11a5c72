package variational

import (
	"math/rand/v2"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/observe"
)

// flowing is a model whose transition is a known flow, noise aside.
type flowing interface {
	dynamics.Model
	Flow(x []float64)
}

// flowOf returns the model as one with a flow.
func flowOf(model dynamics.Model) (flowing, error) {
	flow, ok := model.(flowing)
	if !ok {
		return nil, fault.Inputf("kind: variational methods need a model whose flow without noise is known; %T (variable %q) has none", model, model.Space().Variable)
	}
	return flow, nil
}

// checkProblem refuses what no method can do.
func checkProblem(p *assimilate.Problem) error {
	if p.Length < 1 || p.Members < 1 {
		return fault.Inputf("variational: %d members of %d states: ask for at least one of each", p.Members, p.Length)
	}
	if err := p.Observations.Validate(p.Length, p.Model.Space()); err != nil {
		return fault.Inputf("variational: %w", err)
	}
	size := p.Model.Space().Size()
	if law := p.Initial; law != nil && (len(law.Mean) != size || len(law.Sd) != size) {
		return fault.Inputf("variational: the initial law has %d means and %d standard deviations for states of %d values", len(law.Mean), len(law.Sd), size)
	}
	if given := p.InitialEnsemble; given != nil && len(given) != p.Members*size {
		return fault.Inputf("variational: the initial ensemble has %d values: %d members of %d values have %d", len(given), p.Members, size, p.Members*size)
	}
	return nil
}

// mostDense is the number of values of the largest matrix that an analysis may hold,
// 1 GB.
const mostDense = 1 << 27

// checkDense refuses, besides, what would not fit in memory: analyses hold a row of
// the size of a state for each value seen of it.
func checkDense(p *assimilate.Problem) error {
	if err := checkProblem(p); err != nil {
		return err
	}
	most, _ := mostPresent(p.Observations)
	if size := p.Model.Space().Size(); most > mostDense/size {
		return fault.Inputf("variational: %d values are observed of a state of %d values: the analysis would need matrices of %d GB; observe fewer values of a state, or choose a method that works locally, such as letkf",
			most, size, 8*most*size>>30)
	}
	return nil
}

// initial draws state 0 into x: from the law of the problem if it gives one, else
// from that of the model.
func initial(p *assimilate.Problem, x []float64, r *rand.Rand) {
	if p.Initial != nil {
		for j, mean := range p.Initial.Mean {
			x[j] = mean + p.Initial.Sd[j]*r.NormFloat64()
		}
		return
	}
	p.Model.Initial(x, r)
	for range p.Model.SpinUp() {
		p.Model.Step(x, r)
	}
}

// of cuts the observations of state t off the front of a sequence.
func of(t int, rest []observe.Observation) (seen, later []observe.Observation) {
	n := 0
	for n < len(rest) && rest[n].Index == t {
		n++
	}
	return rest[:n], rest[n:]
}
