package trajectory_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"retrace/dynamics"
	"retrace/trajectory"
)

func TestViewsAreRowMajorPartsOfTheData(t *testing.T) {
	s := fields()
	if s.Count() != 6 || len(s.Data) != 6*4*12 {
		t.Fatalf("%d trajectories, %d values", s.Count(), len(s.Data))
	}
	// Member 1 of case 1 is trajectory 4.
	if v := s.Trajectory(4); len(v) != 48 || v[0] != 4*48 {
		t.Errorf("trajectory 4 has %d values from %v", len(v), v[0])
	}
	if v := s.State(4, 2); len(v) != 12 || v[0] != 4*48+2*12 {
		t.Errorf("state 2 of trajectory 4 has %d values from %v", len(v), v[0])
	}
	s.State(4, 2)[0] = -1
	if s.Data[4*48+2*12] != -1 {
		t.Error("a state is not a view")
	}
	if grown := append(s.State(0, 0), 7); s.Data[12] == 7 {
		t.Errorf("appending to a state reaches the next one: %v", grown)
	}
	if got := s.Times(); len(got) != 4 || got[0] != math.Pi || got[3] != math.Pi+1 {
		t.Errorf("times %v", got)
	}
	if got := strings.Join(s.Dimensions(), " "); got != "case member time layer y x" {
		t.Errorf("dimensions %s", got)
	}
	if got := s.Shape(); !slices.Equal(got, []int{2, 3, 4, 2, 2, 3}) {
		t.Errorf("shape %v", got)
	}
}

func TestSetWithoutLeadingDimensionIsOneTrajectory(t *testing.T) {
	s := trajectory.New(walkSpace, walk{}.Clock(), nil, 5)
	if s.Count() != 1 || len(s.Trajectory(0)) != 10 {
		t.Errorf("%d trajectories of %d values", s.Count(), len(s.Trajectory(0)))
	}
}

func TestEmptySetsPanic(t *testing.T) {
	for name, lead := range map[string][]trajectory.Dimension{
		"no trajectory": {{Name: "case", Len: 0}}, "negative": {{Name: "case", Len: -1}},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			trajectory.New(walkSpace, dynamics.Clock{}, lead, 3)
		})
	}
}

func TestCheckFiniteNamesThePlace(t *testing.T) {
	s := fields()
	if err := s.CheckFinite(); err != nil {
		t.Fatal(err)
	}
	s.State(4, 1)[6+3+2] = float32(math.Inf(-1))
	err := s.CheckFinite()
	if err == nil {
		t.Fatal("an infinite value passes")
	}
	for _, want := range []string{"q[layer=lower, y=333.333, x=0.2]", "-Inf", "4 (case 1, member 1)", "state 1", "time 3.47"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}
