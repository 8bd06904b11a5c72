package calibrate

import (
	"encoding/json"
	"fmt"
	"math"
)

// Number is a number that JSON shows as null where it is NaN or infinite.
type Number float64

// MarshalJSON implements json.Marshaler.
func (n Number) MarshalJSON() ([]byte, error) {
	if f := float64(n); !math.IsNaN(f) && !math.IsInf(f, 0) {
		return json.Marshal(f)
	}
	return []byte("null"), nil
}

// Interval is an estimate with its 95 % confidence interval.
type Interval struct {
	Value Number `json:"value"`
	Low   Number `json:"low"`
	High  Number `json:"high"`
}

// Assessment is what is known of a method after a study.
type Assessment struct {
	Method   string `json:"method"`
	Summary  string `json:"summary,omitempty"`
	Pass     bool   `json:"pass"`
	Reason   string `json:"reason"` // in words
	Cases    int    `json:"cases"`
	Diverged int    `json:"diverged"`
	// Spread is the standard deviation of the members over the right one, all
	// values taken together: the spread-skill ratio, pooled over cases.
	Spread Interval `json:"spread_ratio"`
	// CRPS is the mean fair CRPS over values in units of their standard deviation.
	CRPS Number `json:"crps"`
	// EnergyScore is the mean fair energy score and VariogramScore the mean variogram score
	// of order 1/2 of whole trajectories, of some thousand and some dozen of their values,
	// in units of their standard deviation.
	EnergyScore    Number `json:"energy_score"`
	VariogramScore Number `json:"variogram_score"`
	// Withheld are scores of observations that the method was not given; nil if
	// there are none.
	Withheld    *Withheld `json:"withheld,omitempty"`
	Evaluations int       `json:"evaluations"` // for each member
	Seconds     float64   `json:"seconds"`
	Tests       []Test    `json:"tests"`
	// Excess is the CRPS above that of the exact posterior, as a share of it; NaN if
	// that is not known.
	Excess Number `json:"crps_excess"`

	// Ranks of the first function and of the distance to a random point, for figures.
	Ranks, Nearness []float64 `json:"-"`

	crps []float64
}

// Withheld are means over withheld values.
type Withheld struct {
	Values     int    `json:"values"`
	Innovation Number `json:"normalised_innovation_squared"` // 1 is right
	CRPS       Number `json:"crps"`                          // in units of the values
	LogScore   Number `json:"log_score"`                     // in nats
}

func (s *Study) assessment(name string, t *tally) *Assessment {
	a := &Assessment{
		Method: name, Cases: len(s.Cases), Diverged: t.diverged, Evaluations: t.evaluations, Seconds: t.seconds,
		CRPS: Number(mean(t.crps)), EnergyScore: Number(mean(t.energy)), VariogramScore: Number(mean(t.variogram)), Excess: Number(math.NaN()), crps: t.crps,
		Ranks: t.ranks[0], Nearness: t.ranks[len(t.ranks)-1],
	}
	a.Spread = spreadSkill(t, s.Members)
	if h := t.heldOut; h.Count > 0 {
		n := float64(h.Count)
		a.Withheld = &Withheld{h.Count, Number(h.Innovation / n), Number(h.CRPS / n), Number(h.LogScore / n)}
	}
	a.Tests = append(judge(s.battery(t), s.Level), s.realismTests(t)...)
	a.Pass = t.diverged == 0
	for _, test := range a.Tests {
		a.Pass = a.Pass && test.Pass
	}
	a.Reason = a.reason()
	return a
}

// Against compares an assessment with that of the exact posterior on the same
// cases: how much larger the CRPS is.
func (a *Assessment) Against(exact *Assessment) {
	if len(a.crps) == len(exact.crps) {
		a.Excess = Number(float64(a.CRPS)/float64(exact.CRPS) - 1)
	}
}

// spreadSkill is sqrt((M+1)/M sum variance / sum squared error) over cases, with an
// interval by the delta method, cases being independent.
func spreadSkill(t *tally, members int) Interval {
	n := float64(len(t.square))
	if n < 2 {
		return Interval{Number(math.NaN()), Number(math.NaN()), Number(math.NaN())}
	}
	factor := (float64(members) + 1) / float64(members)
	v, e := factor*mean(t.variance), mean(t.square)
	ratio := v / e
	var sum float64
	for i, square := range t.square {
		d := factor*t.variance[i] - ratio*square
		sum += d * d
	}
	half := 1.96 * math.Sqrt(sum/(n-1)/n) / e / 2 / math.Sqrt(ratio) // of the root
	root := math.Sqrt(ratio)
	return Interval{Number(root), Number(max(0, root-half)), Number(root + half)}
}

// reason says in words what is wrong, the worst first.
func (a *Assessment) reason() string {
	if a.Diverged > 0 {
		return fmt.Sprintf("diverged in %d of %d cases", a.Diverged, a.Cases)
	}
	if a.Pass {
		return fmt.Sprintf("no test tells its members from the truth; they have %.2f times the right standard deviation (%.2f to %.2f)",
			a.Spread.Value, a.Spread.Low, a.Spread.High)
	}
	ratio := float64(a.Spread.Value)
	failed := a.failed()
	spread := failed["spread"] + failed["spread of all values"] + failed["coverage"] + failed["withheld spread"]
	width := fmt.Sprintf("its members have %.2f times the right standard deviation (%.2f to %.2f)", ratio, a.Spread.Low, a.Spread.High)
	switch {
	case spread > 0 && a.tooNarrow() && ratio < 1:
		return fmt.Sprintf("too narrow by %.0f %%: %s", 100*(1-ratio), width)
	case spread > 0 && !a.tooNarrow() && ratio > 1:
		return fmt.Sprintf("too wide by %.0f %%: %s", 100*(ratio-1), width)
	case failed["bias"]+failed["withheld bias"] > 0:
		return "shifted: " + a.worst("bias") + "; " + width
	}
	return "members can be told from the truth by " + a.worst("") + "; " + width
}

func (a *Assessment) failed() map[string]int {
	count := map[string]int{}
	for _, t := range a.Tests {
		if !t.Pass {
			count[t.Name]++
		}
	}
	return count
}

// tooNarrow looks at the pooled spread test: mean z^2 above 1.
func (a *Assessment) tooNarrow() bool { return float64(a.Tests[0].Statistic) > 1 }

// worst describes the failed test of the least p-value, of a name if not empty.
func (a *Assessment) worst(name string) string {
	var found *Test
	for i := range a.Tests {
		t := &a.Tests[i]
		if !t.Pass && (name == "" || t.Name == name) && (found == nil || !(float64(t.P) >= float64(found.P))) {
			found = t
		}
	}
	if found == nil {
		return "withheld observations"
	}
	return found.Name + " of " + found.Subject
}

func mean(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

func percent(share float64) string { return fmt.Sprintf("%g %%", 100*share) }
