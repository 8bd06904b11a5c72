package assimilate

import (
	"context"
	"fmt"

	"retrace/internal/fault"
	"retrace/observe"
	"retrace/trajectory"
)

// A prior over trajectories of any length serves as filter, smoother of fixed lag and
// forecast, with the same weights: what differs is which observations a state is drawn
// from. The law p(x_i | y_1..y_{i+lag}) is a marginal of that of the trajectory that ends
// with state i + lag, and so
//
//   - a block of states is drawn as a part of the trajectory that ends lag states after it,
//     given the observations that lie on it: lag 0 is a filter, block by block;
//   - the trajectory begins so many states before the block that earlier observations
//     have no say, the history;
//   - states that end a trajectory without observations are a forecast from the posterior.
//
// Nothing but the posterior of Score is used, and no sample of an earlier block, which
// would have to be weighed anew by the observations of the later ones. The price is that
// a block costs as much as its history, and that the members of different blocks are
// draws of different laws: a member is a trajectory within a block, and a list of
// estimates beyond.

// Online draws the states of a trajectory from the observations up to a lag after them.
type Online struct {
	Score *Score
	// Lag is the number of states after a block whose observations it is drawn from;
	// below 0, all of them: the smoother, in one piece.
	Lag int
	// Block is the number of states drawn together, at least 1.
	Block int
	// History is the number of states before a block that are drawn with it and dropped;
	// 0: all of them.
	History int
	// Forecast is the number of states at the end of a trajectory whose observations are
	// not used.
	Forecast int
}

// Part is one block of the states of a problem: the problem whose states Skip to
// Skip+Count are the states First to First+Count of the whole.
type Part struct {
	Problem            Problem
	First, Skip, Count int
}

// Parts lists the blocks of a problem in the order of time.
func (o *Online) Parts(p Problem) ([]Part, error) {
	if o.Forecast < 0 || o.Forecast >= p.Length {
		return nil, fault.Inputf("forecast = %d: must be at least 0 and less than the %d states", o.Forecast, p.Length)
	}
	p.Observations = cut(p.Observations, 0, p.Length-o.Forecast)
	if o.Lag < 0 {
		return []Part{{Problem: p, Count: p.Length}}, nil
	}
	if o.Block < 1 || o.History < 0 {
		return nil, fault.Inputf("block = %d, history = %d: a block has a state or more, a history none or more", o.Block, o.History)
	}
	var parts []Part
	seen := p.Length - o.Forecast
	for first := 0; first < p.Length; {
		count := min(o.Block, p.Length-first)
		if first+count >= seen { // the forecast belongs to the last block
			count = p.Length - first
		}
		begin := 0
		if o.History > 0 {
			begin = max(0, first-o.History)
		}
		end := min(p.Length, first+count+o.Lag)
		part := Part{Problem: p, First: first, Skip: first - begin, Count: count}
		part.Problem.Length = end - begin
		part.Problem.Observations = cut(p.Observations, begin, end)
		parts = append(parts, part)
		first += count
	}
	return parts, nil
}

// cut takes the observations of states begin to end, the end excluded, and counts states
// from begin.
func cut(s observe.Sequence, begin, end int) observe.Sequence {
	var kept []observe.Observation
	for _, seen := range s.Observations {
		if seen.Index >= begin && seen.Index < end {
			seen.Index -= begin
			kept = append(kept, seen)
		}
	}
	return observe.Sequence{Observations: kept}
}

// Assimilate implements Method. Diagnostics and notes are those of the last block; the
// evaluations are those of all blocks together.
func (o *Online) Assimilate(ctx context.Context, p Problem, progress func(done, total int)) (*Result, error) {
	parts, err := o.Parts(p)
	if err != nil {
		return nil, err
	}
	space, clock, _ := o.Score.Prior.Describe()
	size := space.Size()
	all := &Result{Ensemble: trajectory.New(space, clock, []trajectory.Dimension{{Name: "member", Len: p.Members}}, p.Length)}
	for k, part := range parts {
		report := func(done, total int) {
			if progress != nil {
				const steps = 1000 // of a block
				progress(k*steps+steps*done/max(total, 1), len(parts)*steps)
			}
		}
		result, err := o.Score.Assimilate(ctx, part.Problem, report)
		if err != nil {
			return nil, fmt.Errorf("states %d to %d: %w", part.First, part.First+part.Count-1, err)
		}
		for member := range p.Members {
			from := result.Ensemble.Data[(member*part.Problem.Length+part.Skip)*size:][:part.Count*size]
			copy(all.Ensemble.Data[(member*p.Length+part.First)*size:], from)
		}
		all.Evaluations += result.Evaluations
		all.Diagnostics, all.Notes = result.Diagnostics, result.Notes
	}
	return all, nil
}

// Warning tells what is doubtful about sampler and guidance, as Score does.
func (o *Online) Warning(p Problem) (string, error) {
	parts, err := o.Parts(p)
	if err != nil {
		return "", err
	}
	return o.Score.Warning(parts[len(parts)-1].Problem)
}
