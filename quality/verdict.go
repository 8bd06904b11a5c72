package quality

import (
	"slices"
	"strings"

	"retrace/internal/fault"
	"retrace/internal/strict"
)

// Verdict says what became of one observed value. Numbers and names are part of
// the file formats that hold them, and stay.
type Verdict uint8

// The verdicts.
const (
	Accepted   Verdict = 0 // to be assimilated
	Missing    Verdict = 1 // there is no value
	Invalid    Verdict = 2 // infinite, or its standard deviation is not a number above 0
	Flagged    Verdict = 3 // whoever supplied it marked it as bad
	OutOfRange Verdict = 4 // physically impossible
	Duplicate  Verdict = 5 // it is there already
	GrossError Verdict = 6 // impossibly far from the climatology
	Unlikely   Verdict = 7 // contradicts the prior: the background check
	Thinned    Verdict = 8 // a neighbour stands for it
	Merged     Verdict = 9 // part of a superobservation
)

// names of the verdicts, by their numbers.
var names = [...]string{"accepted", "missing", "invalid", "flagged", "range", "duplicate", "gross", "background", "thinned", "merged"}

// String is the name of the verdict in tables and files.
func (v Verdict) String() string {
	if int(v) < len(names) {
		return names[v]
	}
	return "unknown"
}

// All lists the verdicts by number.
func All() []Verdict {
	all := make([]Verdict, len(names))
	for i := range all {
		all[i] = Verdict(i)
	}
	return all
}

// ParseVerdict finds a verdict by its name. An unknown name is an input error.
func ParseVerdict(name string) (Verdict, error) {
	if i := slices.Index(names[:], name); i >= 0 {
		return Verdict(i), nil
	}
	return 0, fault.Inputf("unknown verdict %.40q: %s; valid are %s",
		name, strict.Suggestion(name, names[:]), strings.Join(names[:], ", "))
}

// MarshalText is the name, for JSON.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads a name.
func (v *Verdict) UnmarshalText(text []byte) (err error) {
	*v, err = ParseVerdict(string(text))
	return err
}

// Rejected reports whether a check found a fault in the value itself. Values
// that are missing, thinned or merged have none.
func (v Verdict) Rejected() bool { return v >= Invalid && v <= Unlikely }
