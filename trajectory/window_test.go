package trajectory_test

import (
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"retrace/internal/fault"
	"retrace/trajectory"
)

func windows(t testing.TB, s *trajectory.Set, width int) *trajectory.Windows {
	t.Helper()
	w, err := trajectory.NewWindows(s, width, 5, "batch")
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWindowsAreAllStretchesOfATrajectory(t *testing.T) {
	s := fields()
	w := windows(t, s, 3)
	if w.Count() != 6*2 || w.Size() != 3*12 {
		t.Fatalf("%d windows of %d values", w.Count(), w.Size())
	}
	for i := range w.Count() {
		trajectory, start := i/2, i%2
		if got := w.At(i); len(got) != 36 || &got[0] != &s.State(trajectory, start)[0] {
			t.Errorf("window %d does not view state %d of trajectory %d", i, start, trajectory)
		}
	}
	if whole := windows(t, s, 4); whole.Count() != 6 || !slices.Equal(whole.At(5), s.Trajectory(5)) {
		t.Error("a window of the whole length is not the trajectory")
	}
}

func TestDrawsAreUniformOverWindows(t *testing.T) {
	s := fields()
	w := windows(t, s, 2)
	counts := make([]float64, w.Count())
	batch := make([]float32, 50*w.Size())
	const steps = 200
	for step := range steps {
		w.Draw(batch, step)
		for row := range 50 {
			first := int(batch[row*w.Size()]) / 12 // states count up through the set
			counts[first/4*3+first%4]++
		}
	}
	expected := 50.0 * steps / float64(w.Count())
	var chi2 float64
	for _, n := range counts {
		chi2 += (n - expected) * (n - expected) / expected
	}
	if p := (distuv.ChiSquared{K: float64(w.Count() - 1)}).Survival(chi2); p < 1e-4 {
		t.Errorf("counts %v are not uniform: p = %g", counts, p)
	}
}

func TestDrawIsAddressedByStep(t *testing.T) {
	w := windows(t, fields(), 2)
	draw := func(step, rows int) []float32 {
		batch := make([]float32, rows*w.Size())
		w.Draw(batch, step)
		return batch
	}
	a := draw(7, 16)
	draw(8, 3)
	if !slices.Equal(draw(7, 16), a) {
		t.Error("the draw of a step depends on what was drawn before")
	}
	if !slices.Equal(draw(7, 4), a[:4*w.Size()]) {
		t.Error("a row depends on the number of rows")
	}
	if slices.Equal(draw(8, 16), a) {
		t.Error("two steps have the same draw")
	}
}

func TestDrawDoesNotAllocate(t *testing.T) {
	w := windows(t, fields(), 2)
	batch := make([]float32, 8*w.Size())
	step := 0
	if n := testing.AllocsPerRun(100, func() {
		step++
		w.Draw(batch, step)
	}); n != 0 {
		t.Errorf("Draw allocates %v times", n)
	}
}

func TestWindowLongerThanTrajectoryIsAnInputError(t *testing.T) {
	for _, width := range []int{5, 0, -1} {
		if _, err := trajectory.NewWindows(fields(), width, 1, "batch"); !fault.IsInput(err) {
			t.Errorf("width %d: %v", width, err)
		}
	}
}
