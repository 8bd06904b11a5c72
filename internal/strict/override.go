package strict

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"retrace/internal/fault"
)

// bareWord is a value that a shell user may give without TOML's quotes.
var bareWord = regexp.MustCompile(`^[A-Za-z_./~][A-Za-z0-9_./~+-]*$`)

// Override replaces or adds one value before binding. assignment is key=value:
// the key is dotted, with an element of an array of tables named by its index
// from 0 or by its name (method.score.members=64); the value is TOML, or a
// bare word for a string. flag, such as "--set", names the source in errors.
func (d *Document) Override(flag, assignment string) error {
	key, text, found := strings.Cut(assignment, "=")
	key = strings.TrimSpace(key)
	if !found || key == "" {
		return fault.Inputf("%s %q: write key=value, such as seed=1", flag, assignment)
	}
	value, err := parseValue(strings.TrimSpace(text))
	if err != nil {
		return fault.Inputf("%s %s: the value is not valid TOML: %w", flag, assignment, err)
	}
	parts := strings.Split(key, ".")
	path, at := "", any(d.root)
	for i, part := range parts {
		last := i == len(parts)-1
		switch container := at.(type) {
		case map[string]any:
			if last {
				container[part] = value
			} else if container[part] == nil {
				container[part] = map[string]any{}
			}
			at = container[part]
		case []any:
			index, ok := element(container, part)
			if !ok {
				return fault.Inputf("%s %s: %s has no element %q; %s",
					flag, assignment, path, part, Suggestion(part, elementNames(container)))
			}
			if last {
				container[index] = value
			}
			at, part = container[index], strconv.Itoa(index)
		default:
			return fault.Inputf("%s %s: %s is not a table: it has no key %q", flag, assignment, path, part)
		}
		path = join(path, part)
	}
	d.forget(path)
	d.places[path] = Place{File: flag + " " + assignment}
	return nil
}

// forget drops the places of everything below path, whose values are gone.
func (d *Document) forget(path string) {
	for p := range d.places {
		if strings.HasPrefix(p, path+".") {
			delete(d.places, p)
		}
	}
}

func parseValue(text string) (any, error) {
	var holder map[string]any
	err := toml.Unmarshal([]byte("value = "+text+"\n"), &holder)
	if err == nil && len(holder) == 1 {
		return normalise(holder["value"]), nil
	}
	if bareWord.MatchString(text) {
		return text, nil
	}
	if err == nil {
		return nil, fault.Inputf("more than one value")
	}
	if pe, ok := err.(toml.ParseError); ok {
		message, _, _ := strings.Cut(pe.Message, "\n")
		return nil, fault.Inputf("%s", message)
	}
	return nil, err
}

// element finds an array element by index or by the name in its table.
func element(list []any, part string) (int, bool) {
	if i := slices.Index(elementNames(list), part); i >= 0 {
		return i, true
	}
	i, err := strconv.Atoi(part)
	return i, err == nil && i >= 0 && i < len(list)
}

// elementNames lists the name of each element, "" where it has none.
func elementNames(list []any) []string {
	names := make([]string, len(list))
	for i, e := range list {
		if table, ok := e.(map[string]any); ok {
			names[i], _ = table["name"].(string)
		}
	}
	return names
}
