package figure_test

import (
	"math"
	"testing"

	"retrace/figure"
)

func TestQuantileIsOfType7(t *testing.T) {
	for _, c := range []struct {
		sorted []float64
		p      float64
		want   float64
	}{
		{[]float64{7}, 0.3, 7},
		{[]float64{1, 2}, 0.5, 1.5},
		{[]float64{1, 2, 3, 4}, 0.25, 1.75}, // numpy.quantile, quantile in R
		{[]float64{1, 2, 3, 4}, 0.75, 3.25},
		{[]float64{1, 2, 3, 4, 5}, 0.9, 4.6},
		{[]float64{1, 2, 3, 4, 5}, 0, 1},
		{[]float64{1, 2, 3, 4, 5}, 1, 5},
		{[]float64{0, 10, 100}, 0.05, 1},
		{[]float64{0, 10, 100}, 0.95, 91},
		{[]float64{0.1, 0.1, 0.1}, 0.3, 0.1}, // equal values give themselves
		{[]float64{-math.MaxFloat64, math.MaxFloat64}, 0.5, 0},
	} {
		if got := figure.Quantile(c.sorted, c.p); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("quantile %g of %v is %g, want %g", c.p, c.sorted, got, c.want)
		}
	}
	if got := figure.Quantile([]float64{0.1, 0.1, 0.1}, 0.3); got != 0.1 {
		t.Errorf("equal values gave %.17g", got)
	}
}

func TestQuantileOfAUniformGridIsItsProbability(t *testing.T) {
	grid := make([]float64, 101)
	for i := range grid {
		grid[i] = float64(i) / 100
	}
	for p := 0.0; p <= 1; p += 0.037 {
		if got := figure.Quantile(grid, p); math.Abs(got-p) > 1e-12 {
			t.Errorf("quantile %g is %g", p, got)
		}
	}
}

func TestQuantileOfNothingPanics(t *testing.T) {
	for name, call := range map[string]func(){
		"no values":      func() { figure.Quantile(nil, 0.5) },
		"no probability": func() { figure.Quantile([]float64{1}, 1.5) },
		"NaN":            func() { figure.Quantile([]float64{1}, math.NaN()) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			call()
		}()
	}
}
