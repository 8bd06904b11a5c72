package trajectory

import (
	"fmt"
	"math"
	"strings"

	"retrace/dynamics"
)

// Dimension is a named leading dimension of a Set, such as "case" or "member".
type Dimension struct {
	Name string
	Len  int
}

// Set is a block of trajectories of one system in physical units.
type Set struct {
	Space  dynamics.Space
	Clock  dynamics.Clock
	Start  float64     // time of the first state, in Clock.Units
	Lead   []Dimension // outermost first; may be empty for one trajectory
	Length int         // states of a trajectory
	// Data is row-major: leading dimensions, time, axes of the space.
	Data []float32
}

// New returns a set of zeros that starts at time 0. It panics if a dimension
// is not positive.
func New(space dynamics.Space, clock dynamics.Clock, lead []Dimension, length int) *Set {
	s := &Set{Space: space, Clock: clock, Lead: lead, Length: length}
	if s.Count() < 1 || length < 1 || space.Size() < 1 {
		panic("trajectory: a dimension is not positive")
	}
	s.Data = make([]float32, s.Count()*s.stride())
	return s
}

// Count is the number of trajectories.
func (s *Set) Count() int {
	count := 1
	for _, d := range s.Lead {
		count *= d.Len
	}
	return count
}

// stride is the number of values of a trajectory.
func (s *Set) stride() int { return s.Length * s.Space.Size() }

// Trajectory is a view of trajectory i: Length states one after another.
func (s *Set) Trajectory(i int) []float32 {
	n := s.stride()
	return s.Data[i*n : (i+1)*n : (i+1)*n]
}

// State is a view of state t of trajectory i.
func (s *Set) State(i, t int) []float32 {
	n := s.Space.Size()
	return s.Trajectory(i)[t*n : (t+1)*n : (t+1)*n]
}

// Time is the time of state t in Clock.Units.
func (s *Set) Time(t int) float64 { return s.Start + float64(t)*s.Clock.Interval }

// Times lists the time of each state.
func (s *Set) Times() []float64 {
	times := make([]float64, s.Length)
	for t := range times {
		times[t] = s.Time(t)
	}
	return times
}

// Dimensions names the dimensions of Data, outermost first: the leading ones,
// "time", the axes of the space.
func (s *Set) Dimensions() []string {
	var names []string
	for _, d := range s.Lead {
		names = append(names, d.Name)
	}
	names = append(names, timeName)
	for _, a := range s.Space.Axes {
		names = append(names, a.Name)
	}
	return names
}

// Shape lists the lengths of Dimensions.
func (s *Set) Shape() []int {
	var shape []int
	for _, d := range s.Lead {
		shape = append(shape, d.Len)
	}
	shape = append(shape, s.Length)
	for _, a := range s.Space.Axes {
		shape = append(shape, a.Len())
	}
	return shape
}

// CheckFinite reports the first value that is NaN or infinite, by trajectory,
// time and component.
func (s *Set) CheckFinite() error {
	return s.checkValues(func(v float32) bool { return v-v == 0 })
}

// checkValues reports the first value that is not good.
func (s *Set) checkValues(good func(v float32) bool) error {
	for i, v := range s.Data {
		if !good(v) {
			trajectory, rest := i/s.stride(), i%s.stride()
			t, component := rest/s.Space.Size(), rest%s.Space.Size()
			return fmt.Errorf("%s is %v in trajectory %s at state %d (time %.6g)",
				componentName(s.Space, component), v, s.leadName(trajectory), t, s.Time(t))
		}
	}
	return nil
}

func isNaN(v float32) bool { return math.IsNaN(float64(v)) }

// leadName tells trajectory i by its indices, such as "7 (case 1, member 3)".
func (s *Set) leadName(i int) string {
	if len(s.Lead) == 0 {
		return fmt.Sprint(i)
	}
	parts := make([]string, len(s.Lead))
	rest := i
	for d := len(parts) - 1; d >= 0; d-- {
		parts[d] = fmt.Sprintf("%s %d", s.Lead[d].Name, rest%s.Lead[d].Len)
		rest /= s.Lead[d].Len
	}
	return fmt.Sprintf("%d (%s)", i, strings.Join(parts, ", "))
}

// componentName tells value i of a state by its place on each axis, such as
// "state[variable=x]".
func componentName(space dynamics.Space, i int) string {
	if len(space.Axes) == 0 {
		return space.Variable
	}
	parts := make([]string, len(space.Axes))
	for d := len(parts) - 1; d >= 0; d-- {
		axis := space.Axes[d]
		at := i % axis.Len()
		i /= axis.Len()
		if axis.Labels != nil {
			parts[d] = axis.Name + "=" + axis.Labels[at]
		} else {
			parts[d] = fmt.Sprintf("%s=%.6g", axis.Name, axis.Coordinates[at])
		}
	}
	return fmt.Sprintf("%s[%s]", space.Variable, strings.Join(parts, ", "))
}
