package experiment

import (
	"math"
	"slices"

	"retrace/dynamics"
	"retrace/observe"
	"retrace/trajectory"
	"retrace/verify"
)

// Metric describes one figure of the result table.
type Metric struct {
	Name    string
	Label   string // for axes and table heads
	Summary string
	// Better is "lower", "higher" or "" (a cost or a description).
	Better string
	// Target is the value of a perfect method; NaN if there is none.
	Target float64
	// units are fixed, or those of the state if "state".
	units string
	// compute is nil for metrics that do not come from the ensemble alone. ok
	// is false where the metric has no meaning, such as an error without truth.
	compute func(s *subject) (value float64, ok bool, err error)
}

// Units of the metric for a system.
func (m Metric) Units(space dynamics.Space) string {
	if m.units == "state" {
		return space.Units
	}
	return m.units
}

// Metrics lists every metric, in the order of the table.
func Metrics() []Metric {
	none := math.NaN()
	list := []Metric{
		{"rmse", "RMSE", "root mean square error of the ensemble mean", "lower", none, "state", withTruth(verify.RMSE)},
		{"spread", "spread", "root mean variance of the members", "", none, "state", func(s *subject) (float64, bool, error) {
			return verify.Spread(s.ensemble), s.ensemble.Members > 1, nil
		}},
		{"spread_skill", "spread / skill", "spread over error; 1 is honest, below 1 too sure", "", 1, "1", withTruth(verify.SpreadSkill)},
		{"crps", "CRPS", "fair continuous ranked probability score", "lower", none, "state", withTruth(verify.CRPS)},
		{"log_prior", "log p(x)", "mean log density of the transitions, log p(x_2:L | x_1)", "", none, "nat", logPrior},
		{"log_likelihood", "log p(y | x)", "mean log likelihood of the observations, log p(y | x)", "", none, "nat", logLikelihood},
		{"withheld_crps", "withheld CRPS", "fair CRPS of observations that no method was given, in standard deviations of their error", "lower", none, "1", withWithheld(verify.Prediction.CRPS)},
		{"withheld_log_score", "withheld log score", "mean log density of those observations, in the same units, under the normal law of the ensemble's prediction", "higher", none, "nat", withWithheld(verify.Prediction.LogScore)},
		{"withheld_innovation", "withheld innovation²", "mean squared innovation of those observations over its variance; 1 is honest, above 1 too sure", "", 1, "1", withWithheld(squaredInnovation)},
		{"w1", "W1 to reference", "Wasserstein distance to the reference posterior", "lower", none, "state", nil},
		{"w1_floor", "W1 floor", "the same between two independent draws of the reference", "", none, "state", nil},
		{"evaluations", "evaluations", "network evaluations or model steps for each member", "", none, "1", nil},
	}
	list = slices.Insert(list, 4, fieldDescriptions()...)
	return append(list, physicsDescriptions()...)
}

// mixes reports whether a metric adds up values of different fields in their units.
func (m Metric) mixes() bool { return m.units == "state" || m.Name == "spread_skill" }

func metricNames() []string { return names(Metrics(), func(m Metric) string { return m.Name }) }

// subject is one ensemble to score and what is known about its case.
type subject struct {
	model    dynamics.Model
	ensemble *verify.Sample
	truth    *verify.Sample // nil if nobody knows it
	seen     observe.Sequence
	withheld observe.Sequence // empty if nothing was
	fields   *fieldView       // nil if states are no fields
	climate  []float64        // mean of each value of a state; nil if it is not known
}

func withTruth(score func(ensemble, truth *verify.Sample) float64) func(s *subject) (float64, bool, error) {
	return func(s *subject) (float64, bool, error) {
		if s.truth == nil {
			return 0, false, nil
		}
		value := score(s.ensemble, s.truth)
		return value, !math.IsNaN(value), nil
	}
}

func logPrior(s *subject) (float64, bool, error) {
	model, ok := s.model.(dynamics.TransitionDensity)
	if !ok {
		return 0, false, nil
	}
	value, err := verify.LogTransition(s.ensemble, model)
	return value, true, err
}

func logLikelihood(s *subject) (float64, bool, error) {
	if s.seen.Count() == 0 {
		return 0, false, nil
	}
	value, err := verify.LogLikelihood(s.ensemble, observe.NewLikelihood(s.seen).Log)
	return value, true, err
}

// withWithheld averages a score over the observations withheld, taken in standard
// deviations of their error, so that different quantities can be averaged.
func withWithheld(score func(verify.Prediction) float64) func(s *subject) (float64, bool, error) {
	return func(s *subject) (float64, bool, error) {
		predictions := verify.Predictions(s.ensemble, s.withheld)
		if len(predictions) == 0 || s.ensemble.Members < 2 {
			return 0, false, nil
		}
		var sum float64
		for _, p := range predictions {
			sum += score(p.Standardised())
		}
		return sum / float64(len(predictions)), true, nil
	}
}

func squaredInnovation(p verify.Prediction) float64 {
	z := p.Innovation()
	return z * z
}

// member views case i of a set as a sample.
func sampleOf(set *trajectory.Set, i int) (*verify.Sample, error) {
	part := set.Slice(i, i+1)
	part.Lead = part.Lead[1:]
	return verify.NewSample(part)
}
