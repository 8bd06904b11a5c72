package figure_test

import (
	"maps"
	"slices"
	"testing"

	"gonum.org/v1/plot/vg"

	"retrace/figure"
)

// everyFigure draws the samples, the hard ones included.
func everyFigure(t *testing.T) map[string]*figure.Figure {
	t.Helper()
	figures := map[string]*figure.Figure{}
	add := func(name string) func(*figure.Figure, error) {
		return func(f *figure.Figure, err error) {
			t.Helper()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			figures[name] = f
		}
	}
	lettered := lorenzSample(64, "score", "particle (reference)", "climatology")
	lettered.Letters = true
	lines := lorenzSample(64, "score")
	lines.MemberLines = 5
	ensembles := map[string]figure.Trajectories{
		"ensemble1": lorenzSample(64, ""), "ensemble3": lettered, "ensemble_lines": lines, "ensemble96": wave96(),
	}
	maps.Copy(ensembles, stressedEnsembles())
	for name, data := range ensembles {
		add(name)(figure.Ensemble(data))
	}
	for name, data := range stressedLosses() {
		add(name)(figure.Training(data))
	}
	add("training")(figure.Training(lossSample()))
	add("sweep")(figure.SweepPlot(sweepSample()))
	add("stress_sweep")(figure.SweepPlot(stressedSweep()))
	add("scores")(figure.ScorePlot(scoreSample()))
	for name, sheet := range sheetSamples() {
		add(name)(figure.Fields(sheet))
	}
	for name, data := range spectraSamples() {
		add(name)(figure.SpectraPlot(data))
	}
	add("stress_scores")(figure.ScorePlot(stressedScores()))
	return figures
}

func TestTextIsLegibleInsideThePageAndApart(t *testing.T) {
	for name, f := range everyFigure(t) {
		texts, page := f.Texts(), f.Page()
		if len(texts) < 4 {
			t.Errorf("%s: only %d texts were drawn", name, len(texts))
		}
		for i, a := range texts {
			if a.Size < 7 {
				t.Errorf("%s: %q has %g pt", name, a.String, a.Size)
			}
			if a.Box.Min.X < 0 || a.Box.Min.Y < 0 || a.Box.Max.X > page.Max.X || a.Box.Max.Y > page.Max.Y {
				t.Errorf("%s: %q at %v leaves the page %v", name, a.String, a.Box, page.Max)
			}
			for _, b := range texts[i+1:] {
				if overlap(a.Box, b.Box) {
					t.Errorf("%s: %q at %v covers %q at %v", name, a.String, a.Box, b.String, b.Box)
				}
			}
		}
	}
}

func overlap(a, b vg.Rectangle) bool {
	return a.Min.X < b.Max.X && b.Min.X < a.Max.X && a.Min.Y < b.Max.Y && b.Min.Y < a.Max.Y
}

func TestFiguresHaveAColumnWidthAndFitAPage(t *testing.T) {
	for name, f := range everyFigure(t) {
		width, height := f.Size()
		if !near(width, figure.OneColumn) && !near(width, figure.TwoColumns) || height > 247 {
			t.Errorf("%s: %.1f x %.1f mm", name, width, height)
		}
	}
}

func near(a, b float64) bool { return a > b-0.01 && a < b+0.01 }

func TestManyComponentsAreCapped(t *testing.T) {
	f, err := figure.Ensemble(wave96())
	if err != nil {
		t.Fatal(err)
	}
	drawn := written(f)
	units := "\u00a0s⁻¹)"
	for _, want := range []string{"X₀ (m" + units, "X₆ (m" + units, "X₃₃ (m" + units, "6 of 40 components are shown."} {
		if !slices.Contains(drawn, want) {
			t.Errorf("%q is not drawn: %q", want, drawn)
		}
	}
	chosen := wave96()
	chosen.Show = []int{39, 2}
	if f, err = figure.Ensemble(chosen); err != nil {
		t.Fatal(err)
	}
	drawn = written(f)
	if !slices.Contains(drawn, "X₃₉ (m"+units) || slices.Contains(drawn, "X₀ (m"+units) {
		t.Errorf("the components chosen are not those drawn: %q", drawn)
	}
}

func written(f *figure.Figure) []string {
	var all []string
	for _, text := range f.Texts() {
		all = append(all, text.String)
	}
	return all
}

func TestADivergedMethodIsCutAndSaidSo(t *testing.T) {
	const note = "Curves that leave the range of truth and data by far are cut."
	for factor, want := range map[float32]bool{1: false, 1e6: true} {
		data := lorenzSample(16, "good", "diverged")
		for i := range data.Columns[1].Members {
			data.Columns[1].Members[i] *= factor
		}
		f, err := figure.Ensemble(data)
		if err != nil {
			t.Fatal(err)
		}
		drawn := written(f)
		if slices.Contains(drawn, note) != want {
			t.Errorf("members times %g: the note is drawn: %v", factor, !want)
		}
		// The axis still serves the good method.
		if !slices.Contains(drawn, "20") {
			t.Errorf("members times %g: the y axis has other ticks: %q", factor, drawn)
		}
	}
}

func TestBandsAreQuantilesOverTheMembers(t *testing.T) {
	// Member m of component c at time k is m + 1000 c + 100000 k, in an order
	// that is not sorted; 101 members put the quantiles on members.
	data := figure.Trajectories{
		Times: []float64{0, 1}, Components: []figure.Component{{Name: "x"}, {Name: "y"}}, Columns: make([]figure.Column, 1),
	}
	for m := range 101 {
		for k := range 2 {
			for c := range 2 {
				v := float32(m*37%101 + 1000*c + 100000*k)
				data.Columns[0].Members = append(data.Columns[0].Members, v)
			}
		}
	}
	got := figure.Quantiles(data, 1)
	for i, percent := range []float64{5, 25, 50, 75, 95} {
		if want := []float64{percent + 1000, percent + 101000}; !slices.Equal(got[i], want) {
			t.Errorf("%g %% quantile %v, want %v", percent, got[i], want)
		}
	}
}
