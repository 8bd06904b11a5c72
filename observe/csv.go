package observe

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// maxCSV is the size in bytes of the largest CSV file read. A row takes at
// least 8 bytes of it and 56 of memory, so this bounds what a hostile file can
// cost.
const maxCSV = 128 << 20

var errTooLarge = errors.New("too large")

// The columns of a CSV file, in the order written.
const (
	columnCase = iota
	columnTime
	columnQuantity
	columnValue
	columnSd
)

var columnNames = []string{"case", "time", "quantity", "value", "sd"}

// ReadCSV reads the observations of one or more cases from a tidy table, as the
// package comment shows it; file is its name in errors. Columns are
//
//	case      number of the trajectory, from 0 without gaps; optional, 0
//	time      physical time of the state observed
//	quantity  what was observed: a component of the state, or a label of
//	          target.Operator
//	value     in physical units; empty or NaN if missing
//	sd        standard deviation of the noise, in the units of the value,
//	          greater than 0; it may be empty where the value is missing
//
// in any order. Lines starting with # are comments. All faults of a file (the
// first 20) are reported together, as an input error that joins *FileError.
func ReadCSV(r io.Reader, file string, target Target) ([]Sequence, error) {
	t := newTable(r, file, target)
	if err := t.readHeader(); err != nil {
		return nil, err
	}
	if err := t.readRows(); err != nil {
		return nil, err
	}
	if err := append(t.found, t.repeated(t.readings)...).err(); err != nil {
		return nil, err
	}
	if err := append(t.absent(t.readings), t.gaps(t.readings)...).err(); err != nil {
		return nil, err
	}
	return t.sequences(t.readings, t.readings[len(t.readings)-1].number+1), nil
}

// table reads a CSV file into readings.
type table struct {
	*assembly
	csv      *csv.Reader
	column   [5]int // where each column stands; -1 if absent
	width    int
	quantity map[string]int
	readings []reading
	found    faults
}

func newTable(r io.Reader, file string, target Target) *table {
	buffered := bufio.NewReader(&limited{r, maxCSV})
	if mark, _ := buffered.Peek(3); string(mark) == "\ufeff" {
		buffered.Discard(len(mark))
	}
	c := csv.NewReader(buffered)
	c.Comment, c.FieldsPerRecord, c.ReuseRecord, c.TrimLeadingSpace = '#', -1, true, true
	a := newAssembly(file, target)
	return &table{assembly: a, csv: c, quantity: positions(a.quantities)}
}

// limited fails once more than left bytes were read.
type limited struct {
	io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

// next reads a record. It returns io.EOF at the end, an input error if the
// text is not CSV, and other errors of the reader as they are.
func (t *table) next() ([]string, error) {
	record, err := t.csv.Read()
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		return nil, append(t.found, &FileError{t.file, parse.Line, parse.Column, "", fmt.Errorf("not valid CSV: %w: put text with quotes or commas in double quotes", parse.Err)}).err()
	}
	if errors.Is(err, errTooLarge) {
		return nil, faults{{t.file, 0, 0, "", fmt.Errorf("%w: a CSV file may have %d MiB: split it, or use a store", err, maxCSV>>20)}}.err()
	}
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("%s: %w", t.file, err)
	}
	return record, err
}

// readHeader finds the columns.
func (t *table) readHeader() error {
	header, err := t.next()
	if err == io.EOF {
		return faults{{t.file, 0, 0, "", errors.New("the file is empty: start it with a header such as time,quantity,value,sd")}}.err()
	}
	if err != nil {
		return err
	}
	t.width = len(header)
	t.column = [5]int{-1, -1, -1, -1, -1}
	for at, name := range header {
		if len(t.found) == mostFaults {
			break
		}
		name = strings.TrimSpace(name)
		switch c := slices.Index(columnNames, name); {
		case c < 0:
			t.note(at, "header", "unknown column %.40q: %s", name, headerCure(name))
		case t.column[c] >= 0:
			t.note(at, "header", "column %s is there twice: keep one", name)
		default:
			t.column[c] = at
		}
	}
	if len(t.found) > 0 {
		return t.found.err()
	}
	for c, at := range t.column {
		if at < 0 && c != columnCase {
			t.note(0, "header", "there is no column %s: add it (the columns are %s)", columnNames[c], strings.Join(columnNames, ", "))
		}
	}
	return t.found.err()
}

