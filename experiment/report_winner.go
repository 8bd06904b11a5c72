package experiment

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Who wins, in words: for each scenario the methods are ranked by the median over cases,
// as in the table; one that diverged on a case cannot win. Whether the first two are told
// apart is a paired matter, for all methods meet the same observations: the mean of the
// differences of their scores is compared with its standard error.

// winners tells who wins each scenario, and at what cost; nothing where fewer than two
// methods met.
func (r *reporter) winners(scores []Score) []string {
	rows, err := Table(r.path)
	if err != nil {
		return nil // the report is about to tell why
	}
	var text []string
	for _, s := range r.Scenarios {
		field := contest{scenario: s.Name, scores: scores}
		for _, row := range rows {
			if row.Scenario == s.Name && row.Method != ReferenceName {
				field.rows = append(field.rows, row)
			}
		}
		if len(field.rows) < 2 {
			continue
		}
		sentences := []string{field.ranked("rmse", "RMSE"), field.ranked("crps", "CRPS"), field.best(), field.honesty(r.blind()), field.lost()}
		sentences = slices.DeleteFunc(sentences, func(s string) bool { return s == "" })
		text = append(text, fmt.Sprintf("Scenario %s. %s", s.Name, strings.Join(sentences, " ")), field.cost(r.learnt()))
	}
	return text
}

// learnt lists the methods that sample the learnt prior, and how long its training took.
func (r *reporter) learnt() (methods []string, seconds float64) {
	for _, m := range r.Methods {
		if entry, _ := LookupMethod(m.Kind); entry.NeedsPrior {
			methods = append(methods, m.Name)
		}
	}
	if unit := r.provenance.Units["train"]; unit != nil {
		seconds = unit.Seconds
	}
	return methods, seconds
}

// blind lists the methods that look at no observation, whose spread is honest for nothing.
func (r *reporter) blind() []string {
	var list []string
	for _, m := range r.Methods {
		if m.Kind == "climatology" || m.Kind == "free-run" {
			list = append(list, m.Name)
		}
	}
	return list
}

// contest is the methods of a scenario.
type contest struct {
	scenario string
	rows     []Row
	scores   []Score
}

// ranking sorts the rows that have a metric, the best first, those that diverged last.
func (c contest) ranking(metric string, worth func(x float64) float64) []Row {
	rows := slices.DeleteFunc(slices.Clone(c.rows), func(row Row) bool {
		_, ok := row.Median[metric]
		return !ok
	})
	slices.SortStableFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(min(a.Diverged, 1), min(b.Diverged, 1)), cmp.Compare(worth(a.Median[metric]), worth(b.Median[metric])))
	})
	return rows
}

// ranked is the sentence about a metric of which less is better.
func (c contest) ranked(metric, label string) string {
	rows := c.ranking(metric, func(x float64) float64 { return x })
	if len(rows) < 2 || rows[0].Diverged > 0 {
		return ""
	}
	first, second := rows[0], rows[1]
	best, next := first.Median[metric], second.Median[metric]
	var text strings.Builder
	fmt.Fprintf(&text, "%s wins %s by %.0f %%: %s, before %s with %s", first.Method, label, 100*(1-best/next), digits(best), second.Method, digits(next))
	if !c.apart(metric, first.Method, second.Method) {
		fmt.Fprintf(&text, " (%d cases do not tell the two apart)", first.Cases)
	}
	for i, row := range rows[2:] {
		fmt.Fprintf(&text, "%s %s %s", []string{";", ","}[min(i, 1)], row.Method, digits(row.Median[metric]))
	}
	return text.String() + "."
}

// best is the sentence about states of several fields, whose errors cannot be added.
func (c contest) best() string {
	if len(c.rows) == 0 || slices.ContainsFunc(c.rows, func(row Row) bool { _, ok := row.Median["rmse"]; return ok }) {
		return ""
	}
	return c.ranked("nrmse", "the error over the standard deviation")
}

