package trajectory_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"retrace/dynamics"
	"retrace/trajectory"
)

func growingLike() *trajectory.Set {
	return &trajectory.Set{
		Space: dynamics.Space{Variable: "state", Units: "1", Axes: []dynamics.Axis{{Name: "variable", Labels: []string{"x", "y", "z"}}}},
		Clock: dynamics.Clock{Interval: 0.5, Units: "1"}, Start: 10,
		Lead: []trajectory.Dimension{{Name: "member", Len: 2}},
	}
}

// counting are states from to end-1 of two members of three values.
func counting(from, end int) []float32 {
	var data []float32
	for m := range 2 {
		for t := from; t < end; t++ {
			for j := range 3 {
				data = append(data, float32(1e6*m+10*t+j))
			}
		}
	}
	return data
}

func TestAppendedStatesAreReadAsASet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.zarr")
	g, err := trajectory.Grow(path, growingLike(), 4, map[string]string{"title": "growing"})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ from, end int }{{0, 3}, {0, 4}, {4, 11}, {8, 2051}} {
		if err := g.Append(step.from, counting(step.from, step.end)); err != nil {
			t.Fatal(err)
		}
		set, err := trajectory.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if set.Length != step.end || g.Length() != step.end || set.Start != 10 || set.Clock.Interval != 0.5 {
			t.Errorf("%d states from %v every %v, want %d", set.Length, set.Start, set.Clock.Interval, step.end)
		}
		if !slices.Equal(set.Data, counting(0, step.end)) {
			t.Errorf("the values of %d states differ", step.end)
		}
	}
	if err := g.Truncate(8); err != nil {
		t.Fatal(err)
	}
	if set, err := trajectory.Load(path); err != nil || set.Length != 8 {
		t.Errorf("after Truncate: %v, %v", set, err)
	}
}

func ExampleGrow() {
	dir, _ := os.MkdirTemp("", "")
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "states.zarr")
	like := &trajectory.Set{
		Space: dynamics.Space{Variable: "x", Units: "1", Axes: []dynamics.Axis{{Name: "variable", Labels: []string{"x"}}}},
		Clock: dynamics.Clock{Interval: 1, Units: "1"},
	}
	store, err := trajectory.Grow(path, like, 2, nil)
	if err != nil {
		panic(err)
	}
	if err := store.Append(0, []float32{1, 2}); err != nil {
		panic(err)
	}
	so, _ := trajectory.Load(path)
	fmt.Println(so.Data)
	if err := store.Append(2, []float32{3}); err != nil {
		panic(err)
	}
	so, _ = trajectory.Load(path)
	fmt.Println(so.Data)
	// Output:
	// [1 2]
	// [1 2 3]
}
