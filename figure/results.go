package figure

import "slices"

// Score is one number that a method reached on one case: a record of
// scores.json.
type Score struct {
	Scenario, Method string
	Case             int
	Metric           string
	Value            float64
}

// Metric says how the scores of one name are shown.
type Metric struct {
	Name  string // as in the records
	Label string // in words, for axes and table heads; empty means Name
	Units string // UDUNITS; "" or "1" is not printed
	// Summary says in a sentence what the number is; empty if the label does.
	Summary string
	Better  Direction
	// Target is the value of a perfect method, such as 1 for the ratio of
	// spread to skill; nil if there is none. With a target, nearer is better
	// and Better is ignored.
	Target *float64
	// Floor names the metric that holds what no method can be expected to beat,
	// such as the distance between two draws of the reference. Its records are
	// pooled over the methods of a scenario. Empty if there is none.
	Floor string
}

// Direction tells which values of a metric are good.
type Direction int

const (
	Neither Direction = iota // a cost or a description: never emphasised
	Lower                    // lower is better
	Higher                   // higher is better
)

// String says the direction in words, or nothing.
func (d Direction) String() string {
	switch d {
	case Lower:
		return "lower is better"
	case Higher:
		return "higher is better"
	}
	return ""
}

func (m Metric) label() string {
	if m.Label == "" {
		return withUnits(m.Name, m.Units)
	}
	return withUnits(m.Label, m.Units)
}

// hint says in words which values are good.
func (m Metric) hint() string {
	if m.Target != nil {
		return "ideal: " + trimmed(*m.Target)
	}
	return m.Better.String()
}

// results looks scores up by scenario, method and metric, in the order in which
// scenarios and methods first appear.
type results struct {
	scenarios []string
	methods   map[string][]string // of each scenario, those with a metric shown
	values    map[resultKey][]float64
	pooled    map[resultKey][]float64 // over methods
}

type resultKey struct{ scenario, method, metric string }

func newResults(scores []Score, metrics []Metric) results {
	r := results{
		methods: map[string][]string{},
		values:  map[resultKey][]float64{},
		pooled:  map[resultKey][]float64{},
	}
	for _, s := range scores {
		pooled := resultKey{s.Scenario, "", s.Metric}
		r.pooled[pooled] = append(r.pooled[pooled], s.Value)
		if !slices.ContainsFunc(metrics, func(m Metric) bool { return m.Name == s.Metric }) {
			continue
		}
		if !slices.Contains(r.scenarios, s.Scenario) {
			r.scenarios = append(r.scenarios, s.Scenario)
		}
		if !slices.Contains(r.methods[s.Scenario], s.Method) {
			r.methods[s.Scenario] = append(r.methods[s.Scenario], s.Method)
		}
		key := resultKey{s.Scenario, s.Method, s.Metric}
		r.values[key] = append(r.values[key], s.Value)
	}
	return r
}

// floor returns the values of the floor of a metric, none if it has no floor.
func (r results) floor(scenario string, m Metric) []float64 {
	if m.Floor == "" {
		return nil
	}
	return r.pooled[resultKey{scenario, "", m.Floor}]
}

// allMethods lists the methods of all scenarios, by first appearance.
func (r results) allMethods() []string {
	var all []string
	for _, scenario := range r.scenarios {
		for _, method := range r.methods[scenario] {
			if !slices.Contains(all, method) {
				all = append(all, method)
			}
		}
	}
	return all
}
