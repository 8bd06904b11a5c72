package observe

import (
	"math"
	"slices"

	"retrace/internal/zarr"
)

// blockValues bounds the values of an array that are in memory at a time,
// unless a single case has more.
const blockValues = 1 << 22

// maxCases bounds what the few bytes of a hostile store can claim.
const maxCases = 1 << 20

// storeDimensions are the dimensions of the values in a store.
var storeDimensions = []string{"case", "time", "quantity"}

// ReadStore reads the observations of one or more cases from a Zarr store with
// the arrays
//
//	value, sd  (case, time, quantity), or (time, quantity) for one case
//	time       (time), physical times of the states observed
//	quantity   (quantity), text: components of the state, or labels of
//	           target.Operator
//
// A value that is NaN is missing; other arrays are ignored. All faults (the
// first 20) are reported together, as an input error that joins *FileError.
func ReadStore(path string, target Target) ([]Sequence, error) {
	store, err := zarr.Open(path)
	if err != nil {
		return nil, err
	}
	s := &storeReader{assembly: newAssembly(path, target), store: store}
	for _, read := range []func() error{s.readTimes, s.readQuantities, s.readShape, s.readValues} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	if err := append(s.repeated(s.readings), s.absent(s.readings)...).err(); err != nil {
		return nil, err
	}
	return s.sequences(s.readings, s.cases), nil
}

// storeReader reads a store into readings, step by step.
type storeReader struct {
	*assembly
	store      *zarr.Store
	states     []int // along time
	columns    []int // quantities along quantity
	dimensions int   // of the values, 2 or 3
	cases      int
	readings   []reading
	found      faults
}

// note records a fault of the array name, until there are enough of them.
func (s *storeReader) note(name, format string, args ...any) {
	if len(s.found) < mostFaults {
		s.found = append(s.found, s.fault(reading{}, name, format, args...))
	}
}

func (s *storeReader) readTimes() error {
	times, err := zarr.Read[float64](s.store, "time", zarr.Region{})
	if err != nil {
		return err
	}
	for _, time := range times {
		state, err := s.target.Timeline.Index(time)
		if err != nil {
			s.note("time", "%w", err)
		}
		s.states = append(s.states, state)
	}
	return s.found.err()
}

func (s *storeReader) readQuantities() error {
	names, err := zarr.Read[string](s.store, "quantity", zarr.Region{})
	if err != nil {
		return err
	}
	position := positions(s.quantities)
	for _, name := range names {
		column, known := position[name]
		if !known {
			s.note("quantity", "unknown quantity %.40q: %s", name, hint(name, s.quantities))
		}
		s.columns = append(s.columns, column)
	}
	return s.found.err()
}

// readShape checks the dimensions of the values.
func (s *storeReader) readShape() error {
	value, err := s.store.Array("value")
	if err != nil {
		return err
	}
	sd, err := s.store.Array("sd")
	if err != nil {
		return err
	}
	s.dimensions, s.cases = len(value.Shape), 1
	if s.dimensions == 3 {
		s.cases = value.Shape[0]
	}
	want := storeDimensions
	if s.dimensions == 2 {
		want = want[1:]
	}
	if !slices.Equal(value.Dimensions, want) ||
		!slices.Equal(value.Shape[max(0, s.dimensions-2):], []int{len(s.states), len(s.columns)}) {
		s.note("value", "its dimensions are %v, its shape %v: give it the dimensions (case, time, quantity) of their lengths", value.Dimensions, value.Shape)
	}
	if !slices.Equal(sd.Dimensions, value.Dimensions) || !slices.Equal(sd.Shape, value.Shape) {
		s.note("sd", "its dimensions are %v, its shape %v: give it those of value, %v and %v", sd.Dimensions, sd.Shape, value.Dimensions, value.Shape)
	}
	if s.cases > maxCases {
		s.note("value", "%d cases are more than the %d that a store may have: split it", s.cases, maxCases)
	}
	return s.found.err()
}

// readValues reads the values, some cases at a time.
func (s *storeReader) readValues() error {
	step := max(1, blockValues/max(1, len(s.states)*len(s.columns)))
	for first := 0; first < s.cases && len(s.found) == 0; first += step {
		skip := 3 - s.dimensions
		region := zarr.Region{
			Start: []int{first, 0, 0}[skip:],
			Shape: []int{min(step, s.cases-first), len(s.states), len(s.columns)}[skip:],
		}
		values, err := zarr.Read[float64](s.store, "value", region)
		if err != nil {
			return err
		}
		sds, err := zarr.Read[float64](s.store, "sd", region)
		if err != nil {
			return err
		}
		s.take(first, values, sds)
	}
	return s.found.err()
}

// take makes readings of the values of successive cases.
func (s *storeReader) take(firstCase int, values, sds []float64) {
	width := len(s.columns)
	for i, value := range values {
		if math.IsNaN(value) && math.IsNaN(sds[i]) {
			continue // no observation, for all that anyone can tell
		}
		row := i / width
		r := reading{number: firstCase + row/len(s.states), state: s.states[row%len(s.states)], quantity: s.columns[i%width], value: value, sd: sds[i]}
		switch {
		case math.IsInf(value, 0):
			s.note("value of "+s.describe(r), "%v is not finite: give a finite number, or NaN if it is missing", value)
		case !validSd(r.sd) && !(math.IsNaN(value) && math.IsNaN(r.sd)):
			s.note("sd of "+s.describe(r), "%v is not finite and greater than 0: give the standard deviation of the noise", r.sd)
		}
		s.readings = append(s.readings, r)
	}
}
