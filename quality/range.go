package quality

import (
	"strings"

	"retrace/observe"
)

// Limits are the least and the greatest possible value of some quantities, in
// their physical units.
type Limits struct {
	Quantity string  `toml:"quantity" doc:"quantities meant: a label, or the part of it before the first \"/\", such as the channel \"psi1\"; nothing for all"`
	Least    float64 `toml:"least,required" doc:"least possible value, in units of the quantity"`
	Greatest float64 `toml:"greatest,required" doc:"greatest possible value, in units of the quantity"`
}

// covers reports whether the limits are about a label.
func (l Limits) covers(label string) bool {
	channel, _, _ := strings.Cut(label, "/")
	return l.Quantity == "" || l.Quantity == label || l.Quantity == channel
}

// Range rejects values outside of limits; the limits themselves are possible.
// Several may cover one quantity; all must hold.
func Range(v Verdicts, s observe.Sequence, limits []Limits) {
	if len(limits) == 0 {
		return
	}
	v.fits(s)
	for k, o := range s.Observations {
		labels := observe.Labels(o.Operator)
		for j, y := range o.Values {
			for _, l := range limits {
				if v[k][j] == Accepted && (y < l.Least || y > l.Greatest) && l.covers(labels[j]) {
					v[k][j] = OutOfRange
				}
			}
		}
	}
}
