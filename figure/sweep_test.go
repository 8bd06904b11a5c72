package figure_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"retrace/figure"
)

// sweepSample is rmse against inflation of two methods, one of them with a gap.
func sweepSample() figure.Sweep {
	return figure.Sweep{
		Parameter: "inflation", Statistic: "rmse of the analysis",
		Lines: []figure.Line{
			{"etkf members=10", []float64{1, 1.01, 1.02, 1.05, 1.1}, []float64{0.9, 0.62, 0.58, 0.6, 0.7}, []float64{0.1, 0.03, 0.02, 0.02, 0.03}},
			{"enkf members=10", []float64{1.02, 1.05, 1.1}, []float64{0.8, 0.66, 0.68}, []float64{0.2, 0.03, 0}},
		},
	}
}

// stressedSweep has more lines than styles, long names and one point on some.
func stressedSweep() figure.Sweep {
	s := figure.Sweep{Parameter: "a parameter with a name that is far too long for the axis under it, radius", Statistic: "rmse"}
	for i := range 9 {
		s.Lines = append(s.Lines, figure.Line{
			Name: strings.Repeat("a very long name ", 1+i) + "members=10",
			X:    []float64{float64(1 + i), 1e4}[:1+i%2], Y: []float64{1, 1e-3}[:1+i%2], Error: []float64{2, 0}[:1+i%2],
		})
	}
	return s
}

func TestSweepNamesAxesAndLines(t *testing.T) {
	f, err := figure.SweepPlot(sweepSample())
	if err != nil {
		t.Fatal(err)
	}
	drawn := written(f)
	for _, want := range []string{"inflation", "rmse of the analysis", "etkf members=10", "enkf members=10"} {
		if !slices.Contains(drawn, want) {
			t.Errorf("%q is not drawn: %q", want, drawn)
		}
	}
}

func TestSweepRefuses(t *testing.T) {
	if _, err := figure.SweepPlot(figure.Sweep{Lines: []figure.Line{{Name: "a"}}}); !errors.Is(err, figure.ErrEmpty) {
		t.Errorf("no point: got %v", err)
	}
	for _, bad := range []figure.Line{
		{"a", []float64{math.NaN()}, []float64{1}, []float64{0}},
		{"a", []float64{1}, []float64{math.Inf(1)}, []float64{0}},
		{"a", []float64{1}, []float64{1}, []float64{math.NaN()}},
	} {
		if _, err := figure.SweepPlot(figure.Sweep{Lines: []figure.Line{bad}}); !errors.Is(err, figure.ErrNotFinite) {
			t.Errorf("%+v: got %v", bad, err)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("coordinates of different number do not panic")
		}
	}()
	figure.SweepPlot(figure.Sweep{Lines: []figure.Line{{"a", []float64{1}, nil, nil}}})
}

func TestSweepOverDecadesHasLogarithmicAxes(t *testing.T) {
	f, err := figure.SweepPlot(figure.Sweep{Parameter: "members", Statistic: "rmse", Lines: []figure.Line{
		{"pf", []float64{10, 100, 1000, 10000}, []float64{4, 1, 0.2, 0.1}, []float64{0, 0, 0.3, 0}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	drawn := written(f)
	for _, want := range []string{"10", "100", "1000", "0.1", "1"} {
		if !slices.Contains(drawn, want) {
			t.Errorf("no tick %q: %q", want, drawn)
		}
	}
}
