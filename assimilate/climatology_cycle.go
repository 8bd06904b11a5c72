package assimilate

import (
	"context"

	"retrace/internal/rng"
)

// Cycle implements Sequential: forecast and analysis of each state are the windows'
// states, as in Assimilate.
func (Climatology) Cycle(ctx context.Context, p Problem, watch func(Estimate) error) error {
	if err := checkTraining(p.Training, p); err != nil {
		return err
	}
	windows := drawWindows(p)
	size := p.Training.Space.Size()
	e := Estimate{Mean: make([]float64, size), Variance: make([]float64, size), Ensemble: make([]float64, p.Members*size)}
	for e.Index = range p.Length {
		if err := ctx.Err(); err != nil {
			return err
		}
		for k, first := range windows {
			for j, v := range p.Training.Data[(first+e.Index)*size:][:size] {
				e.Ensemble[k*size+j] = float64(v)
			}
		}
		e.moments()
		for _, e.Stage = range []Stage{Forecast, Analysis} {
			if err := watch(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// drawWindows draws, for each member, the state of the training data (counted
// through all trajectories) at which its window starts.
func drawWindows(p Problem) []int {
	training := p.Training
	trajectories := len(training.Data) / (training.Length * training.Space.Size())
	source := rng.NewSource(p.Seed, "climatology")
	windows := make([]int, p.Members)
	for k := range windows {
		r := source.At(uint64(p.Case), uint64(k))
		windows[k] = r.IntN(trajectories)*training.Length + r.IntN(training.Length-p.Length+1)
	}
	return windows
}

// moments fills in the mean and the unbiased variance of members with equal
// weights; the variance of one is 0.
func (e *Estimate) moments() {
	size := len(e.Mean)
	members := float64(len(e.Ensemble) / size)
	clear(e.Mean)
	clear(e.Variance)
	for i, v := range e.Ensemble {
		e.Mean[i%size] += v / members
	}
	for i, v := range e.Ensemble {
		d := v - e.Mean[i%size]
		e.Variance[i%size] += d * d / max(1, members-1)
	}
}
