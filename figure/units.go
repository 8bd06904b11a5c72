package figure

import (
	"fmt"
	"strings"
)

// withUnits is an axis label: a name and its units in parentheses, with
// UDUNITS powers raised. Units of "" and "1" are not printed.
func withUnits(name, units string) string {
	if units == "" || units == "1" {
		return name
	}
	return fmt.Sprintf("%s (%s)", name, printUnits(units))
}

const noBreakSpace = "\u00a0"

// printUnits raises the powers of a UDUNITS name: "m2 s-1" is m² s⁻¹. Its
// words stay on one line.
func printUnits(units string) string {
	words := strings.Fields(units)
	for i, word := range words {
		base := strings.TrimRight(word, "0123456789")
		power := word[len(base):]
		if power == "" {
			continue
		}
		if trimmed, negative := strings.CutSuffix(base, "-"); negative {
			base, power = trimmed, "-"+power
		}
		base = strings.TrimSuffix(base, "^")
		if isLetters(base) {
			words[i] = base + superscript(power)
		}
	}
	return strings.Join(words, noBreakSpace)
}

func isLetters(s string) bool {
	return s != "" && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyzµμ°") == ""
}

var raised = strings.NewReplacer("-", "⁻", "0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴",
	"5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹")

func superscript(integer string) string { return raised.Replace(integer) }
