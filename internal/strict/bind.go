package strict

import (
	"fmt"
	"math"
	"reflect"
	"strings"
)

// Decoder is a type that reads its own value, reporting what is wrong by
// v.Problemf.
type Decoder interface {
	DecodeTOML(v Value)
}

// Chooser is a struct whose fields depend on a value of its table, such as the
// parameters of a model on the model's name. Choose is called before the
// fields are bound, and should fill in the defaults; false, after reporting a
// problem, says that the valid keys cannot be known.
type Chooser interface {
	Choose(t Table) bool
}

// Bind sets the tagged fields of target, a pointer to a struct, from the
// table. What is wrong is reported to the document; see Document.Err.
func (t Table) Bind(target any) {
	value := reflect.ValueOf(target)
	complete := true
	if chooser, ok := target.(Chooser); ok {
		complete = chooser.Choose(t)
	}
	fields := fieldsOf(value)
	names := make([]string, len(fields))
	known := map[string]bool{}
	for i, f := range fields {
		names[i] = f.name
		known[f.name] = true
		if !t.Has(f.name) {
			if f.required {
				t.Missing(f.name, f.doc)
			}
			continue
		}
		t.Value(f.name).set(f.value)
	}
	for _, key := range t.keys() {
		if complete && !known[key] {
			t.doc.problemf(join(t.path, key), "unknown key %q; %s",
				t.doc.display(join(t.path, key)), Suggestion(key, names))
		}
	}
}

// Bind sets what target points to from the value, as a field of a struct would
// be; what is wrong is reported to the document. It serves a Decoder that accepts
// several types.
func (v Value) Bind(target any) { v.set(reflect.ValueOf(target).Elem()) }

// set writes v to a field or element, reporting a wrong type.
func (v Value) set(field reflect.Value) {
	if decoder, ok := field.Addr().Interface().(Decoder); ok {
		decoder.DecodeTOML(v)
		return
	}
	switch field.Kind() {
	case reflect.Pointer:
		if field.IsNil() {
			field.Set(reflect.New(field.Type().Elem()))
		}
		v.set(field.Elem())
	case reflect.Struct:
		if table, ok := v.Table(); ok {
			table.Bind(field.Addr().Interface())
		} else {
			v.wrongType("a table")
		}
	case reflect.Slice:
		v.setSlice(field)
	case reflect.Float64:
		if x, ok := v.Float(); ok {
			field.SetFloat(x)
		}
	case reflect.Int, reflect.Int64, reflect.Int32:
		if x, ok := v.integer(field); ok {
			field.SetInt(x)
		}
	case reflect.String:
		if x, ok := v.Any.(string); ok {
			field.SetString(x)
		} else {
			v.wrongType("a string")
		}
	case reflect.Bool:
		if x, ok := v.Any.(bool); ok {
			field.SetBool(x)
		} else {
			v.wrongType("true or false")
		}
	default:
		panic(fmt.Sprintf("strict: a field of type %s cannot be read from TOML", field.Type()))
	}
}

func (v Value) setSlice(field reflect.Value) {
	list, ok := v.Any.([]any)
	if !ok {
		v.wrongType("an array")
		return
	}
	out := reflect.MakeSlice(field.Type(), len(list), len(list))
	for i := range list {
		v.Element(i).set(out.Index(i))
	}
	field.Set(out)
}

// Float returns the value as a finite number; ok is false, and the problem
// reported, if it is none.
func (v Value) Float() (x float64, ok bool) {
	switch n := v.Any.(type) {
	case int64:
		return float64(n), true
	case float64:
		if math.IsNaN(n) || math.IsInf(n, 0) {
			v.Problemf("must be a finite number")
			return 0, false
		}
		return n, true
	}
	v.wrongType("a number")
	return 0, false
}

func (v Value) integer(field reflect.Value) (int64, bool) {
	switch n := v.Any.(type) {
	case int64:
		if field.OverflowInt(n) {
			v.Problemf("is too large")
			return 0, false
		}
		return n, true
	case float64:
		v.Problemf("must be a whole number, written without point or exponent")
		return 0, false
	}
	v.wrongType("a whole number")
	return 0, false
}

func (v Value) wrongType(want string) {
	v.Problemf("must be %s, not %s", want, kindName(v.Any))
}

func kindName(value any) string {
	switch value.(type) {
	case nil:
		return "nothing"
	case string:
		return "a string"
	case bool:
		return "true or false"
	case int64, float64:
		return "a number"
	case []any:
		return "an array"
	case map[string]any:
		return "a table"
	}
	return "a date or time"
}

// Field describes one key of a table.
type Field struct {
	Name     string
	Doc      string
	Required bool
	// Value is the field's present value, the default before Bind.
	Value any
}

// Fields lists the keys that target, a pointer to a struct, reads from its
// table, in the order of the struct.
func Fields(target any) []Field {
	fields := fieldsOf(reflect.ValueOf(target))
	list := make([]Field, len(fields))
	for i, f := range fields {
		list[i] = Field{f.name, f.doc, f.required, f.value.Interface()}
	}
	return list
}

type field struct {
	name, doc string
	required  bool
	value     reflect.Value
}

// fieldsOf flattens a pointer to a struct, or an interface holding one, with
// its inline fields.
func fieldsOf(pointer reflect.Value) []field {
	for pointer.Kind() == reflect.Interface {
		pointer = pointer.Elem()
	}
	if !pointer.IsValid() || pointer.Kind() == reflect.Pointer && pointer.IsNil() {
		return nil
	}
	if pointer.Kind() != reflect.Pointer || pointer.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("strict: %s is not a pointer to a struct", pointer.Type()))
	}
	var fields []field
	structure := pointer.Elem()
	for i := range structure.NumField() {
		declared := structure.Type().Field(i)
		name, options, _ := strings.Cut(declared.Tag.Get("toml"), ",")
		switch {
		case name == "-" || !declared.IsExported():
		case strings.Contains(options, "inline"):
			inner := structure.Field(i)
			if inner.Kind() == reflect.Struct {
				inner = inner.Addr()
			}
			fields = append(fields, fieldsOf(inner)...)
		case name != "":
			fields = append(fields, field{name, declared.Tag.Get("doc"),
				strings.Contains(options, "required"), structure.Field(i)})
		}
	}
	return fields
}
