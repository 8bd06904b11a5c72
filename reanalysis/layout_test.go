package reanalysis_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"retrace/internal/fault"
	"retrace/reanalysis"
)

// Whatever the layout: every state is kept once, in order; windows depend on such as have
// no part in a circle; what a window sees and keeps is in its span; it is conditioned on
// states that its neighbours keep.
func TestWindowsKeepEveryStateOnce(t *testing.T) {
	for _, join := range reanalysis.Joins() {
		for length := 1; length < 40; length++ {
			for keep := 1; keep < 9; keep++ {
				for lag := range 4 {
					l := reanalysis.Layout{Join: join, Keep: keep, HandOver: max(1, keep/2), Lag: lag}
					if err := l.Check(); err != nil {
						t.Fatal(err)
					}
					checkWindows(t, l, length)
				}
			}
		}
	}
}

func checkWindows(t *testing.T, l reanalysis.Layout, length int) {
	t.Helper()
	windows := l.Windows(length)
	next := 0
	for k, w := range windows {
		inside := func(s reanalysis.Span) bool { return s.First >= w.Span.First && s.End <= w.Span.End && s.Len() > 0 }
		if w.Index != k || w.Kept.First != next || w.Kept.Len() < 1 || !inside(w.Kept) || !inside(w.Seen) || w.Span.First < 0 || w.Span.End > length {
			t.Fatalf("%+v of %d states: window %+v after state %d", l, length, w, next)
		}
		next = w.Kept.End
		for _, n := range w.Needs {
			if l.Join == reanalysis.Sequential && n != k-1 || l.Join == reanalysis.Independent && len(windows[n].Needs) > 0 {
				t.Fatalf("%+v: window %d needs window %d", l, k, n)
			}
		}
		if len(w.Needs) > 0 && w.Span.First < windows[w.Needs[0]].Kept.First {
			t.Fatalf("%+v: window %d begins before what window %d keeps", l, k, w.Needs[0])
		}
		if len(w.Needs) == 2 && w.Span.End > windows[w.Needs[1]].Kept.End {
			t.Fatalf("%+v: window %d ends behind what window %d keeps", l, k, w.Needs[1])
		}
	}
	if next != length {
		t.Fatalf("%+v: %d of %d states are kept", l, next, length)
	}
}

func TestLayoutsThatCannotBeAreInputErrors(t *testing.T) {
	for _, l := range []reanalysis.Layout{
		{Join: "sequential", Keep: 0, HandOver: 1},
		{Join: "sequential", Keep: 4, HandOver: 0},
		{Join: "sequential", Keep: 4, HandOver: 5},
		{Join: "sequential", Keep: 4, HandOver: 1, Lag: -1},
		{Join: "other", Keep: 4, HandOver: 1},
	} {
		if err := l.Check(); !fault.IsInput(err) {
			t.Errorf("%+v: %v", l, err)
		}
	}
}

// Windows of ten states that share four, two of them handed over.
func ExampleLayout() {
	l := reanalysis.Layout{Join: reanalysis.Independent, Keep: 6, HandOver: 2, Lag: 2}
	for _, w := range l.Windows(18) {
		fmt.Printf("window %d keeps %d-%d, is computed on %d-%d, needs %v\n", w.Index, w.Kept.First, w.Kept.End-1, w.Span.First, w.Span.End-1, w.Needs)
	}
	// Output:
	// window 0 keeps 0-5, is computed on 0-7, needs []
	// window 1 keeps 6-11, is computed on 4-13, needs [0 2]
	// window 2 keeps 12-17, is computed on 10-17, needs []
}

func FuzzReadPlan(f *testing.F) {
	f.Add([]byte(`{"run":"a","key":"b","length":4,"keep":2,"members":3,"jobs":[]}`))
	f.Add([]byte(`{"length":1,"keep":1,"members":1,"jobs":[{"index":0,"needs":[0],"fingerprint":"x"}]}`))
	f.Add([]byte(`{"jobs":[{"index":1}]}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "plan.json"), text, 0o666); err != nil {
			t.Fatal(err)
		}
		plan, err := reanalysis.ReadPlan(dir)
		if err != nil {
			if !fault.IsInput(err) {
				t.Errorf("not an input error: %v", err)
			}
			return
		}
		for _, j := range plan.Jobs {
			for _, n := range j.Needs {
				_ = plan.Jobs[n]
			}
		}
	})
}
