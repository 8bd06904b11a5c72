package observe

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
)

// WriteCSV writes the observations of many cases as a tidy table that ReadCSV
// reads back to the same numbers, one row a value. Observations of one state
// that do not overlap are joined when read. It fails if the table cannot hold
// the cases: if one has no observation, a state has two values of one
// quantity, or a quantity is not one of the target's.
func WriteCSV(w io.Writer, cases []Sequence, target Target) error {
	if err := writable(cases, target); err != nil {
		return err
	}
	for number, s := range cases {
		if len(s.Observations) == 0 {
			return fmt.Errorf("observe: case %d has no observation: a table cannot hold it", number)
		}
	}
	buffered := bufio.NewWriter(w)
	fmt.Fprintf(buffered, "# time in %s; value and sd in the units of the quantity; an empty value is missing\n", target.Timeline.Clock.Units)
	c := csv.NewWriter(buffered)
	c.Write(columnNames)
	for number, s := range cases {
		for _, o := range s.Observations {
			time := formatPosition(target.Timeline.Time(o.Index))
			for j, label := range Labels(o.Operator) {
				c.Write([]string{strconv.Itoa(number), time, label, formatOrEmpty(o.Values[j]), formatOrEmpty(o.Sd[j])})
			}
		}
	}
	c.Flush()
	if err := c.Error(); err != nil {
		return err
	}
	return buffered.Flush()
}

func formatOrEmpty(x float64) string {
	if math.IsNaN(x) {
		return ""
	}
	return formatNumber(x)
}
