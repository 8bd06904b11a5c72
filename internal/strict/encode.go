package strict

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Encoder is a type that chooses how it is written: as a string, number, bool,
// slice of these, or a pointer to a struct.
type Encoder interface {
	EncodeTOML() any
}

// Encode writes the struct that target points to as TOML, every key spelled
// out, with its documentation as a comment if comments is set. Nil pointers,
// nil slices and empty optional strings are left out. Bind of the result gives
// an equal struct.
func Encode(target any, comments bool) []byte {
	e := &encoder{comments: comments}
	e.table("", fieldsOf(reflect.ValueOf(target)))
	return []byte(strings.TrimLeft(e.out.String(), "\n"))
}

type encoder struct {
	out      strings.Builder
	comments bool
}

// table writes the values of a table first and its sub-tables behind them, as
// TOML demands.
func (e *encoder) table(path string, fields []field) {
	type part struct {
		header string
		fields []field
	}
	var parts []part
	for _, f := range fields {
		value := resolve(f.value)
		switch {
		case !value.IsValid() || value.Kind() == reflect.Slice && value.IsNil() ||
			value.Kind() == reflect.String && value.Len() == 0 && !f.required:
		case value.Kind() == reflect.Struct:
			parts = append(parts, part{"[" + join(path, f.name) + "]", fieldsOf(value.Addr())})
		case value.Kind() == reflect.Slice && value.Type().Elem().Kind() == reflect.Struct:
			for i := range value.Len() {
				parts = append(parts, part{"[[" + join(path, f.name) + "]]", fieldsOf(value.Index(i).Addr())})
			}
		default:
			e.line(f, Literal(value.Interface()))
		}
	}
	for _, p := range parts {
		fmt.Fprintf(&e.out, "\n%s\n", p.header)
		e.table(strings.Trim(p.header, "[]"), p.fields)
	}
}

func (e *encoder) line(f field, text string) {
	entry := quoteKey(f.name) + " = " + text
	if e.comments && f.doc != "" {
		fmt.Fprintf(&e.out, "%-32s # %s\n", entry, f.doc)
		return
	}
	e.out.WriteString(entry + "\n")
}

// resolve follows pointers, interfaces and Encoders to the value to write; it
// is invalid if there is none.
func resolve(value reflect.Value) reflect.Value {
	for {
		if !value.IsValid() {
			return value
		}
		if encoder, ok := value.Interface().(Encoder); ok {
			value = reflect.ValueOf(encoder.EncodeTOML())
			continue
		}
		if value.Kind() != reflect.Pointer && value.Kind() != reflect.Interface {
			return value
		}
		value = value.Elem()
	}
}

// Literal writes a value as TOML on one line.
func Literal(value any) string {
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.String:
		return quote(v.String())
	case reflect.Float64:
		text := strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(v.Float(), 'g', -1, 64), "+"))
		if !strings.ContainsAny(text, ".en") {
			text += ".0"
		}
		return text
	case reflect.Slice:
		elements := make([]string, v.Len())
		for i := range elements {
			elements[i] = Literal(v.Index(i).Interface())
		}
		return "[" + strings.Join(elements, ", ") + "]"
	case reflect.Bool, reflect.Int, reflect.Int32, reflect.Int64:
		return fmt.Sprint(value)
	}
	panic(fmt.Sprintf("strict: a value of type %T cannot be written as TOML", value))
}

// quote writes a basic string.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func quoteKey(key string) string {
	for _, r := range key {
		if !(r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			return quote(key)
		}
	}
	return key
}
