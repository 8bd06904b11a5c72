package assimilate

import (
	"context"

	"retrace/internal/fault"
	"retrace/trajectory"
)

// Climatology is the Method that ignores the observations: each member is a
// window of Problem.Training, its trajectory and its start drawn uniformly,
// with replacement. Its scores are the floor that any method must beat. Member
// k depends on seed, case and k alone.
type Climatology struct{}

// Assimilate draws the windows. It costs no Evaluations. The error tells if
// there are no training trajectories, or only shorter ones than the problem's.
func (Climatology) Assimilate(ctx context.Context, p Problem, progress func(done, total int)) (*Result, error) {
	training := p.Training
	if err := checkTraining(training, p); err != nil {
		return nil, err
	}
	size := training.Space.Size()
	width := p.Length * size
	set := &trajectory.Set{
		Space: training.Space, Clock: training.Clock, Length: p.Length,
		Lead: []trajectory.Dimension{{Name: "member", Len: p.Members}},
		Data: make([]float32, 0, p.Members*width),
	}
	for k, first := range drawWindows(p) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		set.Data = append(set.Data, training.Data[first*size:][:width]...)
		if progress != nil {
			progress(k+1, p.Members)
		}
	}
	return &Result{Ensemble: set}, nil
}

func checkTraining(training *trajectory.Set, p Problem) error {
	switch {
	case training == nil || len(training.Data) == 0:
		return fault.Inputf("climatology needs training trajectories: there are none")
	case p.Length < 1 || p.Members < 1:
		return fault.Inputf("climatology: %d members of %d states: ask for at least one of each", p.Members, p.Length)
	case training.Length < p.Length:
		return fault.Inputf("climatology: trajectories of %d states were asked for, but those for training have %d: make them longer", p.Length, training.Length)
	}
	return nil
}
