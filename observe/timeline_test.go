package observe_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/observe"
)

// timeline has states at 10, 10.025, ..., 11.6.
var timeline = observe.Timeline{Start: 10, Clock: dynamics.Clock{Interval: 0.025, Units: "1"}, Length: 65}

func TestEveryStateIsFoundAtItsTime(t *testing.T) {
	long := observe.Timeline{Start: -1e4, Clock: dynamics.Clock{Interval: 1.0 / 24, Units: "d"}, Length: 1 << 22}
	for _, line := range []observe.Timeline{timeline, long} {
		for i := 0; i < line.Length; i += 1 + line.Length/1000 {
			for _, shift := range []float64{0, 9e-4, -9e-4} {
				got, err := line.Index(line.Time(i) + shift*line.Clock.Interval)
				if err != nil || got != i {
					t.Fatalf("the state at %v is %d (%v): want %d", line.Time(i), got, err, i)
				}
			}
		}
	}
}

func TestTimesOffTheGridNameTheNearestState(t *testing.T) {
	for _, test := range []struct {
		time    float64
		nearest string
	}{
		{10.31, "nearest at 10.3"},
		{10.3251, "nearest at 10.325"},
		{9.975, "nearest at 10"},
		{11.625, "nearest at 11.6"},
		{1e300, "nearest at 11.6"},
		{-math.MaxFloat64, "nearest at 10"},
		{math.Inf(1), "nearest at 11.6"},
		{math.Inf(-1), "nearest at 10"},
		{math.NaN(), "time NaN"},
	} {
		_, err := timeline.Index(test.time)
		off, ok := errors.AsType[*observe.OffGridError](err)
		if !ok || !fault.IsInput(err) {
			t.Errorf("time %v: the error is %v: want an OffGridError marked as input", test.time, err)
			continue
		}
		if off.Time != test.time && !math.IsNaN(test.time) {
			t.Errorf("the error is about time %v: want %v", off.Time, test.time)
		}
		if !strings.Contains(err.Error(), test.nearest) {
			t.Errorf("%q does not contain %q", err, test.nearest)
		}
	}
	if _, err := (observe.Timeline{Clock: timeline.Clock}).Index(0); err == nil {
		t.Error("an empty trajectory has a state at 0")
	}
}

func TestStatesAreListed(t *testing.T) {
	for _, test := range []struct {
		name string
		list func() ([]int, error)
		want []int
	}{
		{"every 16th", func() ([]int, error) { return timeline.Every(16, 0) }, []int{0, 16, 32, 48, 64}},
		{"every 16th from 1", func() ([]int, error) { return timeline.Every(16, 1) }, []int{1, 17, 33, 49}},
		{"the last", func() ([]int, error) { return timeline.Every(1, 64) }, []int{64}},
		{"one far step", func() ([]int, error) { return timeline.Every(1000, 3) }, []int{3}},
		{"by index", func() ([]int, error) { return timeline.Listed([]int{7, 0, 64}) }, []int{0, 7, 64}},
		{"by time", func() ([]int, error) { return timeline.Indices([]float64{11.6, 10, 10.35}) }, []int{0, 14, 64}},
	} {
		got, err := test.list()
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%s: %v (%v): want %v", test.name, got, err, test.want)
		}
	}
}

func TestListsOfStatesNameTheKeyAtFault(t *testing.T) {
	for _, test := range []struct {
		name string
		list func() ([]int, error)
		want string
	}{
		{"every 0th", func() ([]int, error) { return timeline.Every(0, 0) }, "every: 0"},
		{"negative offset", func() ([]int, error) { return timeline.Every(2, -1) }, "offset: no state -1"},
		{"offset beyond", func() ([]int, error) { return timeline.Every(2, 65) }, "states are 0 to 64"},
		{"no index", func() ([]int, error) { return timeline.Listed(nil) }, "states: the list is empty"},
		{"index beyond", func() ([]int, error) { return timeline.Listed([]int{65}) }, "states: no state 65"},
		{"index twice", func() ([]int, error) { return timeline.Listed([]int{4, 1, 4}) }, "state 4 (time 10.1) is listed twice"},
		{"time off the grid", func() ([]int, error) { return timeline.Indices([]float64{10, 10.01}) }, "times: no state at time 10.01"},
		{"time twice", func() ([]int, error) { return timeline.Indices([]float64{10, 10.00001}) }, "times: state 0"},
	} {
		_, err := test.list()
		if err == nil || !fault.IsInput(err) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v: want an input error with %q", test.name, err, test.want)
		}
	}
}
