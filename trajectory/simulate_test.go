package trajectory_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"retrace/internal/fault"
	"retrace/internal/rng"
	"retrace/trajectory"
)

func simulate(t *testing.T, p trajectory.Plan) *trajectory.Set {
	t.Helper()
	s, err := trajectory.Simulate(t.Context(), walk{}, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var plan = trajectory.Plan{Count: 12, Length: 40, SpinUp: 7, Seed: 3, Purpose: "train"}

func TestTrajectoryDependsOnItsNumberOnly(t *testing.T) {
	whole := simulate(t, plan)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, workers := range []int{1, 3, 8} {
		runtime.GOMAXPROCS(workers)
		if got := simulate(t, plan); !slices.Equal(got.Data, whole.Data) {
			t.Errorf("%d workers give other bytes", workers)
		}
	}
	few, short, late := plan, plan, plan
	few.Count = 5
	if got := simulate(t, few); !slices.Equal(got.Data, whole.Data[:len(got.Data)]) {
		t.Error("fewer trajectories are other trajectories")
	}
	short.Length = 9
	if got := simulate(t, short); !slices.Equal(got.Trajectory(11), whole.Trajectory(11)[:2*9]) {
		t.Error("shorter trajectories are other trajectories")
	}
	late.SpinUp += 4
	if got := simulate(t, late); !slices.Equal(got.Trajectory(3)[:2*36], whole.Trajectory(3)[2*4:]) {
		t.Error("a longer spin-up is not a later start")
	}
}

func TestStatesAreThoseOfTheModel(t *testing.T) {
	s := simulate(t, plan)
	r := rng.Stream(3, "train", 2)
	x := make([]float64, 2)
	walk{}.Initial(x, r)
	if err := trajectory.Advance(t.Context(), walk{}, x, plan.SpinUp+39, r); err != nil {
		t.Fatal(err)
	}
	if got := s.State(2, 39); got[0] != float32(x[0]) || got[1] != float32(x[1]) {
		t.Errorf("the last state is %v, stepping gives %v", got, x)
	}
	if s.Lead[0] != (trajectory.Dimension{Name: "case", Len: 12}) || s.Length != 40 || s.Start != 0 {
		t.Errorf("%v, length %d, start %v", s.Lead, s.Length, s.Start)
	}
	for name, other := range map[string]trajectory.Plan{
		"seed":    {Count: 1, Length: 2, Seed: 4, Purpose: "train"},
		"purpose": {Count: 1, Length: 2, Seed: 3, Purpose: "test"},
	} {
		same := trajectory.Plan{Count: 1, Length: 2, Seed: 3, Purpose: "train"}
		if slices.Equal(simulate(t, other).Data, simulate(t, same).Data) {
			t.Errorf("another %s gives the same trajectories", name)
		}
	}
}

func TestDivergenceIsReportedWhereItIsBorn(t *testing.T) {
	initial := func(i uint64) float64 { return rng.Stream(3, "train", i).NormFloat64() }
	first := uint64(0)
	for initial(first) <= 1 {
		first++
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, value := range []float64{math.NaN(), math.Inf(1), 1e39} {
		for _, workers := range []int{1, 4} {
			runtime.GOMAXPROCS(workers)
			// The spin-up of 7 is part of the 12 transitions.
			_, err := trajectory.Simulate(t.Context(), walk{blowUp: 12, value: value}, plan, nil)
			diverged, ok := errors.AsType[*trajectory.DivergedError](err)
			if !ok {
				t.Fatalf("value %g: %v", value, err)
			}
			if diverged.Trajectory != int(first) || diverged.Step != 12 {
				t.Errorf("value %g, %d workers: trajectory %d, step %d; want %d, 12",
					value, workers, diverged.Trajectory, diverged.Step, first)
			}
			for _, want := range []string{"trajectory_test.walk", "state[variable=position]", "smaller integration step", fmt.Sprintf("trajectory %d", first)} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		}
	}
	x := []float64{2, 0}
	err := trajectory.Advance(t.Context(), walk{blowUp: 3, value: math.NaN()}, x, 5, nil)
	if diverged, ok := errors.AsType[*trajectory.DivergedError](err); !ok || diverged.Step != 3 {
		t.Errorf("Advance: %v", err)
	}
}

func TestCancellationStopsTheSimulation(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	long := plan
	long.Length = 1 << 20
	reports := 0
	s, err := trajectory.Simulate(ctx, walk{}, long, func(done, total int) {
		reports++
		cancel()
	})
	if !errors.Is(err, context.Canceled) || s != nil {
		t.Errorf("after cancellation: %v", err)
	}
	if reports == 0 || reports > 100 {
		t.Errorf("%d reports before the simulation stopped", reports)
	}
}

func TestProgressRisesToTheTotal(t *testing.T) {
	for _, p := range []trajectory.Plan{
		plan, {Count: 3, Length: 2000, SpinUp: 100}, {Count: 1, Length: 2}, {Count: 2, Length: 257}, {Count: 2, Length: 256},
	} {
		last, want := 0, p.Count*(p.SpinUp+p.Length-1)
		_, err := trajectory.Simulate(t.Context(), walk{}, p, func(done, total int) {
			if done <= last || total != want {
				t.Errorf("%d of %d after %d", done, total, last)
			}
			last = done
		})
		if err != nil || last != want {
			t.Errorf("progress ended at %d of %d, %v", last, want, err)
		}
	}
}

func TestSenselessPlansAreInputErrors(t *testing.T) {
	for _, p := range []trajectory.Plan{
		{Count: 0, Length: 1}, {Count: 1, Length: 0}, {Count: 1, Length: 1, SpinUp: -1}, {Count: -1, Length: 1},
		{Count: 1, Length: 1, SpinUp: math.MaxInt}, {Count: math.MaxInt, Length: math.MaxInt}, {Count: 1 << 31, Length: 1 << 31},
	} {
		if _, err := trajectory.Simulate(t.Context(), walk{}, p, nil); !fault.IsInput(err) {
			t.Errorf("%+v: %v", p, err)
		}
	}
}