func headerCure(name string) string {
	if strings.ContainsAny(name, ";\t") {
		return "separate the columns by commas"
	}
	return hint(name, columnNames) + ", or remove it"
}

// note records what is wrong with field number at of the last record.
func (t *table) note(at int, name, format string, args ...any) {
	line, column := t.csv.FieldPos(at)
	t.found = append(t.found, &FileError{t.file, line, column, name, fmt.Errorf(format, args...)})
}

// readRows reads the rows until the end or until too many are at fault.
func (t *table) readRows() error {
	for len(t.found) < mostFaults {
		record, err := t.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if len(record) != t.width {
			t.note(0, "row", "%d fields under a header of %d: give one field for each column", len(record), t.width)
			continue
		}
		if r, ok := t.row(record); ok {
			t.readings = append(t.readings, r)
		}
	}
	return nil
}

// row parses a record; it notes the first fault.
func (t *table) row(record []string) (reading, bool) {
	var r reading
	r.line, _ = t.csv.FieldPos(0)
	for c, at := range t.column {
		if at < 0 {
			continue
		}
		if err := t.field(&r, c, strings.TrimSpace(record[at])); err != nil {
			t.note(at, columnNames[c], "%w", err)
			return r, false
		}
	}
	return r, true
}

// field parses the text of one column into r. The value comes before sd.
func (t *table) field(r *reading, column int, text string) (err error) {
	switch column {
	case columnCase:
		r.number, err = strconv.Atoi(text)
		if err != nil || r.number < 0 {
			return fmt.Errorf("%.40q is not a case number: give a whole number from 0 on", text)
		}
	case columnTime:
		time, err := parseNumber(text)
		if err != nil {
			return err
		}
		r.state, err = t.target.Timeline.Index(time)
		return err
	case columnQuantity:
		q, known := t.quantity[text]
		if !known {
			return fmt.Errorf("unknown quantity %.40q: %s", text, hint(text, t.quantities))
		}
		r.quantity = q
	case columnValue:
		r.value, err = parseOrMissing(text)
	case columnSd:
		r.sd, err = parseSd(text, math.IsNaN(r.value))
	}
	return err
}

// parseNumber parses a finite number.
func parseNumber(text string) (float64, error) {
	x, err := strconv.ParseFloat(text, 64)
	switch {
	case text == "":
		return 0, errors.New("is empty: give a number")
	case errors.Is(err, strconv.ErrSyntax):
		return 0, fmt.Errorf("%.40q is not a number: give a decimal number such as 0.5", text)
	case err != nil || notFinite(x):
		return 0, fmt.Errorf("%.40q is not finite: give a finite number", text)
	}
	return x, nil
}

// parseOrMissing parses a finite number, or an empty text or NaN to NaN.
func parseOrMissing(text string) (float64, error) {
	if text == "" || strings.EqualFold(text, "NaN") {
		return math.NaN(), nil
	}
	x, err := parseNumber(text)
	if err != nil {
		return 0, fmt.Errorf("%w, or leave it empty if the value is missing", err)
	}
	return x, nil
}

// parseSd parses a standard deviation, which only a missing value may lack.
func parseSd(text string, missing bool) (float64, error) {
	if missing && (text == "" || strings.EqualFold(text, "NaN")) {
		return math.NaN(), nil
	}
	sd, err := parseNumber(text)
	if err == nil && sd <= 0 {
		err = fmt.Errorf("%s is not greater than 0: give the standard deviation of the noise", text)
	}
	return sd, err
}
