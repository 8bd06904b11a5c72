package obsseq

import (
	"fmt"
	"math"
	"strings"
)

// record reads an observation whose first line is text.
func (p *parser) record(text string) error {
	if len(p.records) == p.count {
		return fmt.Errorf("%.40q stands behind the last of %d observations (num_obs)", text, p.count)
	}
	r := record{Observation: Observation{Line: p.line}}
	label, rest, _ := strings.Cut(text, "OBS")
	number, err := integers(rest, 1)
	if label != "" || !strings.HasPrefix(text, "OBS") || err != nil {
		return fmt.Errorf("%.40q stands where \"OBS NUMBER\" is expected", text)
	}
	r.number = number[0]
	if r.Copies, err = p.numbers(len(p.file.Copies)); err != nil {
		return err
	}
	if r.Controls, err = p.numbers(len(p.file.Controls)); err != nil {
		return err
	}
	links, err := p.integers(3)
	if err != nil {
		return err
	}
	r.previous, r.next = links[0], links[1]
	if err := p.expect("obdef"); err != nil {
		return err
	}
	if r.Place, err = p.place(); err != nil {
		return err
	}
	if err := p.kind(&r.Observation); err != nil {
		return err
	}
	if err := p.tail(&r.Observation); err != nil {
		return err
	}
	p.records = append(p.records, r)
	return nil
}

// place reads where an observation lies.
func (p *parser) place() (Place, error) {
	kind, err := p.next()
	if err != nil {
		return Place{}, err
	}
	n, known := coordinates[kind]
	if !known {
		return Place{}, fmt.Errorf("%.40q is not a kind of location that is understood: loc1d, loc2s, loc3d", kind)
	}
	text, err := p.next()
	if err != nil {
		return Place{}, err
	}
	place := Place{Kind: kind}
	fields := strings.Fields(text)
	if kind == "loc3d" {
		if len(fields) != n+1 {
			return Place{}, fmt.Errorf("%.80q is not a longitude, a latitude, a vertical coordinate and its kind", text)
		}
		vertical, err := integers(fields[n], 1)
		if err != nil {
			return Place{}, err
		}
		place.Vertical, fields = vertical[0], fields[:n]
	}
	if len(fields) != n {
		return Place{}, fmt.Errorf("%.80q is not a location of %d numbers", text, n)
	}
	for _, field := range fields {
		x, err := number(field)
		if err == nil && math.IsNaN(x) {
			err = fmt.Errorf("a coordinate is NaN")
		}
		if err != nil {
			return Place{}, err
		}
		place.Coordinates = append(place.Coordinates, x)
	}
	return place, nil
}

// kind reads what was observed.
func (p *parser) kind(o *Observation) error {
	if err := p.expect("kind", "type"); err != nil {
		return err
	}
	list, err := p.integers(1)
	if err != nil {
		return err
	}
	if list[0] < 0 {
		o.State = -list[0]
		return nil
	}
	name, known := p.file.Types[list[0]]
	if !known {
		return fmt.Errorf("there is no type %d: the header does not name it", list[0])
	}
	o.Type = name
	return nil
}

// tail reads the lines up to the next observation: the last two are the time and the
// variance, what stands before them belongs to the type.
func (p *parser) tail(o *Observation) error {
	var lines []string
	var numbers []int // of the lines
	for {
		text, err := p.next()
		if err == errEnd {
			break
		}
		if err != nil {
			return err
		}
		if strings.HasPrefix(text, "OBS") {
			p.ahead = true
			break
		}
		if text == "" {
			continue
		}
		if len(lines) > mostExtra {
			return fmt.Errorf("an observation of more than %d lines: is one of them \"OBS NUMBER\"?", mostExtra)
		}
		lines, numbers = append(lines, text), append(numbers, p.line)
	}
	if len(lines) < 2 {
		return errEnd
	}
	n := len(lines) - 2
	o.Extra = lines[:n:n]
	return p.at(numbers[n], func() error {
		time, err := integers(lines[n], 2)
		if err != nil {
			return err
		}
		o.Seconds, o.Days = time[0], time[1]
		if o.Seconds < 0 || o.Seconds >= 86400 || o.Days < 0 {
			return fmt.Errorf("%d seconds and %d days are not a time", o.Seconds, o.Days)
		}
		return p.at(numbers[n+1], func() error {
			o.Variance, err = number(lines[n+1])
			if err == nil && !(o.Variance >= 0) {
				err = fmt.Errorf("the variance of the noise is %v", o.Variance)
			}
			return err
		})
	})
}

// at parses an earlier line; an error is about that line.
func (p *parser) at(line int, parse func() error) error {
	present := p.line
	p.line = line
	err := parse()
	if err == nil {
		p.line = present
	}
	return err
}

// link puts the records into the order of their links.
func (p *parser) link() error {
	at := make(map[int]int, len(p.records))
	for i, r := range p.records {
		if other, repeated := at[r.number]; repeated {
			p.line = r.Line
			return fmt.Errorf("observation %d is there already, on line %d", r.number, p.records[other].Line)
		}
		at[r.number] = i
	}
	visited := make([]bool, len(p.records))
	previous := -1
	for number := p.first; number > 0; {
		i, known := at[number]
		if !known {
			return fmt.Errorf("observation %d, which is next to %d, is not there", number, previous)
		}
		r := p.records[i]
		p.line = r.Line
		switch {
		case visited[i]:
			return fmt.Errorf("the links lead to observation %d twice", number)
		case max(r.previous, 0) != max(previous, 0):
			return fmt.Errorf("observation %d is next to %d, but says that %d stands before it", number, previous, r.previous)
		case previous != -1 && r.before(p.file.Observations[len(p.file.Observations)-1]):
			return fmt.Errorf("observation %d is earlier than %d, which is linked before it", number, previous)
		}
		visited[i] = true
		p.file.Observations = append(p.file.Observations, r.Observation)
		previous, number = number, r.next
	}
	if max(previous, 0) != max(p.last, 0) {
		return fmt.Errorf("the last observation is %d, the header says %d", previous, p.last)
	}
	p.file.Unlinked = len(p.records) - len(p.file.Observations)
	return nil
}

// before compares times.
func (o Observation) before(other Observation) bool {
	return o.Days < other.Days || o.Days == other.Days && o.Seconds < other.Seconds
}
