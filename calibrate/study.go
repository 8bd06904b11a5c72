package calibrate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/observe"
	"retrace/trajectory"
	"retrace/verify"
)

// Case is one trajectory drawn from the model and what is observed of it.
type Case struct {
	Truth []float32 // states x values, in physical units
	// Seen is given to the method, Withheld is not; Withheld may be empty.
	Seen, Withheld observe.Sequence
}

// Study is a set of independent cases, on which methods are assessed.
type Study struct {
	Model   dynamics.Model
	Length  int // states of a trajectory
	Members int // that a method draws for each case, at least 8
	Seed    int64
	// Level is the probability with which a method that draws from the posterior is
	// rejected, all its tests taken together.
	Level float64
	Cases []Case
	// Training is for methods that look at trajectories of the model; may be nil.
	Training *trajectory.Set
	// Gaussian says that posteriors are, which makes tests of the spread sharper.
	Gaussian bool

	scales    []float64 // of each value of a state
	functions []function
}

// New completes a study: it takes the scales of the values of a state from its
// cases, and chooses the functions to test. It needs a case at least.
func New(s Study) (*Study, error) {
	if len(s.Cases) == 0 || s.Members < 8 || s.Length < 2 {
		return nil, errors.New("calibrate: a study needs cases, trajectories of 2 states and ensembles of 8 members at least")
	}
	s.scales = scalesOf(s.Cases, s.Model.Space().Size())
	s.functions = chooseFunctions(&s)
	return &s, nil
}

// scalesOf is the standard deviation of each value of a state over cases and
// times; 1 where it does not vary.
func scalesOf(cases []Case, size int) []float64 {
	scales := make([]float64, size)
	for j := range scales {
		var count, sum, square float64
		for _, c := range cases {
			for i := j; i < len(c.Truth); i += size {
				x := float64(c.Truth[i])
				count, sum, square = count+1, sum+x, square+x*x
			}
		}
		scales[j] = math.Sqrt(max(0, square/count-sum/count*sum/count))
		if !(scales[j] > 0) {
			scales[j] = 1
		}
	}
	return scales
}

// Tests is the number of tests that a method has to pass.
func (s *Study) Tests() int {
	blank := newTally(s)
	return len(s.battery(blank))
}

// Needs is the number of cases with which a test of the spread finds ensembles
// whose standard deviation is ratio times the right one, with a power, in a family
// of so many tests at a level.
func Needs(power, level, ratio float64, tests int) int {
	return verify.SpreadCases(power, level/float64(max(1, tests)), ratio)
}

// Pilot measures the seconds that a method takes for one case.
func (s *Study) Pilot(ctx context.Context, m assimilate.Method) (float64, error) {
	start := time.Now()
	_, err := m.Assimilate(ctx, s.problem(0), nil)
	if errors.Is(err, assimilate.ErrDiverged) {
		err = nil
	}
	return time.Since(start).Seconds(), err
}

func (s *Study) problem(i int) assimilate.Problem {
	return assimilate.Problem{
		Model: s.Model, Observations: s.Cases[i].Seen, Length: s.Length, Members: s.Members,
		Seed: s.Seed, Case: i, Training: s.Training,
	}
}

// Assess lets a method assimilate every case and tests what it draws. A case that
// diverges is counted and fails the method. progress may be nil.
func (s *Study) Assess(ctx context.Context, name string, m assimilate.Method, progress func(done, total int)) (*Assessment, error) {
	t := newTally(s)
	start := time.Now()
	for i := range s.Cases {
		result, err := m.Assimilate(ctx, s.problem(i), nil)
		switch {
		case errors.Is(err, assimilate.ErrDiverged):
			t.diverged++
		case err != nil:
			return nil, fmt.Errorf("%s, case %d: %w", name, i, err)
		default:
			if err := t.add(i, result.Ensemble); err != nil {
				return nil, fmt.Errorf("%s, case %d: %w", name, i, err)
			}
			t.evaluations = result.Evaluations
		}
		if progress != nil {
			progress(i+1, len(s.Cases))
		}
	}
	return s.assessment(name, t, time.Since(start)), nil
}
