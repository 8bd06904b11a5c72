package kalman

// The fixed-lag ensemble Kalman smoother (Evensen & van Leeuwen 2000): the
// transform that updates the members of a state by its observations updates
// those of earlier states too, by the covariances between times that the
// members have. A rotation must mix all of them by the same matrix, or the
// members lose their past; inflation is for the present state alone.

import (
	"cmp"
	"context"
	"fmt"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/observe"
)

// EnKS is a Filter, of any update without localisation, that corrects a state by
// the Lag analyses after its own. Its analysis is that of the filter.
//
// As a Method, trajectory k of the result is member k of the smoothed ensemble
// at each state.
type EnKS struct {
	Filter `toml:",inline"`
	Lag    int `toml:"lag" doc:"analyses after its own that correct a state; 0 to 1000000"`
}

// Check reports the first parameter out of range, or that the update cannot
// work with the model or cannot smooth.
func (s *EnKS) Check(model dynamics.Model) error {
	return cmp.Or(s.Filter.Check(model), dynamics.CheckBetween("lag", s.Lag, 0, 1_000_000), checkReachesBack(s.Update))
}

func checkReachesBack(u Update) error {
	if !reachesBack(u) {
		return fault.Inputf("update = %q: has no transform that could correct earlier states: choose enkf, etkf, denkf, ensrf or enkf-n", u.kind())
	}
	return nil
}

// Cycle implements assimilate.Sequential. It holds the ensembles of the states
// within the lag. If the ensemble blows up the error is a *Divergence.
func (s *EnKS) Cycle(ctx context.Context, p assimilate.Problem, watch func(assimilate.Estimate) error) error {
	_, err := s.cycle(ctx, p, watch)
	return err
}

func (s *EnKS) cycle(ctx context.Context, p assimilate.Problem, watch func(assimilate.Estimate) error) (*cycle, error) {
	if err := s.Check(p.Model); err != nil {
		return nil, fmt.Errorf("enks: %w", err)
	}
	c, err := newCycle("enks", s.Filter, p)
	if err != nil {
		return nil, err
	}
	window := &lagWindow{lag: s.Lag, report: newReporter(c.size, watch)}
	err = c.run(ctx, func(stage assimilate.Stage, seen []observe.Observation) error { return window.visit(c, stage, seen) })
	if err == nil {
		err = window.release(p.Length)
	}
	if err != nil {
		return nil, fmt.Errorf("enks, case %d: %w", p.Case, err)
	}
	return c, nil
}

// Assimilate runs the smoother. Evaluations counts model steps per member; the
// result tells the InnovationRatio.
func (s *EnKS) Assimilate(ctx context.Context, p assimilate.Problem, progress func(done, total int)) (*assimilate.Result, error) {
	r, err := newRecorder(p, assimilate.Smoothed, progress)
	if err != nil {
		return nil, err
	}
	c, err := s.cycle(ctx, p, r.watch)
	if err != nil {
		return nil, err
	}
	return r.result(c.forecast.steps, c.innovationSums), nil
}

// lagWindow holds the ensembles of the states that later observations still
// correct.
type lagWindow struct {
	lag       int
	report    *reporter
	first     int         // state of ensembles[0]
	ensembles [][]float64 // of consecutive states
	analyses  []int       // the last lag states that had one
	spare     [][]float64
}

// visit sends the estimates of a stage, and keeps the ensemble for later.
func (w *lagWindow) visit(c *cycle, stage assimilate.Stage, seen []observe.Observation) error {
	if err := w.report.ensemble(stage, c.state, c.ensemble); err != nil {
		return err
	}
	if stage == assimilate.Forecast {
		c.earlier = w.ensembles
		return nil
	}
	w.keep(c.ensemble)
	if observe.Count(seen) > 0 {
		w.analyses = append(w.analyses, c.state)
	}
	switch extra := len(w.analyses) - w.lag; {
	case w.lag == 0:
		return w.release(c.state + 1)
	case extra > 0:
		w.analyses = w.analyses[:copy(w.analyses, w.analyses[extra:])]
		fallthrough
	case extra == 0: // the next analysis reaches back to the first of these
		return w.release(w.analyses[0])
	}
	return nil
}

// keep copies the ensemble of the present state into the window.
func (w *lagWindow) keep(ensemble []float64) {
	var room []float64
	if n := len(w.spare); n > 0 {
		room, w.spare = w.spare[n-1], w.spare[:n-1]
	}
	w.ensembles = append(w.ensembles, append(room[:0], ensemble...))
}

// release sends the smoothed ensembles of the states before end.
func (w *lagWindow) release(end int) error {
	done := min(end-w.first, len(w.ensembles))
	for i, ensemble := range w.ensembles[:done] {
		if err := w.report.ensemble(assimilate.Smoothed, w.first+i, ensemble); err != nil {
			return err
		}
		w.spare = append(w.spare, ensemble)
	}
	w.ensembles = w.ensembles[:copy(w.ensembles, w.ensembles[done:])]
	w.first += done
	return nil
}
