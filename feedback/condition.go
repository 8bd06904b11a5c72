package feedback

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"retrace/internal/fault"
	"retrace/internal/strict"
	"retrace/quality"
)

// Condition is what the rows of a query have in common in one column: a text, or
// numbers from Least to Greatest. Null meets no condition.
type Condition struct {
	Column          string
	Text            string // for columns of text; may end in * for any text that begins so
	Least, Greatest float64
}

// ParseCondition reads a condition as it is typed:
//
//	verdict=background    a text
//	component=psi1/*      texts that begin with psi1/
//	time=10:20            a range, ends included
//	value=:5              a range with one end
//	window=3              one number
//
// An unknown column, or what cannot be read, is an input error.
func (t *Table) ParseCondition(expression string) (Condition, error) {
	name, text, found := strings.Cut(expression, "=")
	name, text = strings.TrimSpace(name), strings.TrimSpace(text)
	if !found || text == "" {
		return Condition{}, fault.Inputf("condition %.60q: write column=value or column=least:greatest", expression)
	}
	c, err := t.column(name)
	if err != nil {
		return Condition{}, err
	}
	if c.kind == words {
		if c.name == "verdict" {
			if _, err := quality.ParseVerdict(text); err != nil {
				return Condition{}, fault.Inputf("condition %.60q: %w", expression, err)
			}
		}
		return Condition{Column: name, Text: text}, nil
	}
	condition := Condition{Column: name, Least: math.Inf(-1), Greatest: math.Inf(1)}
	low, high, isRange := strings.Cut(text, ":")
	if !isRange {
		high = low
	}
	for _, end := range []struct {
		text string
		to   *float64
	}{{low, &condition.Least}, {high, &condition.Greatest}} {
		if end.text = strings.TrimSpace(end.text); end.text == "" {
			continue
		}
		x, err := strconv.ParseFloat(end.text, 64)
		if err != nil || math.IsNaN(x) {
			return Condition{}, fault.Inputf("condition %.60q: %.40q is not a number", expression, end.text)
		}
		*end.to = x
	}
	return condition, nil
}

// column finds a column of the table by its name.
func (t *Table) column(name string) (column, error) {
	if i := slices.IndexFunc(t.columns, func(c column) bool { return c.name == name }); i >= 0 {
		return t.columns[i], nil
	}
	return column{}, fault.Inputf("unknown column %.40q; %s", name, strict.Suggestion(name, t.Columns()))
}

// met reports whether a row meets the condition.
func (q Condition) met(c column, r *Row) bool {
	switch c.kind {
	case integer:
		return q.holds(float64(c.integer(r)))
	case number:
		return q.holds(*c.number(r))
	}
	if prefix, open := strings.CutSuffix(q.Text, "*"); open {
		return strings.HasPrefix(c.text(r), prefix)
	}
	return c.text(r) == q.Text
}

func (q Condition) holds(x float64) bool { return x >= q.Least && x <= q.Greatest }
