package calibrate

import (
	"math"
	"slices"

	"retrace/verify"
)

// Test is the outcome of one test of a method.
type Test struct {
	Name      string `json:"test"`    // a key of Guide
	Subject   string `json:"subject"` // the function that it looks at
	Statistic Number `json:"statistic"`
	Expected  Number `json:"expected"`
	// Low and High are the threshold: the statistic of a posterior lies between
	// them. Holm's method decides at which level.
	Low      Number `json:"low"`
	High     Number `json:"high"`
	P        Number `json:"p"`
	Adjusted Number `json:"p_adjusted"` // compared with the level of the study
	Pass     bool   `json:"pass"`
}

// trial is a test before the correction for the number of tests.
type trial struct {
	name, subject string
	verify.Check
}

// coverages are the levels of the central intervals that are tested.
var coverages = []float64{0.5, 0.8, 0.9, 0.95}

// rankBins is the number of bins of the rank histogram.
const rankBins = 10

// battery runs all tests on a tally. Their number does not depend on the data.
func (s *Study) battery(t *tally) []trial {
	var list []trial
	add := func(name, subject string, c verify.Check) { list = append(list, trial{name, subject, c}) }
	add("spread of all values", "all values", verify.Paired(t.all, ones(len(t.all))))
	for k, f := range s.functions {
		if f.site {
			spread, bias := s.location(t.draws[k], t.ranks[k])
			add("spread", f.name, spread)
			add("bias", f.name, bias)
		}
	}
	for _, level := range coverages {
		add("coverage", percent(level)+" interval, "+s.functions[0].name, verify.Coverage(t.ranks[0], level))
	}
	_, histogram := verify.Histogram(t.ranks[0], rankBins)
	add("rank histogram", s.functions[0].name, histogram)
	for k, f := range s.functions {
		name := "ranks"
		if k == len(s.functions)-1 {
			name = "nearness"
			add("area to the curve", f.name, verify.AreaToCurve(t.ranks[k]))
		}
		add(name, f.name, verify.Uniform(t.ranks[k]))
	}
	if s.withholds() {
		spread, bias := s.location(t.withheld, t.withheldR)
		add("withheld spread", "a withheld observation", spread)
		add("withheld bias", "a withheld observation", bias)
	}
	return list
}

// location tests spread and bias, by standard scores of Gaussian posteriors and
// by ranks of others.
func (s *Study) location(draws []verify.Draws, ranks []float64) (spread, bias verify.Check) {
	if s.Gaussian {
		return verify.SpreadTest(draws), verify.BiasTest(draws)
	}
	return verify.RankSpread(ranks), verify.RankBias(ranks)
}

func (s *Study) withholds() bool {
	return slices.ContainsFunc(s.Cases, func(c Case) bool { return c.Withheld.Count() > 0 })
}

func ones(n int) []float64 {
	list := make([]float64, n)
	for i := range list {
		list[i] = 1
	}
	return list
}

// judge corrects the tests for their number.
func judge(trials []trial, level float64) []Test {
	p := make([]float64, len(trials))
	for i, t := range trials {
		p[i] = t.P
	}
	adjusted, levels := verify.Holm(p, level)
	tests := make([]Test, len(trials))
	for i, t := range trials {
		statistic, expected := t.Statistic, t.Expected
		low, high := math.NaN(), math.NaN()
		if t.Cases > 2 {
			low, high = t.Accept(levels[i])
		}
		if t.name == "spread of all values" { // a difference from 1
			statistic, expected, low, high = statistic+1, 1, low+1, high+1
		}
		tests[i] = Test{
			Name: t.name, Subject: t.subject, Statistic: Number(statistic), Expected: Number(expected),
			Low: Number(low), High: Number(high), P: Number(p[i]), Adjusted: Number(adjusted[i]),
			Pass: adjusted[i] >= level,
		}
	}
	return tests
}
