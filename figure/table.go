package figure

import (
	"fmt"
	"math"
	"slices"
)

// resultTable is the table of a report: a group a scenario, a row a method, a
// column a metric.
type resultTable struct {
	Corner string // above the names
	Heads  []tableHead
	Groups []tableGroup
	Cases  string // how many cases the numbers summarise
	Floor  bool   // whether a floor is shown
}

type (
	tableHead  struct{ Label, Hint string }
	tableGroup struct {
		Scenario string
		Columns  int // of the table, that of the names included
		Rows     []tableRow
	}
	tableRow struct {
		Name  string
		Floor bool
		Cells []tableCell
	}
	tableCell struct {
		Median, Range, Note string
		Best                bool
	}
)

// summary is what a cell is made from.
type summary struct {
	lower, median, upper float64
	cases, failed        int
}

func summarise(values []float64) summary {
	good := slices.DeleteFunc(slices.Clone(values), func(v float64) bool { return !finite(v) })
	s := summary{cases: len(values), failed: len(values) - len(good)}
	if len(good) > 0 {
		s.lower, s.median, s.upper = quartiles(good)
	}
	return s
}

// shown reports whether there is a median.
func (s summary) shown() bool { return s.cases > s.failed }

// newResultTable returns nil if no metric has a score.
func newResultTable(scores []Score, metrics []Metric) *resultTable {
	metrics = slices.DeleteFunc(slices.Clone(metrics), func(m Metric) bool {
		return !slices.ContainsFunc(scores, func(s Score) bool { return s.Metric == m.Name })
	})
	if len(metrics) == 0 {
		return nil
	}
	r := newResults(scores, metrics)
	t := &resultTable{Corner: "scenario and method", Cases: caseCount(r)}
	for _, m := range metrics {
		t.Heads = append(t.Heads, tableHead{m.label(), m.hint()})
	}
	for _, scenario := range r.scenarios {
		group := tableGroup{Scenario: scenario, Columns: 1 + len(metrics)}
		for _, method := range r.methods[scenario] {
			group.Rows = append(group.Rows, tableRow{Name: method, Cells: make([]tableCell, len(metrics))})
		}
		floor := tableRow{Name: "floor", Floor: true, Cells: make([]tableCell, len(metrics))}
		for i, m := range metrics {
			for j, cell := range r.column(scenario, m) {
				group.Rows[j].Cells[i] = cell
			}
			floor.Cells[i] = summarise(r.floor(scenario, m)).cell()
		}
		if slices.ContainsFunc(floor.Cells, func(c tableCell) bool { return c.Median != "" }) {
			group.Rows = append(group.Rows, floor)
			t.Floor = true
		}
		t.Groups = append(t.Groups, group)
	}
	return t
}

// column returns the cells of a metric for the methods of a scenario.
func (r results) column(scenario string, m Metric) []tableCell {
	var summaries []summary
	for _, method := range r.methods[scenario] {
		summaries = append(summaries, summarise(r.values[resultKey{scenario, method, m.Name}]))
	}
	best := m.bests(summaries)
	floor := summarise(r.floor(scenario, m))
	cells := make([]tableCell, len(summaries))
	for j, s := range summaries {
		cells[j] = s.cell()
		cells[j].Best = best[j]
		if cells[j].Note == "" && s.shown() && floor.shown() && m.reaches(s, floor) {
			cells[j].Note = "at the floor"
		}
	}
	return cells
}

// cell formats a summary; without a value it is blank.
func (s summary) cell() tableCell {
	var c tableCell
	if s.failed > 0 {
		c.Note = fmt.Sprintf("%d of %d cases failed", s.failed, s.cases)
	}
	if !s.shown() {
		return c
	}
	texts := alike(3, s.median, s.lower, s.upper)
	c.Median = texts[0]
	if s.cases-s.failed > 1 {
		c.Range = fmt.Sprintf("[%s, %s]", texts[1], texts[2])
	}
	return c
}

// loss orders medians: smaller is better.
func (m Metric) loss(median float64) float64 {
	switch {
	case m.Target != nil:
		return math.Abs(median - *m.Target)
	case m.Better == Higher:
		return -median
	}
	return median
}

// bests marks the best median and those that lie within the interquartile
// range of the best: with few cases these cannot be told apart. A method that
// failed on a case is not the best, whatever the others gave; and where only
// one method is left there is nothing to win.
func (m Metric) bests(summaries []summary) []bool {
	marks := make([]bool, len(summaries))
	if m.Better == Neither && m.Target == nil {
		return marks
	}
	best, rivals := -1, 0
	for i, s := range summaries {
		if s.cases > 0 {
			rivals++
		}
		if s.cases == 0 || s.failed > 0 {
			continue
		}
		if best < 0 || m.loss(s.median) < m.loss(summaries[best].median) {
			best = i
		}
	}
	if best < 0 || rivals < 2 {
		return marks
	}
	for i, s := range summaries {
		within := s.median >= summaries[best].lower && s.median <= summaries[best].upper
		marks[i] = s.cases > 0 && s.failed == 0 && within
	}
	marks[best] = true
	return marks
}

// reaches reports whether a median is no worse than the worse quartile of the
// floor.
func (m Metric) reaches(s, floor summary) bool {
	return m.loss(s.median) <= max(m.loss(floor.lower), m.loss(floor.upper))
}

func caseCount(r results) string {
	fewest, most := math.MaxInt, 0
	for _, values := range r.values {
		fewest, most = min(fewest, len(values)), max(most, len(values))
	}
	switch {
	case most == 1:
		return "1 case"
	case fewest == most:
		return fmt.Sprintf("%d cases", most)
	}
	return fmt.Sprintf("%d to %d cases", fewest, most)
}