// apart reports whether the cases tell two methods apart: whether the mean difference of
// their scores is more than two of its standard errors.
func (c contest) apart(metric, a, b string) bool {
	difference := map[int]float64{}
	seen := map[int]int{}
	for _, s := range c.scores {
		if s.Scenario != c.scenario || s.Metric != metric {
			continue
		}
		switch s.Method {
		case a:
			difference[s.Case] += s.Value
			seen[s.Case]++
		case b:
			difference[s.Case] -= s.Value
			seen[s.Case]++
		}
	}
	var n, sum, squares float64
	for i := range len(seen) { // cases are counted from 0
		if seen[i] == 2 {
			n, sum, squares = n+1, sum+difference[i], squares+difference[i]*difference[i]
		}
	}
	mean := sum / n
	variance := (squares - n*mean*mean) / (n - 1)
	return n > 1 && math.Abs(mean) > 2*math.Sqrt(variance/n)
}

// honesty says whose spread is nearest to the error, and whose is not, the blind left out.
func (c contest) honesty(blind []string) string {
	const metric = "spread_skill"
	rows := c.ranking(metric, func(x float64) float64 { return math.Abs(math.Log(x)) })
	rows = slices.DeleteFunc(rows, func(row Row) bool { return slices.Contains(blind, row.Method) })
	if len(rows) < 2 {
		return ""
	}
	text := fmt.Sprintf("The most honest about its error is %s, with a spread of %s of it", rows[0].Method, digits(rows[0].Median[metric]))
	worst := rows[len(rows)-1]
	switch x := worst.Median[metric]; {
	case x < 0.8:
		text += fmt.Sprintf("; too sure is %s, with %s", worst.Method, digits(x))
	case x > 1.25:
		text += fmt.Sprintf("; too modest is %s, with %s", worst.Method, digits(x))
	}
	return text + "."
}

// lost lists the methods that diverged.
func (c contest) lost() string {
	var list []string
	for _, row := range c.rows {
		if row.Diverged > 0 {
			list = append(list, fmt.Sprintf("%s on %d of %d cases", row.Method, row.Diverged, row.Cases))
		}
	}
	if list == nil {
		return ""
	}
	return "Diverged: " + strings.Join(list, ", ") + "."
}

// cost lists the wall time of a case, and the training that came before.
func (c contest) cost(learnt []string, training float64) string {
	rows := slices.SortedStableFunc(slices.Values(c.rows), func(a, b Row) int { return cmp.Compare(a.Seconds, b.Seconds) })
	var list []string
	for _, row := range rows {
		cost := fmt.Sprintf("%s %s", row.Method, duration(row.Seconds))
		if n := row.Median["evaluations"]; n > 0 {
			kind := "model steps"
			if slices.Contains(learnt, row.Method) {
				kind = "evaluations of the network"
			}
			cost += fmt.Sprintf(" (%.0f %s a member)", n, kind)
		}
		list = append(list, cost)
	}
	text := "Cost of a case in scenario " + c.scenario + ": " + strings.Join(list, ", ") + "."
	if len(learnt) > 0 && training > 0 {
		text += fmt.Sprintf(" The prior of %s took %s of training, once for all scenarios.", strings.Join(learnt, " and "), duration(training))
	}
	return text
}

// digits writes three digits that matter.
func digits(x float64) string { return fmt.Sprintf("%.3g", x) }

// duration writes seconds as a person would.
func duration(seconds float64) string {
	switch {
	case seconds < 0.01:
		return fmt.Sprintf("%.2g ms", 1000*seconds)
	case seconds < 1:
		return fmt.Sprintf("%.0f ms", 1000*seconds)
	case seconds < 120:
		return fmt.Sprintf("%.3g s", seconds)
	case seconds < 7200:
		return fmt.Sprintf("%.0f min", seconds/60)
	}
	return fmt.Sprintf("%.1f h", seconds/3600)
}
