package trajectory_test

import (
	"slices"
	"testing"

	"retrace/dynamics"
	"retrace/trajectory"
)

// numbered is a set whose trajectory i holds i everywhere.
func numbered(count int) *trajectory.Set {
	s := trajectory.New(walkSpace, dynamics.Clock{Interval: 1, Units: "s"}, []trajectory.Dimension{{Name: "case", Len: count}}, 3)
	for i := range count {
		for k := range s.Trajectory(i) {
			s.Trajectory(i)[k] = float32(i)
		}
	}
	return s
}

func TestSplitIsByTrajectoryInOrder(t *testing.T) {
	s := numbered(10)
	parts := s.Split(7, 2, 1)
	for i, want := range []struct {
		count int
		first float32
	}{{7, 0}, {2, 7}, {1, 9}} {
		if got := parts[i]; got.Count() != want.count || got.State(0, 2)[1] != want.first {
			t.Errorf("part %d: %d trajectories from %v", i, got.Count(), got.State(0, 2)[1])
		}
	}
	if parts[1].State(0, 0)[0] = -5; s.State(7, 0)[0] != -5 {
		t.Error("a part is not a view")
	}
	if s.Lead[0].Len != 10 {
		t.Error("the whole has shrunk")
	}
	two := fields().Slice(1, 2)
	if two.Count() != 3 || two.Data[0] != 3*48 || !slices.Equal(two.Shape(), []int{1, 3, 4, 2, 2, 3}) {
		t.Errorf("case 1: shape %v from %v", two.Shape(), two.Data[0])
	}
}

func TestShuffleIsAKeyedPermutation(t *testing.T) {
	order := func(s *trajectory.Set) []int {
		var numbers []int
		for i := range s.Count() {
			numbers = append(numbers, int(s.State(i, 1)[0]))
		}
		return numbers
	}
	s := numbered(20)
	a, again, b := order(s.Shuffled(1, "split")), order(s.Shuffled(1, "split")), order(s.Shuffled(2, "split"))
	if !slices.Equal(a, again) || slices.Equal(a, b) || slices.Equal(a, order(s)) {
		t.Errorf("orders %v, %v, %v", a, again, b)
	}
	slices.Sort(a)
	if !slices.Equal(a, order(s)) {
		t.Errorf("not a permutation: %v", a)
	}
}

func TestWrongPartsPanic(t *testing.T) {
	for name, f := range map[string]func(){
		"too few":    func() { numbered(5).Split(2, 2) },
		"too many":   func() { numbered(5).Split(4, 2) },
		"empty":      func() { numbered(5).Slice(2, 2) },
		"no leading": func() { trajectory.New(walkSpace, dynamics.Clock{}, nil, 2).Slice(0, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}
