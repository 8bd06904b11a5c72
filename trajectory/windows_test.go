package trajectory_test

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/trajectory"
)

// TestWindowsAreCutFromLongRuns compares with runs of one window.
func TestWindowsAreCutFromLongRuns(t *testing.T) {
	windows := trajectory.Plan{Count: 7, Length: 5, SpinUp: 11, Windows: 3, Gap: 4, Seed: 3, Purpose: "train"}
	cut := simulate(t, windows)
	long := windows
	long.Count, long.Windows, long.Length = 3, 0, 3*5+2*3
	whole := simulate(t, long)
	for i := range windows.Count {
		at := i % 3 * (5 - 1 + 4) * 2
		if want := whole.Trajectory(i / 3)[at : at+5*2]; !slices.Equal(cut.Trajectory(i), want) {
			t.Errorf("window %d is %v, the run has %v", i, cut.Trajectory(i), want)
		}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, workers := range []int{1, 4} {
		runtime.GOMAXPROCS(workers)
		few := windows
		few.Count = 5
		if !slices.Equal(simulate(t, few).Data, cut.Data[:5*5*2]) {
			t.Errorf("%d workers: fewer windows are other windows", workers)
		}
	}
}

func TestTransitionsAreCounted(t *testing.T) {
	for _, p := range []trajectory.Plan{
		{Count: 7, Length: 5, SpinUp: 11, Windows: 3, Gap: 4}, {Count: 6, Length: 1, Windows: 3, Gap: 1},
		{Count: 4, Length: 9, SpinUp: 2}, {Count: 2, Length: 3, Windows: 9, Gap: 2},
	} {
		last := 0
		_, err := trajectory.Simulate(t.Context(), walk{}, p, func(done, total int) {
			if total != p.Transitions() {
				t.Errorf("%+v: the total is %d, want %d", p, total, p.Transitions())
			}
			last = done
		})
		if err != nil || last != p.Transitions() {
			t.Errorf("%+v: %d transitions of %d, %v", p, last, p.Transitions(), err)
		}
	}
	if _, err := trajectory.Simulate(t.Context(), walk{}, trajectory.Plan{Count: 2, Length: 2, Windows: 2}, nil); !fault.IsInput(err) {
		t.Errorf("no gap: %v", err)
	}
}

// counter is a model whose trajectories count their steps, which a state, the
// number modulo ten, does not tell; it fails at a number.
type counter struct {
	walk
	fails int
}

var errTired = errors.New("tired of counting")

func (c counter) Begin(r *rand.Rand) dynamics.Stepper {
	return &count{counter: c, n: 10 * r.IntN(5)}
}
func (c counter) Continue(x []float64) dynamics.Stepper { return &count{counter: c, n: int(x[0])} }

type count struct {
	counter
	n int
}

func (c *count) State(x []float64) { x[0], x[1] = float64(c.n%10), float64(c.n) }

func (c *count) Advance(*rand.Rand) error {
	c.n++
	if c.n == c.fails {
		return fault.Input(errTired)
	}
	return nil
}

func TestTrajectoriesOfAModelWithMemoryAreItsStepper(t *testing.T) {
	s, err := trajectory.Simulate(t.Context(), counter{}, trajectory.Plan{Count: 3, Length: 30, SpinUp: 4}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		first := s.State(i, 0)[1]
		for step := range 30 {
			if got := s.State(i, step); got[1] != first+float32(step) || got[0] != float32(int(got[1])%10) {
				t.Fatalf("trajectory %d has %v after %d", i, got, step)
			}
		}
	}
	x := []float64{3, 0}
	if err := trajectory.Advance(t.Context(), counter{}, x, 20, nil); err != nil || x[0] != 3 || x[1] != 23 {
		t.Errorf("%v, %v", x, err)
	}
	if err := trajectory.Advance(t.Context(), counter{}, x, 0, nil); err != nil || x[1] != 23 {
		t.Errorf("no transition moves the state to %v, %v", x, err)
	}
	_, err = trajectory.Simulate(t.Context(), counter{fails: 60}, trajectory.Plan{Count: 3, Length: 100}, nil)
	if !errors.Is(err, errTired) || !fault.IsInput(err) || !strings.Contains(err.Error(), "trajectory 0, transition ") {
		t.Errorf("%v", err)
	}
}
