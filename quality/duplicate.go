package quality

import "retrace/observe"

// Duplicates rejects values that are there already: the same number with the same
// standard deviation for the same quantity of the same state. The first is kept.
// Two different numbers are two measurements, and both stay.
func Duplicates(v Verdicts, s observe.Sequence) {
	v.fits(s)
	type reading struct {
		label     string
		value, sd float64
	}
	seen := map[reading]bool{}
	state := -1
	for k, o := range s.Observations {
		if o.Index != state {
			state = o.Index
			clear(seen)
		}
		if alone(s, k) {
			continue
		}
		for j, label := range observe.Labels(o.Operator) {
			if v[k][j] != Accepted {
				continue
			}
			r := reading{label, o.Values[j], o.Sd[j]}
			if seen[r] {
				v[k][j] = Duplicate
			}
			seen[r] = true
		}
	}
}

// alone reports whether observation k is the only one of its state: its own
// labels are distinct.
func alone(s observe.Sequence, k int) bool {
	index := s.Observations[k].Index
	return (k == 0 || s.Observations[k-1].Index != index) &&
		(k+1 == len(s.Observations) || s.Observations[k+1].Index != index)
}
