// Package registry keeps what a config can name: systems, operators, methods.
package registry

import (
	"fmt"
	"slices"
	"strings"
)

// Registry is a list of entries, ordered by name. Fill it before it is used
// from several goroutines.
type Registry[Entry any] struct {
	what    string
	name    func(Entry) string
	entries []Entry
}

// New returns an empty registry. what says what an entry is, after its package
// ("dynamics: model"); name is the name of an entry.
func New[Entry any](what string, name func(Entry) string) *Registry[Entry] {
	return &Registry[Entry]{what: what, name: name}
}

// Register adds an entry. It panics if the name is taken.
func (r *Registry[Entry]) Register(e Entry) {
	if _, taken := r.Lookup(r.name(e)); taken {
		panic(fmt.Sprintf("%s %q is registered twice", r.what, r.name(e)))
	}
	r.entries = append(r.entries, e)
	slices.SortFunc(r.entries, func(a, b Entry) int { return strings.Compare(r.name(a), r.name(b)) })
}

// Lookup finds an entry by name.
func (r *Registry[Entry]) Lookup(name string) (entry Entry, ok bool) {
	i := slices.IndexFunc(r.entries, func(e Entry) bool { return r.name(e) == name })
	if i < 0 {
		return entry, false
	}
	return r.entries[i], true
}

// Entries lists the entries by name. The caller may keep it.
func (r *Registry[Entry]) Entries() []Entry { return slices.Clone(r.entries) }
