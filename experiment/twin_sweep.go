package experiment

import (
	"reflect"
	"strings"

	"retrace/internal/strict"
)

// mostVariants bounds what one method or scenario with lists becomes.
const mostVariants = 10_000

// sweepTwin replaces methods and scenarios with lists of values by their
// variants.
func sweepTwin(document *strict.Document) {
	document.Sweep("method", strict.Sweep{Swept: sweptInMethod, Mark: markVariant, Most: mostVariants})
	document.Sweep("scenario", strict.Sweep{Swept: sweptInScenario, Mark: markScenario, Most: mostVariants})
}

// sweptInMethod tells a list of values to try from a value that is a list.
func sweptInMethod(t strict.Table, key string) bool {
	kind, ok := t.Text("kind")
	if !ok {
		kind, _ = t.Text("name")
	}
	if key == "members" {
		return true
	}
	entry, ok := LookupMethod(kind)
	return ok && swept(entry.Defaults(), t, key)
}

func sweptInScenario(t strict.Table, key string) bool {
	return swept(&Scenario{}, t, key) && key != "name"
}

// swept reports whether the list at key is one of values for the field of that
// name: a list for a single value, or a list of lists for a list.
func swept(target any, t strict.Table, key string) bool {
	for _, f := range strict.Fields(target) {
		if f.Name != key {
			continue
		}
		of := reflect.TypeOf(f.Value)
		for of.Kind() == reflect.Pointer {
			of = of.Elem()
		}
		switch of.Kind() {
		case reflect.Slice:
			list, _ := t.Value(key).Any.([]any)
			if len(list) == 0 {
				return false
			}
			_, nested := list[0].([]any)
			return nested && of.Elem().Kind() != reflect.Slice
		case reflect.Struct:
			return false
		}
		return true
	}
	return false
}

// markVariant names a variant after its settings.
func markVariant(t strict.Table, point []strict.Setting) {
	name, named := t.Text("name")
	kind, kinded := t.Text("kind")
	switch {
	case !named && !kinded:
		return // an error that Choose reports
	case !kinded:
		t.Set("kind", name)
	case !named:
		name = kind
	}
	t.Set("name", withSettings(name, point))
	if !t.Has("group") {
		t.Set("group", name)
	}
}

func markScenario(t strict.Table, point []strict.Setting) {
	if name, ok := t.Text("name"); ok {
		t.Set("name", withSettings(name, point))
	}
}

func withSettings(name string, point []strict.Setting) string {
	parts := []string{name}
	for _, s := range point {
		parts = append(parts, s.String())
	}
	return strings.Join(parts, " ")
}
