package figure

import (
	"math"
	"strconv"
	"strings"
)

// Numbers are printed with a true minus sign and a thin space between
// thousands, which no locale reads as a decimal mark.
const (
	minus          = "−"
	thousandsSpace = "\u202f"
)

// number formats v with the given decimals, or, beyond the magnitudes one
// reads at a glance, as a power of ten with so many decimals as would leave
// the same significant digits.
func number(v float64, decimals int) string {
	text := strconv.FormatFloat(math.Abs(v), 'f', max(decimals, 0), 64)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		text = strings.TrimPrefix(text, "+")
	} else {
		text = grouped(text)
	}
	if v < 0 && strings.Trim(text, "0.") != "" {
		text = minus + text
	}
	return text
}

// grouped puts a thin space between the thousands of a number of five digits
// and more.
func grouped(text string) string {
	whole, fraction, hasFraction := strings.Cut(text, ".")
	if len(whole) > 4 {
		for at := len(whole) - 3; at > 0; at -= 3 {
			whole = whole[:at] + thousandsSpace + whole[at:]
		}
	}
	if hasFraction {
		return whole + "." + fraction
	}
	return whole
}

// scientific formats v as m×10ⁿ with decimals of m.
func scientific(v float64, decimals int) string {
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', max(decimals, 0), 64), "e")
	power, err := strconv.Atoi(exponent)
	if err != nil || mantissa == "" {
		return number(v, decimals)
	}
	return strings.Replace(mantissa, "-", minus, 1) + "×" + powerOfTen(power)
}

func powerOfTen(exponent int) string { return "10" + superscript(strconv.Itoa(exponent)) }

// magnitude is the exponent of the leading digit of v as printed, 0 for zero.
func magnitude(v float64) int {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	_, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', -1, 64), "e")
	power, _ := strconv.Atoi(exponent)
	return power
}

// significant formats v with a number of significant digits.
func significant(v float64, digits int) string {
	return alike(digits, v)[0]
}

// alike formats values that will be compared, with the same decimals: those
// that give the largest of them so many significant digits.
func alike(digits int, values ...float64) []string {
	largest := 0.0
	for _, v := range values {
		if a := math.Abs(v); a > largest && !math.IsInf(a, 0) {
			largest = a
		}
	}
	scale := magnitude(largest)
	texts := make([]string, len(values))
	for i, v := range values {
		if scale < -3 || scale > 6 {
			texts[i] = scientific(v, digits-1-(scale-magnitude(v)))
		} else {
			texts[i] = number(v, digits-1-scale)
		}
	}
	return texts
}

// duration formats seconds as a person would say them.
func duration(seconds float64) string {
	switch {
	case seconds < 0 || math.IsNaN(seconds) || math.IsInf(seconds, 0):
		return "—"
	case seconds < 0.0995:
		return number(seconds*1000, 0) + " ms"
	case seconds < 59.95:
		return number(seconds, 1) + " s"
	case seconds < 3599.5:
		whole := int(math.Round(seconds))
		return strconv.Itoa(whole/60) + " min " + strconv.Itoa(whole%60) + " s"
	}
	minutes := int64(math.Round(min(seconds, 1e15) / 60))
	return number(float64(minutes/60), 0) + " h " + strconv.FormatInt(minutes%60, 10) + " min"
}

// trimmed formats v with up to six significant digits and no trailing zeros.
func trimmed(v float64) string {
	text := strconv.FormatFloat(math.Abs(v), 'g', 6, 64)
	if strings.Contains(text, "e") {
		return scientific(v, 2)
	}
	if v < 0 {
		return minus + text
	}
	return text
}
