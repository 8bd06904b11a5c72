package trajectory_test

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"gonum.org/v1/gonum/stat"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/rng"
	"retrace/trajectory"
)

// noisy is a set of fields with a mean and a scale of its own for each value
// of a state.
func noisy() *trajectory.Set {
	s := trajectory.New(field, dynamics.Clock{Interval: 1, Units: "s"}, []trajectory.Dimension{{Name: "case", Len: 5}}, 7)
	r := rng.Stream(1, "noisy")
	for i := range s.Data {
		k := float64(i % 12)
		s.Data[i] = float32(1e3*k + (1+k)*r.NormFloat64())
	}
	return s
}

func TestFittedMomentsAreThoseOfTheSharedValues(t *testing.T) {
	s := noisy()
	for _, entries := range []int{12, 2, 1} {
		f, err := trajectory.FitStandardiser(s, entries)
		if err != nil {
			t.Fatal(err)
		}
		if f.Run != 12/entries || f.Size() != 12 || f.Validate(12) != nil {
			t.Errorf("%d entries: run %d, size %d, %v", entries, f.Run, f.Size(), f.Validate(12))
		}
		for entry := range entries {
			var values []float64
			for i, v := range s.Data {
				if i%12/f.Run == entry {
					values = append(values, float64(v))
				}
			}
			mean, variance := stat.PopMeanVariance(values, nil)
			if !near(f.Mean[entry], mean, 1e-12) || !near(f.Scale[entry], math.Sqrt(variance), 1e-12) {
				t.Errorf("%d entries: entry %d is %v, %v; want %v, %v", entries, entry, f.Mean[entry], f.Scale[entry], mean, math.Sqrt(variance))
			}
		}
	}
}

func near(a, b, relative float64) bool { return math.Abs(a-b) <= relative*math.Abs(b) }

func TestForwardStandardisesAndInverseUndoesIt(t *testing.T) {
	s := noisy()
	for _, entries := range []int{12, 4, 1} {
		f, err := trajectory.FitStandardiser(s, entries)
		if err != nil {
			t.Fatal(err)
		}
		z := make([]float32, len(s.Data))
		f.Forward(z, s.Data)
		again := *s
		again.Data = z
		unit, err := trajectory.FitStandardiser(&again, entries)
		if err != nil {
			t.Fatal(err)
		}
		for entry := range entries {
			if math.Abs(unit.Mean[entry]) > 1e-6 || !near(unit.Scale[entry], 1, 1e-6) {
				t.Errorf("%d entries: entry %d is standardised to mean %v, scale %v", entries, entry, unit.Mean[entry], unit.Scale[entry])
			}
		}
		f.Inverse(z, z)
		for i, v := range s.Data {
			if math.Abs(float64(z[i]-v)) > 2e-3 { // two roundings at 1e4
				t.Fatalf("%d entries: value %d comes back as %v, not %v", entries, i, z[i], v)
			}
		}
		if mean, scale := f.At(11); mean != f.Mean[entries-1] || scale != f.Scale[entries-1] {
			t.Errorf("the last value has %v, %v", mean, scale)
		}
	}
}

func TestFixedStandardiserIsTheFormula(t *testing.T) {
	f := trajectory.Standardiser{Mean: []float64{1, -2}, Scale: []float64{2, 0.5}, Run: 2}
	x := []float32{1, 3, -2, -1, 5, 7, 0, -3}
	z := make([]float32, 8)
	f.Forward(z, x)
	if want := []float32{0, 1, 0, 2, 2, 3, 4, -2}; !slices.Equal(z, want) {
		t.Errorf("%v, want %v", z, want)
	}
	f.Inverse(z, z)
	if !slices.Equal(z, x) {
		t.Errorf("%v, want %v", z, x)
	}
	if n := testing.AllocsPerRun(10, func() { f.Forward(z, x); f.Inverse(z, z) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestWhatDoesNotVaryIsNamed(t *testing.T) {
	s := noisy()
	for i := range s.Data {
		if i%12 == 8 {
			s.Data[i] = 0.1
		}
	}
	_, err := trajectory.FitStandardiser(s, 12)
	if !errors.Is(err, trajectory.ErrZeroVariance) || !fault.IsInput(err) || !strings.Contains(err.Error(), "q[layer=lower, y=0, x=0.2]") {
		t.Errorf("constant component: %v", err)
	}
	if _, err := trajectory.FitStandardiser(s, 2); err != nil {
		t.Errorf("shared by layer: %v", err)
	}
	s.Data[9] = float32(math.NaN())
	_, err = trajectory.FitStandardiser(s, 2)
	if !fault.IsInput(err) || errors.Is(err, trajectory.ErrZeroVariance) || !strings.Contains(err.Error(), "lower") {
		t.Errorf("NaN: %v", err)
	}
}

func TestStandardiserSurvivesSerialisation(t *testing.T) {
	f, err := trajectory.FitStandardiser(noisy(), 2)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var fromJSON, fromTOML trajectory.Standardiser
	if err := json.Unmarshal(text, &fromJSON); err != nil || !reflect.DeepEqual(fromJSON, f) {
		t.Errorf("JSON %s: %v, %v", text, fromJSON, err)
	}
	table, err := toml.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := toml.Unmarshal(table, &fromTOML); err != nil || !reflect.DeepEqual(fromTOML, f) {
		t.Errorf("TOML %s: %v, %v", table, fromTOML, err)
	}
}

func TestUnusableStandardisersAreInputErrors(t *testing.T) {
	good := func() trajectory.Standardiser {
		return trajectory.Standardiser{Mean: []float64{0, 1}, Scale: []float64{1, 2}, Run: 3}
	}
	if err := good().Validate(6); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(f *trajectory.Standardiser){
		"zero value":     func(f *trajectory.Standardiser) { *f = trajectory.Standardiser{} },
		"no run":         func(f *trajectory.Standardiser) { f.Run = 0 },
		"overflow":       func(f *trajectory.Standardiser) { f.Run = 1<<62 + 3 },
		"short scale":    func(f *trajectory.Standardiser) { f.Scale = f.Scale[:1] },
		"other size":     func(f *trajectory.Standardiser) { f.Run = 2 },
		"NaN mean":       func(f *trajectory.Standardiser) { f.Mean[1] = math.NaN() },
		"zero scale":     func(f *trajectory.Standardiser) { f.Scale[0] = 0 },
		"negative scale": func(f *trajectory.Standardiser) { f.Scale[0] = -1 },
		"infinite scale": func(f *trajectory.Standardiser) { f.Scale[0] = math.Inf(1) },
		"NaN scale":      func(f *trajectory.Standardiser) { f.Scale[0] = math.NaN() },
	} {
		f := good()
		change(&f)
		if err := f.Validate(6); !fault.IsInput(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
