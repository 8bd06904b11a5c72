package trajectory

import (
	"errors"
	"fmt"
	"math"

	"retrace/internal/fault"
)

// Standardiser maps states in physical units to standardised ones, which have
// mean near 0 and scale near 1, and back:
//
//	z = (x - Mean) / Scale
//
// Its entries run along a state. Each counts for Run consecutive values: with
// Run 1 every value of a state has its own mean and scale; with Run equal to
// the size of a field, every field of a state of several fields has; with Run
// equal to the size of the state, all values share them.
//
// The zero value is not usable. A Standardiser from a file must be checked by
// Validate.
type Standardiser struct {
	Mean  []float64 `json:"mean" toml:"mean"`   // physical units
	Scale []float64 `json:"scale" toml:"scale"` // physical units, positive
	Run   int       `json:"run" toml:"run"`     // values of a state per entry, at least 1
}

// ErrZeroVariance is the cause if a component of a set does not vary.
var ErrZeroVariance = errors.New("its variance is zero")

// FitStandardiser takes mean and standard deviation of a set, over all
// trajectories and times and over the values that share an entry. entries is
// their number: set.Space.Size() for one per value of a state,
// set.Space.Axes[0].Len() for one per element of the outermost axis, 1 for one
// in all. It panics if entries does not divide the size of a state.
//
// A component that does not vary, or is not finite, is an input error that
// names it, with the cause ErrZeroVariance for the former.
func FitStandardiser(set *Set, entries int) (Standardiser, error) {
	size := set.Space.Size()
	if entries < 1 || size%entries != 0 {
		panic(fmt.Sprintf("trajectory: %d entries for states of %d values", entries, size))
	}
	f := Standardiser{Mean: make([]float64, entries), Scale: make([]float64, entries), Run: size / entries}
	n := float64(len(set.Data) / entries)
	for i, v := range set.Data {
		f.Mean[i%size/f.Run] += float64(v)
	}
	for entry := range f.Mean {
		f.Mean[entry] /= n
	}
	// In a second pass: the mean may be far larger than the deviations from it.
	for i, v := range set.Data {
		d := float64(v) - f.Mean[i%size/f.Run]
		f.Scale[i%size/f.Run] += d * d
	}
	for entry, squares := range f.Scale {
		f.Scale[entry] = math.Sqrt(squares / n)
		component := componentName(set.Space, entry*f.Run)
		if !(squares < math.Inf(1)) {
			return Standardiser{}, fault.Inputf("trajectory: %s cannot be standardised: a value is not finite", component)
		}
		// Deviations below the resolution of float32 at the mean are rounding.
		if f.Scale[entry] <= 1e-7*math.Abs(f.Mean[entry]) {
			return Standardiser{}, fault.Inputf("trajectory: %s cannot be standardised: %w: give a fixed scale, or share one among components",
				component, ErrZeroVariance)
		}
	}
	return f, nil
}

// Size is the number of values of a state.
func (f Standardiser) Size() int { return len(f.Mean) * f.Run }

// At is the mean and scale of value i of a state.
func (f Standardiser) At(i int) (mean, scale float64) {
	return f.Mean[i/f.Run], f.Scale[i/f.Run]
}

// Validate reports, as an input error, what makes f unusable for states of the
// given size.
func (f Standardiser) Validate(size int) error {
	if len(f.Mean) == 0 || len(f.Scale) != len(f.Mean) || f.Run < 1 {
		return fault.Inputf("standardisation: mean has %d entries, scale has %d, run is %d: both need the same number, run at least 1",
			len(f.Mean), len(f.Scale), f.Run)
	}
	if f.Run > size || f.Size() != size {
		return fault.Inputf("standardisation: %d entries for runs of %d values make %d values, but a state has %d",
			len(f.Mean), f.Run, f.Size(), size)
	}
	for i := range f.Mean {
		if m := f.Mean[i]; m-m != 0 {
			return fault.Inputf("standardisation: mean[%d] = %g: must be finite", i, m)
		}
		if s := f.Scale[i]; !(s > 0) || math.IsInf(s, 1) {
			return fault.Inputf("standardisation: scale[%d] = %g: must be positive and finite", i, s)
		}
	}
	return nil
}

// Forward standardises states: dst = (x - Mean) / Scale. Both hold whole
// states one after another and may be the same slice.
func (f Standardiser) Forward(dst, x []float32) {
	f.checkStates(dst, x)
	for i := 0; i < len(x); {
		for entry, mean := range f.Mean {
			scale := f.Scale[entry]
			for end := i + f.Run; i < end; i++ {
				dst[i] = float32((float64(x[i]) - mean) / scale)
			}
		}
	}
}

// Inverse returns states to physical units: dst = Mean + Scale z. Both hold
// whole states one after another and may be the same slice.
func (f Standardiser) Inverse(dst, z []float32) {
	f.checkStates(dst, z)
	for i := 0; i < len(z); {
		for entry, mean := range f.Mean {
			scale := f.Scale[entry]
			for end := i + f.Run; i < end; i++ {
				dst[i] = float32(mean + scale*float64(z[i]))
			}
		}
	}
}

func (f Standardiser) checkStates(dst, src []float32) {
	if len(dst) != len(src) || len(src)%f.Size() != 0 {
		panic("trajectory: not equal whole numbers of states")
	}
}
