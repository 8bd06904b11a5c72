package dynamics

import "retrace/internal/fault"

// CheckBetween returns nil if low <= value <= high, and otherwise an error that
// names the key, the value and the range; NaN is outside every range. It is
// meant for [Builder.Build]; the error counts as the user's (exit code 2).
func CheckBetween[T int | float64](key string, value, low, high T) error {
	if value >= low && value <= high {
		return nil
	}
	return fault.Inputf("%s = %v: must be between %v and %v", key, value, low, high)
}
