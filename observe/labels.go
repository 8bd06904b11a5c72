package observe

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/strict"
)

// Named is an Operator whose values have names: the quantities of files.
type Named interface {
	Operator
	// Labels names each value, without repetition; an empty list leaves them
	// unnamed. The caller must not change the slice.
	Labels() []string
}

// Labels names the values of an operator: by its own labels if it is [Named]
// and has any, otherwise value0, value1, ... The caller must not change the slice.
func Labels(op Operator) []string {
	_, values := op.Size()
	if named, ok := op.(Named); ok && len(named.Labels()) > 0 {
		if len(named.Labels()) != values {
			panic(fmt.Sprintf("observe: an operator names %d of its %d values", len(named.Labels()), values))
		}
		return named.Labels()
	}
	labels := make([]string, values)
	for j := range labels {
		labels[j] = "value" + strconv.Itoa(j)
	}
	return labels
}

// ComponentLabels names the components of a state in the order of its values:
// the label or coordinate on each axis, joined by "/", as in "x" or
// "upper/0.5/1.5".
func ComponentLabels(space dynamics.Space) []string {
	return blockLabels(space, ones(len(space.Axes)))
}

// pointLabel names a point of an axis.
func pointLabel(a dynamics.Axis, i int) string {
	if len(a.Labels) > 0 {
		return a.Labels[i]
	}
	return formatPosition(a.Coordinates[i])
}

// formatPosition writes a coordinate or a time with few enough digits to hide
// the rounding of 3*0.1, and enough to tell any two grid points apart.
func formatPosition(x float64) string { return strconv.FormatFloat(x, 'g', 15, 64) }

// formatNumber writes the shortest decimal that reads back as the same float64.
func formatNumber(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// checkLabels reports labels that could not stand in a file.
func checkLabels(key string, labels []string) error {
	seen := make(map[string]bool, len(labels))
	for _, label := range labels {
		switch {
		case label == "" || strings.TrimSpace(label) != label || strings.ContainsFunc(label, unicode.IsControl):
			return fault.Inputf("%s: %q cannot name a value: give printable text without space around it", key, label)
		case seen[label]:
			return fault.Inputf("%s: %q is listed twice: name each value once", key, label)
		}
		seen[label] = true
	}
	return nil
}

// unknown is the error for a name that is none of the allowed ones.
func unknown(key, name string, allowed []string) error {
	return fault.Inputf("%s: unknown name %q: %s", key, name, hint(name, allowed))
}

// hint proposes the nearest allowed name, or else lists what is allowed.
func hint(name string, allowed []string) string {
	const longest = 64
	if len(name) <= longest {
		if near := strict.Nearest(name, allowed); near != "" {
			return fmt.Sprintf("did you mean %q?", near)
		}
	}
	return valid(allowed)
}

// valid lists names, or the first few: a field has more components than an
// error can hold.
func valid(allowed []string) string {
	const few = 12
	if len(allowed) > few {
		return fmt.Sprintf("valid are %s, ... (%d names)", strings.Join(allowed[:few], ", "), len(allowed))
	}
	return "valid are " + strings.Join(allowed, ", ")
}
