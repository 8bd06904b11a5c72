package exact_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"retrace/exact"
	"retrace/internal/fault"
	"retrace/scoresum"
	"retrace/trajectory"
)

// fitted is a small fitted prior of an autoregressive process.
func fitted(tb testing.TB) *exact.Prior {
	tb.Helper()
	plan := trajectory.Plan{Count: 20, Length: 32, Seed: 2, Purpose: "training"}
	training, err := trajectory.Simulate(tb.Context(), ar1(tb, 2, 0.8), plan, nil)
	if err != nil {
		tb.Fatal(err)
	}
	prior, err := exact.Fit(training, unit(2), 4)
	if err != nil {
		tb.Fatal(err)
	}
	return prior
}

// priors lists one of every kind.
func priors(tb testing.TB) map[string]*exact.Prior {
	tb.Helper()
	linear, err := exact.Linear(ar1(tb, 2, 0.8), unit(2))
	if err != nil {
		tb.Fatal(err)
	}
	windowed, err := fitted(tb).Windowed("centre", 4, 2)
	if err != nil {
		tb.Fatal(err)
	}
	return map[string]*exact.Prior{"linear": linear, "fitted": fitted(tb), "windowed": windowed}
}

func TestWhatIsSavedIsLoaded(t *testing.T) {
	model := ar1(t, 2, 0.8)
	for name, prior := range priors(t) {
		dir := t.TempDir()
		if err := prior.Save(dir); err != nil {
			t.Fatal(err)
		}
		again, err := exact.Load(dir, model)
		if err != nil {
			t.Fatal(err)
		}
		var means [2][]float32
		for i, p := range []*exact.Prior{prior, again} {
			d, err := p.Differentiable(9, 1, 1)
			if err != nil {
				t.Fatal(err)
			}
			x := make([]float32, d.Dim())
			x[3], x[7] = 1, -2
			means[i] = make([]float32, d.Dim())
			if err := d.Denoise(means[i], x, at(0.4)); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(means[0], means[1]) {
			t.Errorf("%s: the prior is another one after it was saved", name)
		}
	}
}

func TestPriorsOfAnotherModelAreInputErrors(t *testing.T) {
	dir := t.TempDir()
	if err := fitted(t).Save(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := exact.Load(dir, ar1(t, 3, 0.8)); !fault.IsInput(err) {
		t.Errorf("got %v", err)
	}
}

// Whatever a file holds, Load returns a prior or an input error.
func FuzzLoad(f *testing.F) {
	model := ar1(f, 2, 0.8)
	for _, prior := range priors(f) {
		dir := f.TempDir()
		if err := prior.Save(dir); err != nil {
			f.Fatal(err)
		}
		content, err := os.ReadFile(filepath.Join(dir, scoresum.WeightsName))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, scoresum.WeightsName), content, 0o666); err != nil {
			t.Fatal(err)
		}
		prior, err := exact.Load(dir, model)
		if err != nil {
			if !fault.IsInput(err) {
				t.Errorf("not an input error: %v", err)
			}
			return
		}
		if _, err := prior.Differentiable(6, 1, 1); err != nil {
			t.Logf("unusable: %v", err)
		}
	})
}
