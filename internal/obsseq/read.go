package obsseq

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"retrace/internal/fault"
)

// Bounds of what is read, far above what DART writes.
const (
	longestLine  = 1 << 16
	mostCopies   = 10_000
	mostTypes    = 100_000
	mostExtra    = 10_000 // lines of an observation that are kept as they are
	missingValue = -888888
)

// Read reads an observation sequence; name is that of the file in errors. Errors of
// r are returned as they are, all others are input errors, a *SyntaxError each.
// Memory grows with what was read, never with what a header claims.
func Read(r io.Reader, name string) (*File, error) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, longestLine)
	p := &parser{file: &File{Name: name, Types: map[int]string{}}, scanner: s}
	err := p.read()
	if fatal := p.scanner.Err(); fatal != nil && !errors.Is(fatal, bufio.ErrTooLong) {
		return nil, fmt.Errorf("%s: %w", name, fatal)
	}
	if err != nil {
		return nil, fault.Input(&SyntaxError{name, p.line, err})
	}
	return p.file, nil
}

// parser reads a file line by line. Its errors are about the present line.
type parser struct {
	file        *File
	scanner     *bufio.Scanner
	line        int
	ahead       bool // the present line is to be read again
	count       int  // observations that the header promises
	first, last int
	records     []record
}

// record is an observation with its links.
type record struct {
	Observation
	number, previous, next int
}

var errEnd = errors.New("the file ends here, too early, and is not complete")

// next is the next line without space around it.
func (p *parser) next() (string, error) {
	if p.ahead {
		p.ahead = false
		return strings.TrimSpace(p.scanner.Text()), nil
	}
	if p.scanner.Scan() {
		p.line++
		return strings.TrimSpace(p.scanner.Text()), nil
	}
	if errors.Is(p.scanner.Err(), bufio.ErrTooLong) {
		p.line++
		return "", fmt.Errorf("a line of more than %d characters: is it a text file? DART writes text if write_binary_obs_sequence is .false. in its namelist", longestLine)
	}
	return "", errEnd
}

func (p *parser) read() error {
	if err := p.header(); err != nil {
		return err
	}
	for {
		text, err := p.next()
		if err == errEnd {
			break
		}
		if err == nil && text == "" {
			continue
		}
		if err == nil {
			err = p.record(text)
		}
		if err != nil {
			return err
		}
	}
	if len(p.records) != p.count {
		return fmt.Errorf("the file ends after %d observations of %d (num_obs): is it complete?", len(p.records), p.count)
	}
	return p.link()
}

// header reads up to the line before the first observation.
func (p *parser) header() error {
	if err := p.expect("obs_sequence"); err != nil {
		return err
	}
	if err := p.expect("obs_type_definitions", "obs_kind_definitions"); err != nil {
		return err
	}
	types, err := p.integers(1)
	if err != nil {
		return err
	}
	if types[0] < 0 || types[0] > mostTypes {
		return fmt.Errorf("%d types of observations: not between 0 and %d", types[0], mostTypes)
	}
	for range types[0] {
		if err := p.typeName(); err != nil {
			return err
		}
	}
	copies, controls, err := p.pair("num_copies:", "num_qc:")
	if err != nil {
		return err
	}
	if copies < 0 || controls < 0 || copies > mostCopies || controls > mostCopies {
		return fmt.Errorf("%d copies and %d controls: not between 0 and %d", copies, controls, mostCopies)
	}
	var most int
	if p.count, most, err = p.pair("num_obs:", "max_num_obs:"); err != nil {
		return err
	}
	if p.count < 0 || p.count > most {
		return fmt.Errorf("num_obs is %d: not between 0 and max_num_obs = %d", p.count, most)
	}
	if p.file.Copies, err = p.names(copies); err != nil {
		return err
	}
	if p.file.Controls, err = p.names(controls); err != nil {
		return err
	}
	p.first, p.last, err = p.pair("first:", "last:")
	return err
}

// expect reads a line with one of some words.
func (p *parser) expect(words ...string) error {
	text, err := p.next()
	if err != nil {
		return err
	}
	for _, word := range words {
		if text == word {
			return nil
		}
	}
	return fmt.Errorf("%.40q stands where %q is expected", text, words[0])
}

// typeName reads the number and the name of a type.
func (p *parser) typeName() error {
	text, err := p.next()
	if err != nil {
		return err
	}
	fields := strings.Fields(text)
	if len(fields) != 2 {
		return fmt.Errorf("%.60q is not a number and a name of a type", text)
	}
	number, err := strconv.Atoi(fields[0])
	if err != nil || number < 1 {
		return fmt.Errorf("%.40q is not the number of a type", fields[0])
	}
	if known, repeated := p.file.Types[number]; repeated {
		return fmt.Errorf("type %d is %s already", number, known)
	}
	p.file.Types[number] = fields[1]
	return nil
}

// pair reads two named integers.
func (p *parser) pair(first, second string) (a, b int, err error) {
	text, err := p.next()
	if err != nil {
		return 0, 0, err
	}
	fields := strings.Fields(text)
	if len(fields) == 4 && fields[0] == first && fields[2] == second {
		a, err = strconv.Atoi(fields[1])
		if err == nil {
			b, err = strconv.Atoi(fields[3])
		}
		if err == nil {
			return a, b, nil
		}
	}
	return 0, 0, fmt.Errorf("%.80q stands where \"%s NUMBER %s NUMBER\" is expected", text, first, second)
}

// names reads n lines.
func (p *parser) names(n int) ([]string, error) {
	var list []string
	for range n {
		text, err := p.next()
		if err != nil {
			return nil, err
		}
		list = append(list, text)
	}
	return list, nil
}

// integers reads a line of n integers.
func (p *parser) integers(n int) ([]int, error) {
	text, err := p.next()
	if err != nil {
		return nil, err
	}
	return integers(text, n)
}

func integers(text string, n int) ([]int, error) {
	fields := strings.Fields(text)
	if len(fields) != n {
		return nil, fmt.Errorf("%.60q is not %d whole numbers", text, n)
	}
	list := make([]int, n)
	for i, field := range fields {
		x, err := strconv.ParseInt(field, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("%.40q is not a whole number", field)
		}
		list[i] = int(x)
	}
	return list, nil
}

// numbers reads n lines of one number; NaN if missing.
func (p *parser) numbers(n int) ([]float64, error) {
	var list []float64
	for range n {
		text, err := p.next()
		if err != nil {
			return nil, err
		}
		x, err := number(text)
		if err != nil {
			return nil, err
		}
		if x == missingValue {
			x = math.NaN()
		}
		list = append(list, x)
	}
	return list, nil
}

// number parses a number as Fortran writes it: the exponent may be a D.
func number(text string) (float64, error) {
	if strings.EqualFold(text, "NaN") {
		return math.NaN(), nil
	}
	x, err := strconv.ParseFloat(strings.NewReplacer("D", "E", "d", "e").Replace(text), 64)
	if err != nil || math.IsInf(x, 0) || math.IsNaN(x) || strings.ContainsAny(text, "xX_") {
		return 0, fmt.Errorf("%.40q is not a finite number", text)
	}
	return x, nil
}
