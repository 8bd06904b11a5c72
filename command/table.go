package command

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// table is text in columns.
type table struct {
	header []string
	rows   [][]string
	// left counts the leading columns of words, which are aligned left; the
	// others are numbers, aligned right.
	left int
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print(w io.Writer) error {
	widths := make([]int, len(t.header))
	lines := append([][]string{t.header}, t.rows...)
	for _, line := range lines {
		for j, cell := range line {
			widths[j] = max(widths[j], utf8.RuneCountInString(cell))
		}
	}
	for _, line := range lines {
		var b strings.Builder
		for j, cell := range line {
			if j > 0 {
				b.WriteString("  ")
			}
			padding := strings.Repeat(" ", widths[j]-utf8.RuneCountInString(cell))
			if j < t.left {
				b.WriteString(cell + padding)
			} else {
				b.WriteString(padding + cell)
			}
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(b.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

// printJSON writes a value as indented JSON.
func printJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
