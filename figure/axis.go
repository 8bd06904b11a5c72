package figure

import (
	"math"

	"gonum.org/v1/plot/vg"
)

// axis maps the values of a range to [0, 1], linearly or by their logarithm.
type axis struct {
	min, max float64
	log      bool
	ticks    []tick
}

// tick is a mark on an axis; a minor one has no label.
type tick struct {
	value float64
	label string
}

// span is the closed range of the values it was given.
type span struct{ min, max float64 }

func emptySpan() span { return span{math.Inf(1), math.Inf(-1)} }

func (s span) with(values ...float64) span {
	for _, v := range values {
		s.min, s.max = min(s.min, v), max(s.max, v)
	}
	return s
}

func (s span) union(o span) span { return span{min(s.min, o.min), max(s.max, o.max)} }

func (s span) empty() bool { return s.min > s.max }

// newAxis pads a range by 4 % on both sides, so that no mark touches the frame.
// A logarithmic axis needs a positive range; one that reaches down to the
// smallest numbers stays linear.
func newAxis(values span, log bool) axis {
	const smallest = 1e-300
	lo, hi := values.min, values.max
	if log = log && lo > smallest; log {
		lo, hi = math.Log10(lo), math.Log10(hi)
	}
	// Below a billionth of its magnitude a range holds rounding, and ticks
	// could not tell its ends apart.
	if scale := max(math.Abs(lo), math.Abs(hi)); hi-lo <= max(1e-9*scale, smallest) {
		widen := 0.1 * scale
		if widen < smallest || log {
			widen = 0.5
		}
		lo, hi = lo-widen, hi+widen
	}
	// Halves, because the difference of the largest numbers overflows.
	pad := 0.08 * (hi/2 - lo/2)
	if log {
		lo, hi = max(lo-pad, -307), min(hi+pad, 308)
		return axis{min: math.Pow(10, lo), max: math.Pow(10, hi), log: true}
	}
	return axis{min: max(lo-pad, -math.MaxFloat64/4), max: min(hi+pad, math.MaxFloat64/4)}
}

// at is the place of v between the ends of the axis, 0 to 1.
func (a axis) at(v float64) float64 {
	if a.log {
		return math.Log(v/a.min) / math.Log(a.max/a.min)
	}
	return (v - a.min) / (a.max - a.min)
}

// withTicks chooses the most labelled ticks that fits accepts, one in any case.
func (a axis) withTicks(most int, fits func(labelled []tick) bool) axis {
	for count := most; count >= 1; count-- {
		a.ticks = a.linearTicks(count)
		if a.log {
			a.ticks = a.logTicks(count)
		}
		if fits(a.labelled()) {
			break
		}
	}
	return a
}

// alongX gives an axis of a length the ticks of a lower axis. Their labels keep
// apart and stand out by no more than overhang at the ends, where the next
// panel begins.
func (a axis) alongX(length, overhang vg.Length) axis {
	style := textStyle{size: smallText}
	a = a.withTicks(6, func(labelled []tick) bool {
		end := vg.Length(math.Inf(-1))
		for _, t := range labelled {
			centre, half := vg.Length(a.at(t.value))*length, style.width(t.label)/2
			if centre-half < end+smallText/2 {
				return false
			}
			end = centre + half
		}
		return true
	})
	for i, t := range a.ticks {
		centre, half := vg.Length(a.at(t.value))*length, style.width(t.label)/2
		if out := centre-half < -overhang || centre+half > length+overhang; out && len(a.labelled()) > 1 {
			a.ticks[i].label = ""
		}
	}
	return a
}

// alongY gives an axis of a length the ticks of a left axis.
func (a axis) alongY(length vg.Length) axis {
	return a.withTicks(5, func(labelled []tick) bool {
		for i := 1; i < len(labelled); i++ {
			if vg.Length(a.at(labelled[i].value)-a.at(labelled[i-1].value))*length < 1.5*smallText {
				return false
			}
		}
		return true
	})
}

func (a axis) labelled() []tick {
	var labelled []tick
	for _, t := range a.ticks {
		if t.label != "" {
			labelled = append(labelled, t)
		}
	}
	return labelled
}

// linearTicks returns about count ticks at multiples of 1, 2 or 5 times a
// power of ten, at least one of them.
func (a axis) linearTicks(count int) []tick {
	step, exponent := niceStep((a.max - a.min) / float64(count))
	var values []float64
	for i := math.Ceil(a.min / step); i*step <= a.max; i++ {
		values = append(values, i*step)
	}
	if len(values) == 0 {
		values = []float64{(a.min + a.max) / 2}
	}
	return labelTicks(values, exponent)
}

// niceStep is the smallest of 1, 2, 5 times a power of ten not below raw, and
// the exponent of that power.
func niceStep(raw float64) (step float64, exponent int) {
	exponent = int(math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5} {
		if step = m * math.Pow10(exponent); step >= raw*(1-1e-9) {
			return step, exponent
		}
	}
	return math.Pow10(exponent + 1), exponent + 1
}

// labelTicks labels multiples of a step of the given exponent, all with the
// same power of ten where the largest of them needs one; large numbers that
// differ in late digits only are easier to read in full.
func labelTicks(values []float64, exponent int) []tick {
	largest := 0.0
	for _, v := range values {
		largest = max(largest, math.Abs(v))
	}
	top := magnitude(largest)
	ticks := make([]tick, len(values))
	for i, v := range values {
		switch {
		case v == 0:
			ticks[i] = tick{v, "0"}
		case top > 5 && (top-exponent <= 3 || top > 12) || top < -3:
			mantissa := number(v/math.Pow10(top), top-exponent)
			ticks[i] = tick{v, mantissa + "×" + powerOfTen(top)}
		default:
			ticks[i] = tick{v, number(v, -exponent)}
		}
	}
	return ticks
}

// logTicks labels at most count powers of ten; where the axis has fewer than
// two of them, it labels 1, 2 and 5 times each, and where even those are rare,
// linear ticks.
func (a axis) logTicks(count int) []tick {
	first, last := int(math.Ceil(math.Log10(a.min))), int(math.Floor(math.Log10(a.max)))
	decades := last - first + 1
	stride := max(1, (decades+count-1)/count)
	var ticks []tick
	for exponent := first - 1; exponent <= last; exponent++ {
		for m := 1; m <= 9; m++ {
			value := float64(m) * math.Pow10(exponent)
			if value < a.min || value > a.max || m > 1 && decades > 6 {
				continue
			}
			t := tick{value: value}
			if m == 1 && (exponent-first)%stride == 0 || decades < 2 && (m == 1 || m == 2 || m == 5) {
				t.label = logLabel(m, exponent)
			}
			ticks = append(ticks, t)
		}
	}
	if decades < 2 && len(axis{ticks: ticks}.labelled()) < 2 {
		return a.linearTicks(count)
	}
	return ticks
}

func logLabel(multiple, exponent int) string {
	switch {
	case exponent >= -3 && exponent <= 3:
		return number(float64(multiple)*math.Pow10(exponent), -exponent)
	case multiple == 1:
		return powerOfTen(exponent)
	}
	return number(float64(multiple), 0) + "×" + powerOfTen(exponent)
}
