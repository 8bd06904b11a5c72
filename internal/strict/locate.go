package strict

import (
	"strconv"
	"strings"
)

// The TOML parser tells no positions of keys, so a second pass over the text
// finds them. The text is known to be valid, which makes the pass short: it
// only has to know where keys stand and how long values are.

// found is the place of the key, array element or table header at path.
type found struct {
	path         string
	line, column int
}

// locator scans valid TOML text.
type locator struct {
	text   string
	at     int
	line   int
	start  int // offset of the first byte of the line
	tables map[string]int
	places []found
}

// locate lists the places of all keys of valid TOML text. Paths join keys and
// array indices by dots.
func locate(text string) []found {
	l := &locator{text: text, line: 1, tables: map[string]int{}}
	prefix := ""
	for {
		l.blank()
		if l.at >= len(l.text) {
			return l.places
		}
		if l.peek() == '[' {
			prefix = l.header()
			continue
		}
		before := l.at
		l.entry(prefix)
		if l.at == before {
			return l.places
		}
	}
}

func (l *locator) peek() byte {
	if l.at < len(l.text) {
		return l.text[l.at]
	}
	return 0
}

func (l *locator) next() {
	if l.peek() == '\n' {
		l.line++
		l.start = l.at + 1
	}
	l.at++
}

// blank skips white space, line ends and comments.
func (l *locator) blank() {
	for l.at < len(l.text) {
		switch l.peek() {
		case ' ', '\t', '\r', '\n':
			l.next()
		case '#':
			for l.at < len(l.text) && l.peek() != '\n' {
				l.next()
			}
		default:
			return
		}
	}
}

func (l *locator) space() {
	for l.peek() == ' ' || l.peek() == '\t' {
		l.next()
	}
}

// mark records the current offset as the place of path.
func (l *locator) mark(path string) {
	l.places = append(l.places, found{path, l.line, l.at - l.start + 1})
}

// header reads [a.b] or [[a.b]] and returns the path of the table it opens.
func (l *locator) header() string {
	line, column := l.line, l.at-l.start+1
	l.next()
	array := l.peek() == '['
	if array {
		l.next()
	}
	l.blank()
	path := ""
	keys := l.keys()
	for i, key := range keys {
		path = join(path, key)
		last := i == len(keys)-1
		if array && last {
			l.tables[path]++
		}
		if count, isArray := l.tables[path]; isArray {
			path = join(path, strconv.Itoa(count-1))
		}
		l.places = append(l.places, found{path, line, column})
	}
	for l.at < len(l.text) && l.peek() != '\n' {
		l.next()
	}
	return path
}

// entry reads key = value below prefix.
func (l *locator) entry(prefix string) {
	path := prefix
	line, column := l.line, l.at-l.start+1
	for _, key := range l.keys() {
		path = join(path, key)
		l.places = append(l.places, found{path, line, column})
	}
	if l.peek() == '=' {
		l.next()
	}
	l.blank()
	l.value(path)
}

// keys reads a dotted key up to the = or ] behind it.
func (l *locator) keys() []string {
	var keys []string
	for {
		l.space()
		switch c := l.peek(); c {
		case '"', '\'':
			keys = append(keys, unquote(l.quoted(), c))
		default:
			begin := l.at
			for l.at < len(l.text) && !strings.ContainsRune(" \t\r\n.=]", rune(l.peek())) {
				l.next()
			}
			keys = append(keys, l.text[begin:l.at])
		}
		l.space()
		if l.peek() != '.' {
			return keys
		}
		l.next()
	}
}

// value skips one value and records the places inside it.
func (l *locator) value(path string) {
	switch l.peek() {
	case '"', '\'':
		l.quoted()
	case '[':
		l.next()
		for i := 0; l.more(']'); i++ {
			element := join(path, strconv.Itoa(i))
			l.mark(element)
			l.value(element)
		}
	case '{':
		l.next()
		for l.more('}') {
			l.entry(path)
		}
	default:
		l.next() // at least one, so that every loop ends
		for l.at < len(l.text) && !strings.ContainsRune(",]}\n#", rune(l.peek())) {
			l.next()
		}
	}
}

// more moves to the next element of an array or inline table; it is false,
// past the closing bracket, at the end.
func (l *locator) more(closing byte) bool {
	l.blank()
	if l.peek() == ',' {
		l.next()
		l.blank()
	}
	if l.at >= len(l.text) {
		return false
	}
	if l.peek() == closing {
		l.next()
		return false
	}
	return true
}

// quoted skips a string of any of the four kinds and returns it with its
// quotes.
func (l *locator) quoted() string {
	begin, quote := l.at, l.text[l.at:l.at+1]
	if strings.HasPrefix(l.text[l.at:], strings.Repeat(quote, 3)) {
		quote = strings.Repeat(quote, 3)
	}
	l.skip(len(quote))
	for l.at < len(l.text) && !strings.HasPrefix(l.text[l.at:], quote) {
		if l.peek() == '\\' && quote[0] == '"' {
			l.next()
		}
		l.next()
	}
	l.skip(len(quote))
	// A multi-line string may end in up to two quotes of its own.
	for len(quote) == 3 && l.peek() == quote[0] {
		l.next()
	}
	return l.text[begin:min(l.at, len(l.text))]
}

func (l *locator) skip(n int) {
	for range n {
		l.next()
	}
}

func unquote(quoted string, quote byte) string {
	if quote == '"' {
		if s, err := strconv.Unquote(quoted); err == nil {
			return s
		}
	}
	return strings.Trim(quoted, string(quote))
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
