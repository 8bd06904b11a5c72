package trajectory

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/zarr"
)

// A trajectory store is a Zarr group with one data array, named after the
// variable of the space, on the dimensions of the set. Each dimension has a
// coordinate array of its own name: integers from 0 for a leading one, the
// time of each state, and labels or coordinates for an axis. Attributes follow
// the CF conventions. The time coordinate carries the sampling interval, which
// its values give only up to rounding.

const (
	timeName        = "time"
	conventionsName = "Conventions"
	conventions     = "CF-1.10"
	intervalName    = "interval"
	periodName      = "period" // of an axis that closes upon itself, in its units
)

// group describes the store of a set; the data array is cut into the given
// chunks, nil for a choice by size.
func (s *Set) group(attributes map[string]string, chunks []int) (zarr.Group, error) {
	if err := s.checkDescription(); err != nil {
		return zarr.Group{}, err
	}
	general := map[string]any{conventionsName: conventions, "title": "Trajectories of " + s.Space.Variable}
	for key, value := range attributes {
		if key == conventionsName {
			return zarr.Group{}, fmt.Errorf("the attribute %q is taken", key)
		}
		general[key] = value
	}
	arrays := []zarr.Array{{
		Name: s.Space.Variable, Dimensions: s.Dimensions(), Shape: s.Shape(), Chunks: chunks,
		Type: zarr.Float32, Attributes: described(s.Space.LongName, s.Space.Units),
	}}
	for _, d := range s.Lead {
		arrays = append(arrays, coordinate(d.Name, d.Len, zarr.Int64, map[string]any{}))
	}
	arrays = append(arrays, s.timeArray())
	for _, a := range s.Space.Axes {
		kind := zarr.Float64
		if a.Labels != nil {
			kind = zarr.TextFor(a.Labels)
		}
		arrays = append(arrays, coordinate(a.Name, a.Len(), kind, axisAttributes(a)))
	}
	return zarr.Group{Attributes: general, Arrays: arrays}, nil
}

func coordinate(name string, length int, kind zarr.Type, attributes map[string]any) zarr.Array {
	return zarr.Array{Name: name, Dimensions: []string{name}, Shape: []int{length}, Type: kind, Attributes: attributes}
}

// described makes CF attributes of what is not empty.
func described(longName, units string) map[string]any {
	attributes := map[string]any{}
	if longName != "" {
		attributes["long_name"] = longName
	}
	if units != "" {
		attributes["units"] = units
	}
	return attributes
}

func (s *Set) timeArray() zarr.Array {
	attributes := described("time", s.Clock.Units)
	attributes["axis"] = "T"
	attributes[intervalName] = s.Clock.Interval
	if s.Clock.Units != "1" {
		attributes["standard_name"] = timeName // CF reserves it for times with units
	}
	return coordinate(timeName, s.Length, zarr.Float64, attributes)
}

func axisAttributes(a dynamics.Axis) map[string]any {
	attributes := described(a.LongName, a.Units)
	if letter, spatial := map[string]string{"x": "X", "y": "Y", "z": "Z"}[a.Name]; spatial && a.Labels == nil {
		attributes["axis"] = letter
	}
	if a.Period > 0 {
		attributes[periodName] = a.Period
	}
	return attributes
}

