package observe

// A file is a table of readings, one value each, in any order. Readings become
// sequences by sorting: the readings of one case and one state form one
// observation, through the operator of the config if there is one, and
// otherwise through the components that the readings name.

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"retrace/dynamics"
)

// Target is what the observations of a file are of.
type Target struct {
	Space    dynamics.Space
	Timeline Timeline
	// Operator, if not nil, is the one that made the observations: its labels
	// are the quantities of the file. If nil, quantities are component labels.
	Operator Operator
}

// quantities names what a file may hold.
func (t Target) quantities() []string {
	if t.Operator != nil {
		return Labels(t.Operator)
	}
	return ComponentLabels(t.Space)
}

// reading is one value of a file.
type reading struct {
	number          int // of the case
	state, quantity int
	value, sd       float64 // NaN if missing
	line            int     // 0 in a store
}

func (r reading) compare(s reading) int {
	return cmp.Or(cmp.Compare(r.number, s.number), cmp.Compare(r.state, s.state),
		cmp.Compare(r.quantity, s.quantity), cmp.Compare(r.line, s.line))
}

func (r reading) sameValue(s reading) bool {
	return r.number == s.number && r.state == s.state && r.quantity == s.quantity
}

// assembly makes sequences of the readings of one file.
type assembly struct {
	file       string
	target     Target
	quantities []string
	// selections are the operators made so far, by the components they see:
	// observations share them.
	selections map[string]Operator
}

func newAssembly(file string, target Target) *assembly {
	return &assembly{file, target, target.quantities(), map[string]Operator{}}
}

// repeated sorts the readings and finds values given twice.
func (a *assembly) repeated(readings []reading) faults {
	slices.SortFunc(readings, reading.compare)
	var found faults
	for k, r := range readings {
		if k > 0 && r.sameValue(readings[k-1]) && len(found) < mostFaults {
			found = append(found, a.fault(r, "quantity", "%s is given twice%s: keep one of the two", a.describe(r), readings[k-1].onLine()))
		}
	}
	return found
}

// absent finds that a file holds no data.
func (a *assembly) absent(readings []reading) faults {
	if slices.ContainsFunc(readings, func(r reading) bool { return !math.IsNaN(r.value) }) {
		return nil
	}
	return faults{a.fault(reading{}, "", "no value is present: a file of observations needs at least one")}
}

// gaps finds numbers of cases that are left out between sorted readings.
func (a *assembly) gaps(readings []reading) faults {
	next := 0
	for _, r := range readings {
		if r.number > next {
			return faults{a.fault(r, "case", "case %d is here but not case %d: number the cases from 0 without gaps", r.number, next)}
		}
		next = r.number + 1
	}
	return nil
}

func (a *assembly) fault(r reading, name, format string, args ...any) *FileError {
	return &FileError{a.file, r.line, min(r.line, 1), name, fmt.Errorf(format, args...)}
}

func (a *assembly) describe(r reading) string {
	return fmt.Sprintf("%s at time %.10g of case %d", a.quantities[r.quantity], a.target.Timeline.Time(r.state), r.number)
}

// onLine says where a reading stands, if it stands on a line.
func (r reading) onLine() string {
	if r.line == 0 {
		return ""
	}
	return fmt.Sprintf(" (also on line %d)", r.line)
}

// sequences builds the sequence of each of the cases from sorted readings
// without faults.
func (a *assembly) sequences(readings []reading, number int) []Sequence {
	cases := make([]Sequence, number)
	for len(readings) > 0 {
		first := readings[0]
		n := 1
		for n < len(readings) && readings[n].number == first.number && readings[n].state == first.state {
			n++
		}
		s := &cases[first.number]
		s.Observations = append(s.Observations, a.observation(readings[:n]))
		readings = readings[n:]
	}
	return cases
}

// observation joins the readings of one state.
func (a *assembly) observation(readings []reading) Observation {
	op, slot := a.target.Operator, func(_ int, r reading) int { return r.quantity }
	if _, moves := op.(Moving); op == nil || moves {
		op, slot = a.selection(readings), func(k int, _ reading) int { return k }
	}
	_, values := op.Size()
	o := Observation{Index: readings[0].state, Operator: op, Values: missing(values), Sd: missing(values)}
	for k, r := range readings {
		o.Values[slot(k, r)], o.Sd[slot(k, r)] = r.value, r.sd
	}
	return o
}

// selection is the operator that sees the components, or the values of an
// operator that moves, of some readings.
func (a *assembly) selection(readings []reading) Operator {
	indices := make([]int, len(readings))
	var key strings.Builder
	for k, r := range readings {
		indices[k] = r.quantity
		fmt.Fprintf(&key, "%d ", r.quantity)
	}
	op, known := a.selections[key.String()]
	if !known {
		if a.target.Operator != nil {
			op = Restrict(a.target.Operator, indices)
		} else {
			op = newSelection(a.quantities, indices)
		}
		a.selections[key.String()] = op
	}
	return op
}
