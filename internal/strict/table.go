package strict

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Table is one table of a document.
type Table struct {
	doc    *Document
	path   string
	values map[string]any
}

// Has reports whether the table has the key.
func (t Table) Has(key string) bool {
	_, ok := t.values[key]
	return ok
}

// Text returns the string at key; ok is false if it is absent or not a string.
func (t Table) Text(key string) (text string, ok bool) {
	text, ok = t.values[key].(string)
	return text, ok
}

// Table returns the table at key; ok is false if it is absent or not a table.
func (t Table) Table(key string) (table Table, ok bool) {
	return t.Value(key).Table()
}

// Tables returns the elements of the array of tables at key.
func (t Table) Tables(key string) []Table {
	var tables []Table
	value := t.Value(key)
	list, _ := value.Any.([]any)
	for i := range list {
		if table, ok := value.Element(i).Table(); ok {
			tables = append(tables, table)
		}
	}
	return tables
}

// Value returns what stands at key.
func (t Table) Value(key string) Value {
	return Value{t.doc, join(t.path, key), t.values[key]}
}

// Problemf reports that the value at key is wrong. The text starts with the
// full name of the key and its value; format continues it: what is wrong, and
// the cure.
func (t Table) Problemf(key, format string, args ...any) {
	t.Value(key).Problemf(format, args...)
}

// Missing reports that key must be given; cure says what to write.
func (t Table) Missing(key, cure string) {
	t.doc.problemf(t.path, "%s is missing: %s", t.doc.display(join(t.path, key)), cure)
}

// Unknown reports that the value at key is none of the valid names.
func (t Table) Unknown(key string, valid []string) {
	text, _ := t.Text(key)
	t.Problemf(key, "is unknown; %s", Suggestion(text, valid))
}

// keyStart is the dotted key that an error text begins with.
var keyStart = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*`)

// Failed reports an error of the code that used the table's values, a problem a
// line. If its text begins with a key of the table, that key is the place.
func (t Table) Failed(err error) {
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimSuffix(line, "\n")
		key := keyStart.FindString(line)
		path := join(t.path, key)
		if _, given := t.doc.places[path]; !given || key == "" {
			path, key = t.path, ""
		}
		text := line
		switch {
		case t.path != "" && key != "":
			text = t.doc.display(t.path) + "." + line
		case t.path != "":
			text = t.doc.display(t.path) + ": " + line
		}
		t.doc.problems = append(t.doc.problems, Problem{t.doc.place(path), text})
	}
}

// Elsewhere reports an error of another file that the table names. Its text has
// a place of its own.
func (t Table) Elsewhere(err error) {
	for line := range strings.Lines(err.Error()) {
		t.doc.problems = append(t.doc.problems, Problem{Text: strings.TrimSuffix(line, "\n")})
	}
}

// keys lists the keys of the table in a fixed order.
func (t Table) keys() []string {
	keys := make([]string, 0, len(t.values))
	for key := range t.values {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// Value is one value of a document.
type Value struct {
	doc  *Document
	path string
	// Any is the value: string, bool, int64, float64, time.Time, []any,
	// map[string]any, or nil if the key is absent.
	Any any
}

// Table returns the value as a table, if it is one.
func (v Value) Table() (Table, bool) {
	values, ok := v.Any.(map[string]any)
	return Table{v.doc, v.path, values}, ok
}

// Overridden reports whether the value was given by Override, not by the file.
func (v Value) Overridden() bool { return v.doc.place(v.path).Line == 0 }

// Element returns element i of the value, which must be an array longer than i.
func (v Value) Element(i int) Value {
	return Value{v.doc, join(v.path, strconv.Itoa(i)), v.Any.([]any)[i]}
}

// Problemf reports that the value is wrong; see Table.Problemf.
func (v Value) Problemf(format string, args ...any) {
	given := ""
	switch v.Any.(type) {
	case string, bool, int64, float64:
		given = " = " + Literal(v.Any)
	}
	v.doc.problemf(v.path, "%s%s: "+format, append([]any{v.doc.display(v.path), given}, args...)...)
}

// display writes a path as a user would pass it to --set: elements of an array
// of tables by their name, if they have one.
func (d *Document) display(path string) string {
	var names []string
	var at any = d.root
	for _, key := range strings.Split(path, ".") {
		shown := key
		switch v := at.(type) {
		case map[string]any:
			at = v[key]
		case []any:
			at = nil
			if i, err := strconv.Atoi(key); err == nil && i < len(v) {
				at = v[i]
				if table, ok := at.(map[string]any); ok {
					if name, ok := table["name"].(string); ok && name != "" {
						shown = name
					}
				}
			}
		}
		names = append(names, shown)
	}
	return strings.Join(names, ".")
}
