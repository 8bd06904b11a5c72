package quality

import (
	"fmt"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/observe"
)

// Rules are the checks that a config asks for: the table [quality]. The zero
// value checks nothing but that values can be used, and looks for duplicates.
type Rules struct {
	Limits     []Limits `toml:"limits" doc:"possible values of quantities"`
	Gross      float64  `toml:"gross" doc:"reject values further than this many standard deviations from the climatology of the training trajectories; 0: no such check"`
	Background float64  `toml:"background" doc:"reject values further than this many standard deviations, of prior and noise together, from what the prior predicts; 0: no such check"`
	Doubt      float64  `toml:"doubt" doc:"where a larger share of a window fails the background check, it is the prior that is wrong, and the check is dropped; 0 to 1"`
	ThinTime   int      `toml:"thin_time" doc:"keep of each quantity one value in this many states; 1 keeps all"`
	ThinSpace  float64  `toml:"thin_space" doc:"keep values of one state that are at least this far apart, in units of the axes; 0 keeps all"`
	Superob    float64  `toml:"superob" doc:"merge values in cells of this size, in units of the axes; 0 merges none"`
	Floor      float64  `toml:"superob_floor" doc:"share of the standard deviation of a value that merging does not reduce; 0 to 1"`
}

// NewRules returns the checks of 5 standard deviations against the climatology
// and 4 against the prior, without thinning.
func NewRules() *Rules { return &Rules{Gross: 5, Background: 4, Doubt: 0.5, ThinTime: 1} }

// Check reports the first rule that is out of range, by its key.
func (r *Rules) Check() error {
	for _, l := range r.Limits {
		if !(l.Least <= l.Greatest) {
			return fault.Inputf("limits: least = %v is above greatest = %v", l.Least, l.Greatest)
		}
	}
	for _, err := range []error{
		dynamics.CheckBetween("gross", r.Gross, 0, 1e6),
		dynamics.CheckBetween("background", r.Background, 0, 1e6),
		dynamics.CheckBetween("doubt", r.Doubt, 0, 1),
		dynamics.CheckBetween("thin_time", r.ThinTime, 0, 1<<30),
		dynamics.CheckBetween("thin_space", r.ThinSpace, 0, 1e12),
		dynamics.CheckBetween("superob", r.Superob, 0, 1e12),
		dynamics.CheckBetween("superob_floor", r.Floor, 0, 1),
	} {
		if err != nil {
			return err
		}
	}
	if r.ThinSpace > 0 && r.Superob > 0 {
		return fault.Inputf("superob: thin_space is given too: merge neighbours or leave them out, not both")
	}
	return nil
}

// Known is what Rules compare observations with.
type Known struct {
	Space dynamics.Space
	// Climatology and Prior are moments of the values of the sequence that is
	// checked (Climatology, Predict); the checks against those that are zero are
	// left out.
	Climatology, Prior Moments
}

// Outcome is what the checks of one window found.
type Outcome struct {
	// Observations are those that were checked, superobservations among them; a
	// row of a feedback table each.
	Observations observe.Sequence
	Verdicts     Verdicts // of Observations
	// Doubted says that the background check was dropped because too many values
	// failed it.
	Doubted bool
}

// Assimilate is the sequence of the values that passed.
func (o Outcome) Assimilate() observe.Sequence { return o.Verdicts.Accepted(o.Observations) }

// fewest is the number of values from which on their failing together says
// something about the prior.
const fewest = 10

// Apply carries the checks out, in the order in which the package comment lists
// them. Sequences must be valid (observe.Sequence.Validate) but for their values
// and standard deviations. Moments that do not fit the sequence are a programmer's
// error, and a panic.
func (r *Rules) Apply(s observe.Sequence, known Known) Outcome {
	v := Begin(s)
	known.Climatology.fits(s, "climatology")
	known.Prior.fits(s, "prior")
	Range(v, s, r.Limits)
	Duplicates(v, s)
	if r.Gross > 0 && known.Climatology.Mean != nil {
		Gross(v, s, known.Climatology, r.Gross)
	}
	doubted := r.Background > 0 && known.Prior.Mean != nil && !r.background(v, s, known.Prior)
	if r.ThinTime > 1 {
		ThinTime(v, s, r.ThinTime)
	}
	if r.ThinSpace > 0 {
		ThinSpace(v, s, known.Space, r.ThinSpace)
	}
	if r.Superob > 0 {
		s, v = Superob(v, s, known.Space, Cells{r.Superob, r.Floor})
	}
	return Outcome{s, v, doubted}
}

// background carries the background check out. It reports false, and rejects
// nothing, if too many values fail.
func (r *Rules) background(v Verdicts, s observe.Sequence, prior Moments) bool {
	before := v.Counts()[Accepted]
	Background(v, s, prior, r.Background)
	failed := before - v.Counts()[Accepted]
	if before < fewest || float64(failed) <= r.Doubt*float64(before) {
		return true
	}
	for _, row := range v {
		for j, verdict := range row {
			if verdict == Unlikely {
				row[j] = Accepted
			}
		}
	}
	return false
}

func (m Moments) fits(s observe.Sequence, what string) {
	if m.Mean != nil && (len(m.Mean) != len(s.Observations) || len(m.Sd) != len(s.Observations)) {
		panic(fmt.Sprintf("quality: a %s of another sequence", what))
	}
}
