package observe

import (
	"errors"
	"fmt"
	"math"

	"retrace/dynamics"
	"retrace/internal/fault"
)

// Layout lays out one observation of each state listed, all through one
// operator, with every value still missing. sd is the standard deviation of
// the noise in physical units: one number, one for each observed value, or, for
// an operator that sees fields, one for each field. Another number of them, or
// one that is not greater than 0, is an input error of the key sd.
func Layout(op Operator, indices []int, sd ...float64) (Sequence, error) {
	each, err := eachSd(op, sd)
	if err != nil {
		return Sequence{}, err
	}
	for _, s := range sd {
		if !validSd(s) {
			return Sequence{}, fault.Inputf("sd: %v is not greater than 0: give the standard deviation of the noise in the units of the observed value", s)
		}
	}
	observations := make([]Observation, len(indices))
	for k, i := range indices {
		observations[k] = Observation{Index: i, Operator: op, Values: missing(len(each)), Sd: each}
	}
	return Sequence{observations}, nil
}

// eachSd gives every value of an operator its standard deviation.
func eachSd(op Operator, sd []float64) ([]float64, error) {
	_, values := op.Size()
	each := make([]float64, values)
	grouped, ok := op.(interface {
		groups() (group []int, number int)
	})
	if ok && len(sd) > 1 && len(sd) != values {
		group, number := grouped.groups()
		if len(sd) != number {
			return nil, fault.Inputf("sd: %d standard deviations for %d observed values of %d fields: give one, one for each field, or one for each value", len(sd), values, number)
		}
		for j, g := range group {
			each[j] = sd[g]
		}
		return each, nil
	}
	if len(sd) != 1 && len(sd) != values {
		return nil, fault.Inputf("sd: %d standard deviations for %d observed values: give one, or one for each value", len(sd), values)
	}
	for j := range each {
		each[j] = sd[j%len(sd)]
	}
	return each, nil
}

func validSd(sd float64) bool { return sd > 0 && !math.IsInf(sd, 0) }

// missing returns n missing values.
func missing(n int) []float64 {
	values := make([]float64, n)
	for j := range values {
		values[j] = math.NaN()
	}
	return values
}

// Count is the number of values that are not missing.
func (s Sequence) Count() int { return Count(s.Observations) }

// Count is the number of values of some observations, of one state perhaps, that
// are not missing.
func Count(observations []Observation) int {
	present := 0
	for _, o := range observations {
		for _, y := range o.Values {
			if !math.IsNaN(y) {
				present++
			}
		}
	}
	return present
}

// Validate checks a sequence against trajectories of length states of a space.
// It reports every observation at fault (the first 20), by its position.
// Sequences without observations, and observations without values that are
// present, are valid. Methods may rely on what it checks: indices within the
// trajectory and not decreasing, operators that fit the space, values finite or
// NaN, standard deviations finite and greater than 0 for every value that
// is present, and noise that is Gaussian and independent: another law is an input
// error, an *ErrLaw. Methods that know laws call ValidateAny.
func (s Sequence) Validate(length int, space dynamics.Space) error {
	for k, o := range s.Observations {
		if o.Law != nil {
			return fmt.Errorf("observation %d: %w", k, refuse(o.Law))
		}
	}
	return s.ValidateAny(length, space)
}

// ValidateAny is Validate for methods that know all laws of noise.
func (s Sequence) ValidateAny(length int, space dynamics.Space) error {
	var errs []error
	previous := 0
	for k, o := range s.Observations {
		if err := o.validate(previous, length, space.Size()); err != nil {
			errs = append(errs, fmt.Errorf("observation %d: %w", k, err))
		}
		previous = o.Index
		if len(errs) == mostFaults {
			break
		}
	}
	return errors.Join(errs...)
}

func (o Observation) validate(previous, length, size int) error {
	if o.Index < 0 || o.Index >= length {
		return fmt.Errorf("no state %d: states are 0 to %d", o.Index, length-1)
	}
	if o.Index < previous {
		return fmt.Errorf("state %d stands after state %d: sort the observations by state", o.Index, previous)
	}
	if o.Operator == nil {
		return errors.New("it has no operator")
	}
	state, values := o.Operator.Size()
	if state != size {
		return fmt.Errorf("its operator is for states of %d values: these have %d", state, size)
	}
	if len(o.Values) != values || len(o.Sd) != values {
		return fmt.Errorf("its operator gives %d values: it has %d values and %d standard deviations", values, len(o.Values), len(o.Sd))
	}
	for j, y := range o.Values {
		switch {
		case math.IsInf(y, 0):
			return fmt.Errorf("value %q is %v: give a finite number, or NaN if missing", Labels(o.Operator)[j], y)
		case o.impossible(y):
			return fmt.Errorf("value %q is %v: noise %q gives whole numbers from 0 on", Labels(o.Operator)[j], y, o.Law.Name())
		case !math.IsNaN(y) && !validSd(o.Sd[j]):
			return fmt.Errorf("the standard deviation of %q is %v: give a finite one greater than 0", Labels(o.Operator)[j], o.Sd[j])
		}
	}
	return nil
}

// impossible reports whether a value is one that the law of the noise never gives.
func (o Observation) impossible(y float64) bool {
	counts, ok := o.Law.(*Poisson)
	return ok && !math.IsNaN(y) && math.IsInf(counts.LogValue(y, 1, 1), -1)
}
