package twin_test

import (
	"math"
	"testing"

	"retrace/internal/rng"
	"retrace/twin"
)

// autoregressive is a series with the given coefficient and unit variance.
func autoregressive(a float64, n int, index uint64) []float64 {
	r := rng.Stream(1, "series", index)
	series := make([]float64, n)
	x := r.NormFloat64()
	for i := range series {
		series[i] = x
		x = a*x + math.Sqrt(1-a*a)*r.NormFloat64()
	}
	return series
}

func TestErrorOfATimeMeanIsThatOfItsScatter(t *testing.T) {
	for _, a := range []float64{0, 0.5, 0.9} {
		const runs = 400
		var squares, claimed float64
		for k := range uint64(runs) {
			m := twin.TimeMean(autoregressive(a, 1000, k))
			squares += m.Value * m.Value / runs
			claimed += m.Error * m.Error / runs
		}
		if ratio := math.Sqrt(claimed / squares); math.Abs(ratio-1) > 0.15 {
			t.Errorf("coefficient %v: claimed over true standard error is %v", a, ratio)
		}
	}
}

func TestTimeMeanOfUncorrelatedSeriesIsPlain(t *testing.T) {
	series := make([]float64, 1000) // negative autocorrelation at lag 1
	for i := range series {
		series[i] = 3 + float64(i%2)
	}
	m := twin.TimeMean(series)
	if want := 0.5 / math.Sqrt(999); m.Value != 3.5 || math.Abs(m.Error-want) > 1e-9 {
		t.Errorf("got %+v, want an error of %v", m, want)
	}
}

func TestMeansOfFewValues(t *testing.T) {
	if m := twin.TimeMean([]float64{1, 2, 3}); m != (twin.Mean{Value: 2}) {
		t.Errorf("got %+v", m)
	}
	if m := twin.TimeMean([]float64{2, 2, 2, 2, 2, 2, 2}); m != (twin.Mean{Value: 2}) {
		t.Errorf("constant series: got %+v", m)
	}
	if m := twin.IndependentMean([]float64{4}); m != (twin.Mean{Value: 4}) {
		t.Errorf("got %+v", m)
	}
	if m := twin.IndependentMean([]float64{1, 2, 3}); m.Value != 2 || math.Abs(m.Error-1/math.Sqrt(3)) > 1e-12 {
		t.Errorf("got %+v", m)
	}
}

func TestLongCorrelationsKeepTheErrorFinite(t *testing.T) {
	series := make([]float64, 100)
	for i := range series {
		series[i] = float64(i)
	}
	if m := twin.TimeMean(series); !(m.Error > 0) || math.IsInf(m.Error, 0) {
		t.Errorf("got %+v", m)
	}
}