// writeCoordinates fills the coordinate arrays.
func (s *Set) writeCoordinates(w *zarr.Writer) error {
	whole := zarr.Region{}
	for _, d := range s.Lead {
		numbers := make([]int64, d.Len)
		for i := range numbers {
			numbers[i] = int64(i)
		}
		if err := zarr.Write(w, d.Name, whole, numbers); err != nil {
			return err
		}
	}
	if err := zarr.Write(w, timeName, whole, s.Times()); err != nil {
		return err
	}
	for _, a := range s.Space.Axes {
		var err error
		if a.Labels != nil {
			err = zarr.Write(w, a.Name, whole, a.Labels)
		} else {
			err = zarr.Write(w, a.Name, whole, a.Coordinates)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// name is what xarray and CF take as the name of a variable.
var name = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// checkDescription reports what keeps a set from being a store; the data may
// be missing.
func (s *Set) checkDescription() error {
	if s.Count() < 1 || s.Length < 1 || s.Space.Size() < 1 {
		return fmt.Errorf("the shape %v has an empty dimension", s.Shape())
	}
	names := append(s.Dimensions(), s.Space.Variable)
	for i, n := range names {
		if !name.MatchString(n) {
			return fmt.Errorf("%q is not a name of letters, digits and underscores", n)
		}
		if slices.Contains(names[:i], n) {
			return fmt.Errorf("the name %q stands for two dimensions or a dimension and the variable", n)
		}
	}
	for _, a := range s.Space.Axes {
		if (a.Labels == nil) == (a.Coordinates == nil) {
			return fmt.Errorf("axis %q needs either labels or coordinates", a.Name)
		}
	}
	if c := s.Clock.Interval; !(c > 0) || math.IsInf(c, 1) || s.Start-s.Start != 0 {
		return errors.New("the sampling interval is not positive or the start not finite")
	}
	return nil
}

// describe reads the description of the set in a store, without data, and the
// attributes of the group that are text.
func describe(store *zarr.Store) (*Set, map[string]string, error) {
	data, err := dataArray(store)
	if err != nil {
		return nil, nil, err
	}
	s := &Set{Space: dynamics.Space{
		Variable: data.Name, LongName: text(data, "long_name"), Units: text(data, "units"),
	}}
	at := slices.Index(data.Dimensions, timeName)
	s.Length = data.Shape[at]
	for d := range at {
		s.Lead = append(s.Lead, Dimension{data.Dimensions[d], data.Shape[d]})
	}
	for d := at + 1; d < len(data.Shape); d++ {
		axis, err := readAxis(store, data.Dimensions[d], data.Shape[d])
		if err != nil {
			return nil, nil, err
		}
		s.Space.Axes = append(s.Space.Axes, axis)
	}
	if s.Count() < 1 || s.Length < 1 || s.Space.Size() < 1 {
		return nil, nil, fault.Inputf("%s: array %q of shape %v is empty", store.Path, data.Name, data.Shape)
	}
	if err := readTime(store, s); err != nil {
		return nil, nil, err
	}
	if err := s.checkDescription(); err != nil {
		return nil, nil, fault.Inputf("%s: %w", store.Path, err)
	}
	return s, textAttributes(store), nil
}

// textAttributes are the attributes of the store that are text, but for what
// every store has.
func textAttributes(store *zarr.Store) map[string]string {
	attributes := map[string]string{}
	for key, value := range store.Attributes {
		if words, isText := value.(string); isText && key != conventionsName {
			attributes[key] = words
		}
	}
	return attributes
}

// dataArray finds the one array that has a time dimension and is not a
// coordinate.
func dataArray(store *zarr.Store) (*zarr.Array, error) {
	found := map[string]*zarr.Array{}
	for _, name := range store.Names() {
		a, err := store.Array(name)
		if err != nil {
			return nil, err
		}
		isCoordinate := len(a.Dimensions) == 1 && a.Dimensions[0] == a.Name
		if slices.Contains(a.Dimensions, timeName) && !isCoordinate {
			found[name] = a
		}
	}
	names := slices.Sorted(maps.Keys(found))
	switch len(names) {
	case 0:
		return nil, fault.Inputf("%s: it is not a trajectory store: no array has a dimension %q", store.Path, timeName)
	case 1:
		return found[names[0]], checkPlain(store, found[names[0]])
	}
	return nil, fault.Inputf("%s: it is not a trajectory store: the arrays %q have a dimension %q, where one is expected",
		store.Path, names, timeName)
}

// checkPlain refuses values that only the attributes give a meaning.
func checkPlain(store *zarr.Store, a *zarr.Array) error {
	for _, key := range []string{"scale_factor", "add_offset", "missing_value"} {
		if _, packed := a.Attributes[key]; packed {
			return fault.Inputf("%s: array %q has the attribute %q: write plain values with NaN for missing ones",
				store.Path, a.Name, key)
		}
	}
	return nil
}

// text is a text attribute, empty if absent.
func text(a *zarr.Array, key string) string {
	value, _ := a.Attributes[key].(string)
	return value
}

// longestNumbered bounds the length of an axis that no coordinates vouch for.
const longestNumbered = 1 << 24

// readAxis reads the coordinate array of an axis; one without is numbered.
func readAxis(store *zarr.Store, name string, length int) (dynamics.Axis, error) {
	axis := dynamics.Axis{Name: name}
	if !slices.Contains(store.Names(), name) {
		if length > longestNumbered {
			return axis, fault.Inputf("%s: dimension %q of length %d has no coordinate array", store.Path, name, length)
		}
		axis.Coordinates = make([]float64, length)
		for i := range axis.Coordinates {
			axis.Coordinates[i] = float64(i)
		}
		axis.Units = "1"
		return axis, nil
	}
	a, err := coordinateArray(store, name, length)
	if err != nil {
		return axis, err
	}
	axis.LongName, axis.Units = text(a, "long_name"), text(a, "units")
	if period, given := a.Attributes[periodName].(float64); given && period > 0 && !math.IsInf(period, 1) {
		axis.Period = period
	}
	if a.Type.IsText() {
		axis.Labels, err = zarr.Read[string](store, name, zarr.Region{})
	} else {
		axis.Coordinates, err = zarr.Read[float64](store, name, zarr.Region{})
	}
	return axis, err
}

// coordinateArray finds the coordinate of a dimension of known length.
func coordinateArray(store *zarr.Store, name string, length int) (*zarr.Array, error) {
	a, err := store.Array(name)
	if err == nil && (len(a.Shape) != 1 || a.Shape[0] != length) {
		err = fault.Inputf("%s: the coordinate %q has shape %v, but its dimension has length %d",
			store.Path, name, a.Shape, length)
	}
	return a, err
}

// readTime reads start, interval and units from the time coordinate.
func readTime(store *zarr.Store, s *Set) error {
	a, err := coordinateArray(store, timeName, s.Length)
	if err != nil {
		return err
	}
	times, err := zarr.Read[float64](store, timeName, zarr.Region{})
	if err != nil {
		return err
	}
	s.Start = times[0]
	s.Clock.Units = text(a, "units")
	interval, given := a.Attributes[intervalName].(float64)
	if !given && s.Length > 1 {
		interval = (times[s.Length-1] - times[0]) / float64(s.Length-1)
	}
	s.Clock.Interval = interval
	if !(interval > 0) || math.IsInf(interval, 1) {
		return fault.Inputf("%s: the coordinate %q does not increase and has no attribute %q above 0",
			store.Path, timeName, intervalName)
	}
	for t, found := range times {
		// Times may have been stored with fewer digits.
		if off := math.Abs(found - s.Time(t)); !(off <= 1e-3*interval) {
			return fault.Inputf("%s: time[%d] is %g, but regular steps of %g from %g give %g: trajectories need a regular time axis",
				store.Path, t, found, interval, s.Start, s.Time(t))
		}
	}
	return nil
}
