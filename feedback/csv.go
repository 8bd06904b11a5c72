package feedback

import (
	"encoding/csv"
	"io"
	"math"
	"strconv"
)

// WriteCSV writes the rows that meet all conditions as CSV with a header. columns
// chooses some of Columns, in their order; none means all. What is not known is
// empty.
func (t *Table) WriteCSV(w io.Writer, columns []string, where []Condition) error {
	if len(columns) == 0 {
		columns = t.Columns()
	}
	chosen := make([]column, len(columns))
	for i, name := range columns {
		var err error
		if chosen[i], err = t.column(name); err != nil {
			return err
		}
	}
	out := csv.NewWriter(w)
	if err := out.Write(columns); err != nil {
		return err
	}
	cells := make([]string, len(chosen))
	err := t.Scan(where, func(r *Row) error {
		for i, c := range chosen {
			cells[i] = c.format(r)
		}
		return out.Write(cells)
	})
	out.Flush()
	if err != nil {
		return err
	}
	return out.Error()
}

// format writes the value of a row with as many digits as tell it apart.
func (c column) format(r *Row) string {
	switch c.kind {
	case integer:
		return strconv.Itoa(c.integer(r))
	case number:
		if x := *c.number(r); !math.IsNaN(x) {
			return strconv.FormatFloat(x, 'g', -1, 64)
		}
		return ""
	}
	return c.text(r)
}
