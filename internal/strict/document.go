package strict

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/BurntSushi/toml"

	"retrace/internal/fault"
)

// Document is a parsed TOML file: a tree of values, each with its place, and
// the problems found so far.
type Document struct {
	file     string
	root     map[string]any
	places   map[string]Place
	problems []Problem
}

// Place is where a value was given.
type Place struct {
	// File names the source: a path, or the flag that gave the value.
	File string
	// Line and Column count from 1; both are 0 if the value did not come from
	// a file.
	Line, Column int
}

func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// ReadFile parses a TOML file. A file that is missing, unreadable as text or
// not TOML is an input error.
func ReadFile(path string) (*Document, error) {
	source, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.Inputf("%s: no such file; check the path", path)
	case err != nil:
		if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
			return nil, fault.Inputf("%s: is a directory; name a .toml file", path)
		}
		return nil, err
	}
	return Parse(path, source)
}

// Parse parses the TOML text source; file is its name in errors.
func Parse(file string, source []byte) (*Document, error) {
	root := map[string]any{}
	if err := toml.Unmarshal(source, &root); err != nil {
		return nil, fault.Input(syntaxError(file, err))
	}
	d := &Document{file: file, root: root, places: map[string]Place{}}
	for _, f := range locate(string(source)) {
		if _, known := d.places[f.path]; !known {
			d.places[f.path] = Place{file, f.line, f.column}
		}
	}
	for key, value := range root {
		root[key] = normalise(value)
	}
	return d, nil
}

// syntaxError turns the parser's error into one line.
func syntaxError(file string, err error) error {
	if pe, ok := errors.AsType[toml.ParseError](err); ok {
		message, _, _ := strings.Cut(pe.Message, "\n")
		return fmt.Errorf("%s:%d:%d: not valid TOML: %s", file, pe.Position.Line, max(pe.Position.Col, 1), message)
	}
	message, _, _ := strings.Cut(err.Error(), "\n")
	return fmt.Errorf("%s: not valid TOML: %s", file, message)
}

// normalise gives every array the type []any, so that an array of tables and
// an array of inline tables read alike.
func normalise(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, element := range v {
			v[key] = normalise(element)
		}
	case []any:
		for i, element := range v {
			v[i] = normalise(element)
		}
	case []map[string]any:
		list := make([]any, len(v))
		for i, element := range v {
			list[i] = normalise(element)
		}
		return list
	}
	return value
}

// Root is the top-level table.
func (d *Document) Root() Table { return Table{doc: d, values: d.root} }

// place finds where the value at path, or else the nearest table around it,
// was given.
func (d *Document) place(path string) Place {
	for {
		if p, ok := d.places[path]; ok {
			return p
		}
		cut := strings.LastIndexByte(path, '.')
		if cut < 0 {
			return Place{File: d.file}
		}
		path = path[:cut]
	}
}
