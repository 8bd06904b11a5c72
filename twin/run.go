package twin

import (
	"context"
	"errors"
	"fmt"

	"retrace/assimilate"
	"retrace/internal/fault"
)

// Contender is a method and the size of its ensemble.
type Contender struct {
	Method  assimilate.Method
	Members int
}

// Run lets a method assimilate the observations of a realisation and scores its
// estimates against the truth. A Sequential method is scored as it goes, in memory
// that does not grow with the run; of any other the whole ensemble is held, and
// its estimates count as smoothed.
//
// progress may be nil; it is called with the number of states done, from the
// calling goroutine. A method that fails gives a Record that says so; Run itself
// fails if ctx is cancelled or the method complains of its input.
func (e *Experiment) Run(ctx context.Context, r *Realisation, c Contender, progress func(done int)) (*Record, error) {
	s := newScorer(e, r, progress)
	err := s.watchAll(ctx, e.problem(r, c), c.Method)
	switch {
	case err == nil:
		s.finish()
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case fault.IsInput(err):
		return nil, err
	default:
		s.record.Divergence = err.Error()
	}
	return s.record, nil
}

// problem is what the method is told.
func (e *Experiment) problem(r *Realisation, c Contender) assimilate.Problem {
	return assimilate.Problem{
		Model: e.Model, Observations: r.Observations, Length: e.Length, Members: c.Members,
		Seed: r.Seed, Training: e.Training, Initial: r.Initial,
	}
}

// watchAll feeds every estimate of the method to the scorer.
func (s *scorer) watchAll(ctx context.Context, p assimilate.Problem, method assimilate.Method) error {
	if sequential, ok := method.(assimilate.Sequential); ok {
		return sequential.Cycle(ctx, p, s.watch)
	}
	result, err := method.Assimilate(ctx, p, func(done, total int) {
		s.advance(p.Length * done / max(total, 1))
	})
	if err != nil {
		return err
	}
	return s.whole(result)
}

// whole scores an ensemble of whole trajectories.
func (s *scorer) whole(result *assimilate.Result) error {
	set := result.Ensemble
	members, size := set.Count(), set.Space.Size()
	e := assimilate.Estimate{
		Stage: assimilate.Smoothed, Mean: make([]float64, size), Variance: make([]float64, size),
		Ensemble: make([]float64, members*size),
	}
	for _, e.Index = range s.counted {
		for m := range members {
			for j, v := range set.State(m, e.Index) {
				e.Ensemble[m*size+j] = float64(v)
			}
		}
		moments(&e)
		if err := s.watch(e); err != nil {
			return err
		}
	}
	return nil
}

// moments fills in mean and unbiased variance of the members; the variance of one
// is 0.
func moments(e *assimilate.Estimate) {
	size := len(e.Mean)
	members := len(e.Ensemble) / size
	for j := range size {
		var sum, squares float64
		for m := range members {
			sum += e.Ensemble[m*size+j]
		}
		e.Mean[j] = sum / float64(members)
		for m := range members {
			d := e.Ensemble[m*size+j] - e.Mean[j]
			squares += d * d
		}
		e.Variance[j] = squares / float64(max(1, members-1))
	}
}

// errNotFinite is why a run ends whose estimates have left the finite numbers.
var errNotFinite = errors.New("the estimate is not finite")

// watch scores one estimate.
func (s *scorer) watch(e assimilate.Estimate) error {
	for j, v := range e.Mean {
		if !finite(v) {
			return fmt.Errorf("%w: component %d of the %s of state %d is %v", errNotFinite, j, e.Stage, e.Index, v)
		}
	}
	if e.Stage == assimilate.Analysis {
		s.advance(e.Index + 1)
	}
	tally := &s.tallies[e.Stage]
	for tally.next < len(s.counted) && s.counted[tally.next] < e.Index {
		tally.next++
	}
	if tally.next < len(s.counted) && s.counted[tally.next] == e.Index {
		tally.next++
		return s.score(tally, &e)
	}
	return nil
}
