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
	// Folder is where the outcome of every case is written down, so that an interrupted
	// study goes on; empty: nowhere. Key names what outcomes depend on besides the fields
	// above, such as the settings of the methods.
	Folder, Key string

	scales    []float64 // of each value of a state
	functions []function
	realisms  []realism
}

// New completes a study: it takes the scales of the values of a state from its
// cases, and chooses the functions to test. It needs a case at least.
func New(s Study) (*Study, error) {
	if len(s.Cases) == 0 || s.Members < 8 || s.Length < 2 {
		return nil, errors.New("calibrate: a study needs cases, trajectories of 2 states and ensembles of 8 members at least")
	}
	s.scales = scalesOf(s.Cases, s.Model.Space().Size())
	s.functions, s.realisms = chooseFunctions(&s), chooseRealisms(&s)
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

// Remaining estimates the seconds that a method takes for the cases that it has not done,
// from the first of them, which it does.
func (s *Study) Remaining(ctx context.Context, name string, m assimilate.Method) (float64, error) {
	l, err := s.ledger(name)
	if err != nil {
		return 0, err
	}
	if l == nil {
		start := time.Now()
		_, err := m.Assimilate(ctx, s.problem(0), nil)
		if errors.Is(err, assimilate.ErrDiverged) {
			err = nil
		}
		return time.Since(start).Seconds() * float64(len(s.Cases)), err
	}
	o := l.known(0)
	if o == nil {
		if o, err = s.try(ctx, m, 0); err == nil {
			err = l.keep(o)
		}
	}
	if err := errors.Join(err, l.close()); err != nil {
		return 0, err
	}
	return o.Seconds * float64(len(s.Cases)-max(1, len(l.done))), nil
}

func (s *Study) problem(i int) assimilate.Problem {
	return assimilate.Problem{
		Model: s.Model, Observations: s.Cases[i].Seen, Length: s.Length, Members: s.Members,
		Seed: s.Seed, Case: i, Training: s.Training,
	}
}

// Assess lets a method assimilate every case and tests what it draws. A case that
// diverges is counted and fails the method. Cases that a study with the same Folder has
// done before are not done again. progress may be nil.
func (s *Study) Assess(ctx context.Context, name string, m assimilate.Method, progress func(done, total int)) (*Assessment, error) {
	l, err := s.ledger(name)
	if err != nil {
		return nil, err
	}
	t := newTally(s)
	for i := range s.Cases {
		o := l.known(i)
		if o == nil {
			if o, err = s.try(ctx, m, i); err == nil {
				err = l.keep(o)
			}
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s, case %d: %w", name, i, err), l.close())
		}
		t.take(o)
		if progress != nil {
			progress(i+1, len(s.Cases))
		}
	}
	return s.assessment(name, t), l.close()
}

// try lets a method assimilate a case.
func (s *Study) try(ctx context.Context, m assimilate.Method, i int) (*outcome, error) {
	start := time.Now()
	result, err := m.Assimilate(ctx, s.problem(i), nil)
	if errors.Is(err, assimilate.ErrDiverged) {
		return &outcome{Case: i, Diverged: true, Seconds: time.Since(start).Seconds()}, nil
	}
	if err != nil {
		return nil, err
	}
	seconds := time.Since(start).Seconds()
	o, err := s.outcome(i, result.Ensemble)
	if err != nil {
		return nil, err
	}
	o.Evaluations, o.Seconds = result.Evaluations, seconds
	return o, nil
}
