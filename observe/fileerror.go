package observe

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"retrace/internal/fault"
)

// mostFaults is how many faults of one file or sequence are reported.
const mostFaults = 20

// FileError is one thing wrong with a file of observations.
type FileError struct {
	File string
	// Line and Column count from 1; both are 0 where the fault has no line.
	Line, Column int
	// Name is the column or array at fault; empty for the file as a whole.
	Name string
	// Err says what is wrong and the cure.
	Err error
}

// Error reads "file:line:column name: what is wrong: cure".
func (e *FileError) Error() string {
	place := e.File
	if e.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Column)
	}
	if e.Name != "" {
		place += " " + e.Name
	}
	return place + ": " + e.Err.Error()
}

// Unwrap returns Err.
func (e *FileError) Unwrap() error { return e.Err }

// faults are the things wrong with one file.
type faults []*FileError

// err is nil without faults, and otherwise one input error with a line a
// fault, in the order of the file.
func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	slices.SortStableFunc(f, func(a, b *FileError) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	errs := make([]error, 0, mostFaults+1)
	for _, e := range f[:min(len(f), mostFaults)] {
		errs = append(errs, e)
	}
	if len(f) >= mostFaults {
		errs = append(errs, fmt.Errorf("%s: there may be more: only the first %d faults are shown", f[0].File, mostFaults))
	}
	return fault.Input(errors.Join(errs...))
}
