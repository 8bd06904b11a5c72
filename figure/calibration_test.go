package figure_test

import (
	"errors"
	"math"
	"testing"

	"retrace/figure"
)

func evenRanks(n int, bend float64) []float64 {
	ranks := make([]float64, n)
	for i := range ranks {
		ranks[i] = math.Pow((float64(i)+0.5)/float64(n), bend)
	}
	return ranks
}

func calibrated(name string, bend, spread float64) figure.Calibrated {
	return figure.Calibrated{Name: name, Ranks: evenRanks(200, bend), Nearness: evenRanks(200, bend), Spread: spread, Low: spread - 0.05, High: spread + 0.05}
}

func TestCalibrationPlotFitsAPageAndIsReproducible(t *testing.T) {
	c := figure.Calibration{Level: 0.01, Methods: []figure.Calibrated{calibrated("exact", 1, 1), calibrated("a method with a long name", 2, 0.4)}}
	f, err := figure.CalibrationPlot(c)
	if err != nil {
		t.Fatal(err)
	}
	if width, height := f.Size(); width != figure.TwoColumns || height > 240 {
		t.Errorf("the figure measures %v x %v mm", width, height)
	}
	first, err := f.PNG()
	if err != nil {
		t.Fatal(err)
	}
	second, err := f.PNG()
	if err != nil || string(first) != string(second) {
		t.Errorf("two renderings differ, error %v", err)
	}
}

func TestCalibrationPlotRefusesWhatCannotBeDrawn(t *testing.T) {
	for name, c := range map[string]struct {
		methods []figure.Calibrated
		want    error
	}{
		"no method": {nil, figure.ErrEmpty},
		"no case":   {[]figure.Calibrated{{Name: "diverged", Spread: math.NaN()}}, figure.ErrEmpty},
		"NaN":       {[]figure.Calibrated{calibrated("bad", math.NaN(), 1)}, figure.ErrNotFinite},
	} {
		if _, err := figure.CalibrationPlot(figure.Calibration{Level: 0.01, Methods: c.methods}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
