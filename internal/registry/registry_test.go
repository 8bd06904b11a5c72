package registry_test

import (
	"fmt"
	"strings"
	"testing"

	"retrace/internal/registry"
)

func words() *registry.Registry[string] {
	return registry.New("test: word", func(word string) string { return word })
}

func TestNameTakenTwicePanics(t *testing.T) {
	r := words()
	r.Register("tide")
	defer func() {
		if got := fmt.Sprint(recover()); got != `test: word "tide" is registered twice` {
			t.Errorf("panicked with %q", got)
		}
	}()
	r.Register("tide")
}

func TestEntriesAreTheCallers(t *testing.T) {
	r := words()
	r.Register("tide")
	r.Entries()[0] = "ebb"
	if word, ok := r.Lookup("tide"); !ok || word != "tide" {
		t.Errorf("got %q, %v", word, ok)
	}
}

func ExampleRegistry() {
	r := words()
	for word := range strings.FieldsSeq("wave tide current") {
		r.Register(word)
	}
	fmt.Println(r.Entries())
	_, ok := r.Lookup("ebb")
	fmt.Println(ok)
	// Output:
	// [current tide wave]
	// false
}
