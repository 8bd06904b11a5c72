package quality

import (
	"math"

	"retrace/observe"
)

// Verdicts holds one Verdict for each value of each observation of a sequence.
// The checks take a sequence and its verdicts together; it is a programmer's
// error, and a panic, if they do not fit.
type Verdicts [][]Verdict

// Begin gives the values of a sequence their first verdicts: Missing if NaN,
// Invalid if no method could use it, Accepted otherwise.
func Begin(s observe.Sequence) Verdicts {
	v := make(Verdicts, len(s.Observations))
	for k, o := range s.Observations {
		v[k] = make([]Verdict, len(o.Values))
		for j, y := range o.Values {
			switch sd := o.Sd[j]; {
			case math.IsNaN(y):
				v[k][j] = Missing
			case math.IsInf(y, 0) || !(sd > 0) || math.IsInf(sd, 0):
				v[k][j] = Invalid
			}
		}
	}
	return v
}

// Accepted is the sequence to assimilate: s with every value that did not pass
// missing. Observations keep their places, so that values can still be found by
// their position; operators and standard deviations are shared with s.
func (v Verdicts) Accepted(s observe.Sequence) observe.Sequence {
	v.fits(s)
	observations := make([]observe.Observation, len(s.Observations))
	for k, o := range s.Observations {
		observations[k] = o
		observations[k].Values = make([]float64, len(o.Values))
		for j, y := range o.Values {
			if v[k][j] != Accepted {
				y = math.NaN()
			}
			observations[k].Values[j] = y
		}
	}
	return observe.Sequence{Observations: observations}
}

// each visits the values that pass: value j of observation k.
func (v Verdicts) each(s observe.Sequence, visit func(k, j int, o observe.Observation)) {
	v.fits(s)
	for k, o := range s.Observations {
		for j := range o.Values {
			if v[k][j] == Accepted {
				visit(k, j, o)
			}
		}
	}
}

func (v Verdicts) fits(s observe.Sequence) {
	if len(v) != len(s.Observations) {
		panic("quality: verdicts of another sequence")
	}
	for k, o := range s.Observations {
		if len(v[k]) != len(o.Values) {
			panic("quality: verdicts of another sequence")
		}
	}
}

// Counts is the number of values of each verdict that occurs. In JSON it is an
// object of their names.
type Counts map[Verdict]int

// Counts counts the verdicts.
func (v Verdicts) Counts() Counts {
	counts := Counts{}
	for _, row := range v {
		for _, verdict := range row {
			counts[verdict]++
		}
	}
	return counts
}

// Add adds other counts, such as those of another window.
func (c Counts) Add(other Counts) {
	for verdict, n := range other {
		c[verdict] += n
	}
}

// Rate is the share of the values present in which a fault was found, in
// [0, 1]; 0 without values. A rate that rises from window to window is the mark
// of a filter that loses the truth.
func (c Counts) Rate() float64 {
	present, rejected := 0, 0
	for verdict, n := range c {
		if verdict != Missing {
			present += n
		}
		if verdict.Rejected() {
			rejected += n
		}
	}
	if present == 0 {
		return 0
	}
	return float64(rejected) / float64(present)
}

// Reasons names the verdict of each value that did not pass, and is "" for those
// that did and for missing ones: what a program that knows nothing of this package
// needs.
func (v Verdicts) Reasons() [][]string {
	reasons := make([][]string, len(v))
	for k, row := range v {
		reasons[k] = make([]string, len(row))
		for j, verdict := range row {
			if verdict != Accepted && verdict != Missing {
				reasons[k][j] = verdict.String()
			}
		}
	}
	return reasons
}
