package trajectory

import (
	"retrace/internal/fault"
	"retrace/internal/rng"
)

// Windows are the stretches of consecutive states of a set. They overlap: a
// trajectory of length L has L - width + 1 of them.
type Windows struct {
	set    *Set
	width  int
	each   int // windows of one trajectory
	source *rng.Source
}

// NewWindows makes the windows of width states of a set; seed and purpose
// address what Draw draws. It is an input error if a window is longer than a
// trajectory.
func NewWindows(set *Set, width int, seed int64, purpose string) (*Windows, error) {
	if width < 1 || width > set.Length {
		return nil, fault.Inputf("trajectory: a window of %d states does not fit trajectories of %d: choose a window of 1 to %d",
			width, set.Length, set.Length)
	}
	return &Windows{set, width, set.Length - width + 1, rng.NewSource(seed, purpose)}, nil
}

// Count is the number of windows.
func (w *Windows) Count() int { return w.set.Count() * w.each }

// Size is the number of values of a window: states times values of a state.
func (w *Windows) Size() int { return w.width * w.set.Space.Size() }

// At is a view of window i. Windows are numbered by trajectory, then by start.
func (w *Windows) At(i int) []float32 {
	first := i % w.each * w.set.Space.Size()
	return w.set.Trajectory(i / w.each)[first : first+w.Size()]
}

// Draw fills batch, rows of Size() values, with windows drawn uniformly and
// independently from all windows. The draw depends on seed, purpose and step;
// row k does not depend on the number of rows. It does not allocate and is not
// safe for concurrent use. It panics if batch is not a whole number of rows.
func (w *Windows) Draw(batch []float32, step int) {
	size := w.Size()
	if len(batch)%size != 0 {
		panic("trajectory: batch is not a whole number of windows")
	}
	w.source.At(uint64(step))
	for ; len(batch) > 0; batch = batch[size:] {
		copy(batch, w.At(w.source.IntN(w.Count())))
	}
}
