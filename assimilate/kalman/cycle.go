package kalman

import (
	"context"
	"fmt"

	"retrace/assimilate"
	"retrace/internal/fault"
	"retrace/observe"
)

// cycle is an ensemble filter at work on one problem. Nothing in it is
// allocated after the first cycle.
type cycle struct {
	problem       assimilate.Problem
	update        Update
	members, size int
	most          int // values that a state is observed by, at most

	forecast *forecast
	seen     *innovation
	keep     *keeper
	analysis analysis

	state    int       // index of the present state
	ensemble []float64 // its members, row by row
	earlier  [][]float64
	innovationSums
}

// innovationSums accumulates, over all cycles, the squares of innovations in
// units of the noise and what spread and noise lead to expect of them.
type innovationSums struct{ squares, expected float64 }

// newCycle prepares a filter, which name calls in errors.
func newCycle(name string, f Filter, p assimilate.Problem) (*cycle, error) {
	if err := f.Check(p.Model); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := checkProblem(name, p, 2); err != nil {
		return nil, err
	}
	c := &cycle{
		problem: p, update: f.Update, members: p.Members, size: p.Model.Space().Size(),
		most: max(1, mostValues(p.Observations)), forecast: newForecast(p),
	}
	if dense := c.members * max(c.members, c.size); dense > mostValuesHeld {
		return nil, fault.Inputf("%s: %d members of %d components: matrices of %d values are too large; ask for fewer members", name, c.members, c.size, dense)
	}
	c.ensemble = make([]float64, c.members*c.size)
	c.seen = newInnovation(c.members, c.size, c.most)
	c.keep = newKeeper(f.Spread, c)
	var err error
	c.analysis, err = f.Update.begin(c)
	return c, err
}

// mostValuesHeld bounds the largest matrix to 8 GB.
const mostValuesHeld = 1 << 30

// start draws state 0.
func (c *cycle) start(ctx context.Context) error {
	c.state = 0
	return c.forecast.initial(ctx, c.ensemble)
}

// advance moves the ensemble to the next state.
func (c *cycle) advance(ctx context.Context) error {
	c.state++
	return c.forecast.advance(ctx, c.ensemble, c.state)
}

// assimilate updates the ensemble, and those of earlier states, by what was
// seen of its state.
func (c *cycle) assimilate(ctx context.Context, seen []observe.Observation) error {
	c.keep.beforeAnalysis(c)
	if err := c.seen.read(seen, c.ensemble); err != nil {
		return err
	}
	innovations, spread := c.seen.squares()
	c.add(innovations, spread, c.seen.count)
	if err := c.analysis.analyse(ctx, c); err != nil {
		return err
	}
	c.keep.learn(innovations, spread, float64(c.seen.count))
	c.keep.afterAnalysis(c)
	return checkMembers(c.ensemble, c.size, c.state)
}

// diverged is the error of an analysis that cannot be computed.
func (c *cycle) diverged() error { return &Divergence{State: c.state, Member: -1} }

// InnovationRatio is the Diagnostics entry of a filter that compares its
// innovations with what it expects of them: the sum of their squares, each in
// units of its noise, over the sum of the variances that spread and noise
// predict. It is about 1 for a consistent filter; far above 1, the filter
// has lost the truth and does not know.
const InnovationRatio = "innovation_ratio"

// add counts a cycle.
func (s *innovationSums) add(innovations, spread float64, p int) {
	s.squares += innovations
	s.expected += spread + float64(p)
}

// ratio is the InnovationRatio so far; 1 without observations.
func (s innovationSums) ratio() float64 {
	if s.expected == 0 {
		return 1
	}
	return s.squares / s.expected
}
