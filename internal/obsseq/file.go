package obsseq

import "fmt"

// File is an observation sequence.
type File struct {
	Name     string         // in errors
	Copies   []string       // names of the values of an observation
	Controls []string       // names of its quality controls
	Types    map[int]string // names of the types of observations
	// Observations are those that are linked, in the order of the links, which is
	// that of time.
	Observations []Observation
	// Unlinked counts the records that no link leads to: observations that were
	// deleted.
	Unlinked int
}

// Observation is one record.
type Observation struct {
	Line     int       // of its first line
	Copies   []float64 // NaN if missing
	Controls []float64 // NaN if missing
	Place    Place
	Type     string   // empty if a component of the state was observed
	State    int      // number of that component, from 1; 0 if there is a type
	Extra    []string // lines that only the type knows the meaning of
	Days     int
	Seconds  int
	Variance float64 // of the noise; 0 or more
}

// Place is where something was observed.
type Place struct {
	// Kind is "loc1d", "loc2s" or "loc3d".
	Kind string
	// Coordinates are the position in [0, 1] for loc1d; longitude and latitude in
	// radians for loc2s; and a vertical coordinate besides for loc3d.
	Coordinates []float64
	// Vertical is DART's number for the meaning of the vertical coordinate: -2
	// undefined, -1 surface, 1 level, 2 pressure in Pa, 3 height in m, 4 scale height.
	Vertical int
}

// coordinates is the number of coordinates of each kind of place.
var coordinates = map[string]int{"loc1d": 1, "loc2s": 2, "loc3d": 3}

// SyntaxError is a line that cannot be understood.
type SyntaxError struct {
	File string
	Line int // from 1; 0 if it is about the whole file
	Err  error
}

// Error names file, line and fault.
func (e *SyntaxError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %v", e.File, e.Err)
	}
	return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
}

// Unwrap is the fault.
func (e *SyntaxError) Unwrap() error { return e.Err }
