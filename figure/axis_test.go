package figure_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"retrace/figure"
)

func TestAxisPadsByFourPerCent(t *testing.T) {
	if lo, hi, _, _ := figure.Ticks(10, 20, false); !near(lo, 9.6) || !near(hi, 20.4) {
		t.Errorf("10 to 20 became %g to %g", lo, hi)
	}
	if lo, hi, _, _ := figure.Ticks(1, 100, true); math.Abs(lo/math.Pow(10, -0.08)-1) > 1e-12 || math.Abs(hi/math.Pow(10, 2.08)-1) > 1e-12 {
		t.Errorf("1 to 100 became %g to %g", lo, hi)
	}
}

func TestTickLabels(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		log    bool
		want   []string
	}{
		{0, 1.6, false, []string{"0", "0.5", "1.0", "1.5"}},
		{-22, 21, false, []string{"−20", "−10", "0", "10", "20"}},
		{0, 0, false, []string{"−0.4", "−0.2", "0", "0.2", "0.4"}},
		{0, 4e-7, false, []string{"0", "1×10⁻⁷", "2×10⁻⁷", "3×10⁻⁷", "4×10⁻⁷"}},
		{0, 3e7, false, []string{"0", "1×10⁷", "2×10⁷", "3×10⁷"}},
		{1e6, 1e6 + 0.1, false, []string{"1\u202f000\u202f000.00", "1\u202f000\u202f000.05", "1\u202f000\u202f000.10"}},
		{0, 40000, false, []string{"0", "10\u202f000", "20\u202f000", "30\u202f000", "40\u202f000"}},
		{0.0298, 0.03, false, []string{"0.02980", "0.02985", "0.02990", "0.02995", "0.03000"}},
		{0.02, 3, true, []string{"0.1", "1"}},
		{0.3, 6, true, []string{"0.5", "1", "2", "5"}},
		{1e-9, 1e-5, true, []string{"10⁻⁹", "10⁻⁸", "10⁻⁷", "10⁻⁶", "10⁻⁵"}},
		{41, 48, true, []string{"42", "44", "46", "48"}},
	} {
		if _, _, _, labels := figure.Ticks(c.lo, c.hi, c.log); !slices.Equal(labels, c.want) {
			t.Errorf("%g to %g: %q, want %q", c.lo, c.hi, labels, c.want)
		}
	}
}

// TestTicksStayOnTheAxis tries ranges of every magnitude, the smallest and the
// largest numbers included.
func TestTicksStayOnTheAxis(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	anything := func() float64 {
		v := math.Float64frombits(r.Uint64())
		for math.IsNaN(v) || math.IsInf(v, 0) {
			v = math.Float64frombits(r.Uint64())
		}
		return v
	}
	ranges := [][2]float64{
		{0, 5e-324}, {1, 1 + 1e-16}, {-math.MaxFloat64, math.MaxFloat64}, {1e17, 1e17 + 32}, {5e-324, 1e-323},
	}
	for range 500 {
		a, b := anything(), anything()
		ranges = append(ranges, [2]float64{min(a, b), max(a, b)}, [2]float64{a, a + math.Abs(a)*1e-6})
	}
	for _, values := range ranges {
		for _, log := range []bool{false, true} {
			if log && values[0] <= 0 {
				continue
			}
			lo, hi, ticks, labels := figure.Ticks(values[0], values[1], log)
			if !(lo < hi) || len(ticks) == 0 || len(ticks) > 12 || !slices.IsSorted(ticks) || ticks[0] < lo || ticks[len(ticks)-1] > hi {
				t.Fatalf("%g to %g (log %v): axis %g to %g, ticks %v %q", values[0], values[1], log, lo, hi, ticks, labels)
			}
		}
	}
}

func TestUnitsAreRaised(t *testing.T) {
	for units, want := range map[string]string{
		"s-1":                 "s⁻¹",
		"m2 s-1":              "m²\u00a0s⁻¹",
		"kg m^-2":             "kg\u00a0m⁻²",
		"degC":                "degC",
		"10 m":                "10\u00a0m",
		"hours since 2000-01": "hours\u00a0since\u00a02000-01",
		"m10":                 "m¹⁰",
	} {
		if got := figure.PrintUnits(units); got != want {
			t.Errorf("%q is printed %q, want %q", units, got, want)
		}
	}
}

func TestNumbersHaveSensibleDigits(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   []string
	}{
		{[]float64{7.3149, 6.9, 8.04}, []string{"7.31", "6.90", "8.04"}},
		{[]float64{0.0312, 0.0299, 0.034}, []string{"0.0312", "0.0299", "0.0340"}},
		{[]float64{-81.74, -82, -80.1}, []string{"−81.7", "−82.0", "−80.1"}},
		{[]float64{65536, 65536, 65536}, []string{"65\u202f536", "65\u202f536", "65\u202f536"}},
		{[]float64{1.2345e-7, 1e-8, 3e-7}, []string{"1.23×10⁻⁷", "1.0×10⁻⁸", "3.00×10⁻⁷"}},
		{[]float64{4.5e12}, []string{"4.50×10¹²"}},
		{[]float64{0, 0}, []string{"0.00", "0.00"}},
		{[]float64{-0.001, 5}, []string{"0.00", "5.00"}}, // no minus before a zero
	} {
		if got := figure.Alike(3, c.values...); !slices.Equal(got, c.want) {
			t.Errorf("%v is printed %q, want %q", c.values, got, c.want)
		}
	}
	for v, want := range map[float64]string{1: "1", 81.7: "81.7", -0.5: "−0.5", 1.5e9: "1.50×10⁹"} {
		if got := figure.Trimmed(v); got != want {
			t.Errorf("%g is printed %q, want %q", v, got, want)
		}
	}
}

func TestDurations(t *testing.T) {
	for seconds, want := range map[float64]string{
		0: "0 ms", 0.0341: "34 ms", 0.0999: "0.1 s", 12.34: "12.3 s", 59.96: "1 min 0 s", 83: "1 min 23 s",
		3599.7: "1 h 0 min", 7265: "2 h 1 min", -1: "—", math.Inf(1): "—",
	} {
		if got := figure.Duration(seconds); got != want {
			t.Errorf("%g s is printed %q, want %q", seconds, got, want)
		}
	}
}
