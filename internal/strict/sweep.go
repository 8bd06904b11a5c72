package strict

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Setting is a value that a sweep gave to a key.
type Setting struct {
	Key   string
	Value any
}

// String is key=value, the value as a person would write it.
func (s Setting) String() string {
	switch v := s.Value.(type) {
	case string:
		return s.Key + "=" + v
	case float64:
		return s.Key + "=" + strconv.FormatFloat(v, 'g', -1, 64)
	case []any:
		parts := make([]string, len(v))
		for i, element := range v {
			parts[i] = strings.TrimPrefix(Setting{"", element}.String(), "=")
		}
		return s.Key + "=" + strings.Join(parts, ",")
	}
	return fmt.Sprint(s.Key, "=", s.Value)
}

// Sweep says what is varied in the elements of an array of tables.
type Sweep struct {
	// Swept reports whether the value, a list, at a key of a table holds the values
	// to go through, one after the other.
	Swept func(t Table, key string) bool
	// Mark is called for every table made of one that has swept keys, with its
	// settings in the order of the file; it may name the table by Table.Set.
	Mark func(t Table, point []Setting)
	// Most is the largest number of tables that one may become.
	Most int
}

// Sweep replaces each element of the array of tables at key by one for every
// combination of the values of its swept keys; the first of them in the file
// varies slowest. Problems found later have the place of the value in the list.
// Call it before Bind and after Override.
func (d *Document) Sweep(key string, s Sweep) {
	list, _ := d.root[key].([]any)
	if len(list) == 0 {
		return
	}
	points := make([][][]choice, len(list))
	for i, element := range list {
		table, _ := element.(map[string]any)
		points[i] = s.points(Table{d, join(key, strconv.Itoa(i)), table})
	}
	before := maps.Clone(d.places)
	d.forget(key)
	var all []any
	for i, element := range list {
		from := join(key, strconv.Itoa(i))
		for _, point := range points[i] {
			path, made := join(key, strconv.Itoa(len(all))), element
			d.move(before, from, path)
			if table, ok := element.(map[string]any); ok && len(point) > 0 {
				here := Table{d, path, maps.Clone(table)}
				here.settle(point, before, from)
				s.Mark(here, settings(point))
				made = here.values
			}
			all = append(all, made)
		}
	}
	d.root[key] = all
}

// choice is a setting with its position in the list.
type choice struct {
	Setting
	index int
}

func settings(point []choice) []Setting {
	list := make([]Setting, len(point))
	for i, c := range point {
		list[i] = c.Setting
	}
	return list
}

// points lists the combinations of a table; one, of no settings, if nothing is
// swept.
func (s Sweep) points(t Table) [][]choice {
	points := [][]choice{nil}
	for _, key := range t.keysByPlace() {
		values, isList := t.values[key].([]any)
		if !isList || !s.Swept(t, key) {
			continue
		}
		if len(values) == 0 {
			t.Problemf(key, "the list is empty: give a value, or a list of values to try")
			delete(t.values, key) // so that nothing more is said of it
			continue
		}
		if len(points)*len(values) > s.Most {
			t.Problemf(key, "makes more than %d combinations: shorten the lists", s.Most)
			delete(t.values, key)
			continue
		}
		var longer [][]choice
		for _, point := range points {
			for i, v := range values {
				longer = append(longer, append(slices.Clone(point), choice{Setting{key, v}, i}))
			}
		}
		points = longer
	}
	return points
}

// keysByPlace lists the keys of the table in the order of the file.
func (t Table) keysByPlace() []string {
	keys := t.keys()
	slices.SortStableFunc(keys, func(a, b string) int {
		p, q := t.doc.place(join(t.path, a)), t.doc.place(join(t.path, b))
		return cmp.Or(cmp.Compare(p.Line, q.Line), cmp.Compare(p.Column, q.Column))
	})
	return keys
}

// settle gives the keys of a copied table their values of a point, each with its
// place in the list.
func (t Table) settle(point []choice, before map[string]Place, from string) {
	for _, c := range point {
		path := join(t.path, c.Key)
		t.doc.forget(path)
		t.doc.move(before, join(join(from, c.Key), strconv.Itoa(c.index)), path)
		t.values[c.Key] = c.Value
	}
}

// move enters the places at and below one path under another.
func (d *Document) move(places map[string]Place, from, to string) {
	for path, place := range places {
		if path == from {
			d.places[to] = place
		} else if below, ok := strings.CutPrefix(path, from+"."); ok {
			d.places[join(to, below)] = place
		}
	}
}

// Set gives a key of the table a value that follows from others of it. Problems
// of it have the place of the table.
func (t Table) Set(key string, value any) { t.values[key] = value }
