package observe

import (
	"fmt"
	"math"
	"slices"

	"retrace/dynamics"
	"retrace/internal/fault"
)

// OffGridError is a physical time at which a trajectory has no state.
type OffGridError struct {
	Time     float64
	Timeline Timeline
}

// Error names the time, the times of the states and the nearest of them.
func (e *OffGridError) Error() string {
	t := e.Timeline
	if t.Length == 0 {
		return fmt.Sprintf("no state at time %v: the trajectory is empty", e.Time)
	}
	return fmt.Sprintf("no state at time %v: states are from %.10g to %.10g every %.10g, the nearest at %.10g",
		e.Time, t.Time(0), t.Time(t.Length-1), t.Clock.Interval, t.Time(t.nearest(e.Time)))
}

// timeTolerance is how far a time may be from a state, as a share of the
// sampling interval: wide enough for times printed with a few digits, far too
// narrow to take one state for another.
const timeTolerance = 1e-3

// Timeline places the states of a trajectory in time: state i is at
// Start + i*Clock.Interval.
type Timeline struct {
	Start  float64 // time of state 0, in Clock.Units
	Clock  dynamics.Clock
	Length int // number of states
}

// Time is the physical time of a state, in Clock.Units.
func (t Timeline) Time(index int) float64 { return t.Start + float64(index)*t.Clock.Interval }

// Index is the state at a physical time. A time that is further than 0.1 % of
// the sampling interval from every state is an input error, an *OffGridError.
func (t Timeline) Index(time float64) (int, error) {
	i := t.nearest(time)
	distance := math.Abs(time-t.Time(i)) / t.Clock.Interval
	if t.Length == 0 || !(distance <= timeTolerance) {
		return 0, fault.Input(&OffGridError{time, t})
	}
	return i, nil
}

// nearest is the state nearest to a time, and 0 for NaN.
func (t Timeline) nearest(time float64) int {
	position := math.Round((time - t.Start) / t.Clock.Interval)
	if !(position > 0) {
		return 0
	}
	return int(min(position, float64(t.Length-1)))
}

// Indices lists the states at irregular physical times, given in any order. A
// time off the grid, or a state named twice, is an input error.
func (t Timeline) Indices(times []float64) ([]int, error) {
	indices := make([]int, len(times))
	for k, time := range times {
		i, err := t.Index(time)
		if err != nil {
			return nil, fmt.Errorf("times: %w", err)
		}
		indices[k] = i
	}
	return t.ordered("times", indices)
}

// Every lists every n-th state from offset on. It is an input error if n is
// less than 1 or offset is not a state.
func (t Timeline) Every(n, offset int) ([]int, error) {
	if n < 1 {
		return nil, fault.Inputf("every: %d is less than 1: give the number of states from one observation to the next", n)
	}
	if offset < 0 || offset >= t.Length {
		return nil, fault.Inputf("offset: no state %d: states are 0 to %d", offset, t.Length-1)
	}
	indices := make([]int, 0, (t.Length-offset-1)/n+1)
	for i := offset; i < t.Length; i += n {
		indices = append(indices, i)
	}
	return indices, nil
}

// Listed checks states listed by index, in any order, and returns them sorted.
// A state that does not exist or is listed twice is an input error.
func (t Timeline) Listed(indices []int) ([]int, error) {
	for _, i := range indices {
		if i < 0 || i >= t.Length {
			return nil, fault.Inputf("states: no state %d: states are 0 to %d", i, t.Length-1)
		}
	}
	return t.ordered("states", slices.Clone(indices))
}

// ordered sorts indices and refuses repeated ones.
func (t Timeline) ordered(key string, indices []int) ([]int, error) {
	if len(indices) == 0 {
		return nil, fault.Inputf("%s: the list is empty: list at least one", key)
	}
	slices.Sort(indices)
	for k := 1; k < len(indices); k++ {
		if i := indices[k]; i == indices[k-1] {
			return nil, fault.Inputf("%s: state %d (time %v) is listed twice: list each state once", key, i, t.Time(i))
		}
	}
	return indices, nil
}
