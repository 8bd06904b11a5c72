package twin

import (
	"fmt"
	"math"

	"retrace/assimilate"
)

// scorer compares the estimates of one run with its truth.
type scorer struct {
	*Experiment
	truth    []float64
	counted  []int // states whose estimates count
	tallies  [3]tally
	ranker   ranker
	record   *Record
	progress func(done int)
}

// tally adds up one stage.
type tally struct {
	next               int // position in counted
	rmse, spread       []float64
	squares, variances float64
	crps               float64
	lost               int // estimates far from the truth that claim to be near it
}

func newScorer(e *Experiment, r *Realisation, progress func(done int)) *scorer {
	s := &scorer{
		Experiment: e, truth: r.Truth, counted: e.counted(), progress: progress,
		record: &Record{Seed: r.Seed, Variability: r.Variability},
	}
	for i := range s.tallies {
		s.tallies[i].rmse = make([]float64, 0, len(s.counted))
		s.tallies[i].spread = make([]float64, 0, len(s.counted))
	}
	return s
}

func (s *scorer) advance(done int) {
	if s.progress != nil {
		s.progress(done)
	}
}

// score adds an estimate that counts to the tally of its stage. A variance that
// is not a number, as that of one member, counts as none.
func (s *scorer) score(t *tally, e *assimilate.Estimate) error {
	size := len(e.Mean)
	truth := s.truth[e.Index*size:][:size]
	var squares, variances float64
	for j, x := range truth {
		d := e.Mean[j] - x
		squares += d * d
		variances += e.Variance[j]
	}
	squares, variances = squares/float64(size), variances/float64(size)
	if !finite(squares) {
		return fmt.Errorf("%w: the error of the %s of state %d overflows", errNotFinite, e.Stage, e.Index)
	}
	if !finite(variances) {
		variances = 0
	}
	t.squares += squares
	t.variances += variances
	t.rmse = append(t.rmse, math.Sqrt(squares))
	t.spread = append(t.spread, math.Sqrt(variances))
	claims := variances > 0 || len(e.Ensemble) > size // others say nothing of their error
	if squares > s.record.Variability*s.record.Variability && claims && 4*variances < squares {
		t.lost++
	}
	if s.CRPS {
		t.crps += s.ranker.crps(e, truth)
	}
	s.record.Members = len(e.Ensemble) / size
	return nil
}

// finish turns the tallies into the statistics of the record.
func (s *scorer) finish() {
	stages := [...]**Statistics{&s.record.Forecast, &s.record.Analysis, &s.record.Smoothed}
	for i, stage := range stages {
		if len(s.tallies[i].rmse) > 0 {
			*stage = s.tallies[i].statistics(s.CRPS)
		}
	}
	main := &s.tallies[assimilate.Analysis]
	if s.record.Analysis == nil {
		main = &s.tallies[assimilate.Smoothed]
	}
	if len(main.rmse) > 0 {
		s.record.Divergence = main.divergence(s.record.Variability)
	}
}

// divergence says why a run that came to its end counts as diverged; see Record.
func (t *tally) divergence(variability float64) string {
	n := len(t.rmse)
	err := math.Sqrt(t.squares / float64(n))
	switch {
	case 10*t.lost > n:
		return fmt.Sprintf("lost the truth: at %d of %d estimates the error is more than twice the spread and more than the truth varies by (%.3g)", t.lost, n, variability)
	case err > 1.5*variability:
		return fmt.Sprintf("lost the truth: an error of %.3g is worse than that of a random state (the truth varies by %.3g)", err, variability)
	}
	return ""
}

func (t *tally) statistics(crps bool) *Statistics {
	n := float64(len(t.rmse))
	statistics := &Statistics{
		Estimates: len(t.rmse), RMSE: TimeMean(t.rmse), Spread: TimeMean(t.spread),
		MeanSquare: t.squares / n, Variance: t.variances / n,
	}
	if mean := t.crps / n; crps && finite(mean) {
		statistics.CRPS = &mean
	}
	return statistics
}
