package observe

import (
	"retrace/dynamics"
	"retrace/internal/registry"
)

// Builder makes an operator from parameters. A builder is a pointer to a
// struct whose exported fields are the parameters: each carries a
// `toml:"name"` tag (its key in the operator table of a config) and a
// `doc:"..."` tag. The registered function returns it filled with defaults.
type Builder interface {
	// Build checks the parameters against the space of the states observed and
	// returns the operator. An error names the key at fault and the values
	// allowed.
	Build(space dynamics.Space) (Operator, error)
}

// Entry is one operator that a config can name.
type Entry struct {
	Name    string
	Summary string // one line
	// Defaults returns a new Builder holding the default parameters.
	Defaults func() Builder
}

var entries = registry.New("observe: operator", func(e Entry) string { return e.Name })

// Register makes an operator known by name to configs. Call it from init or
// main, before any config is read. It panics if the name is taken.
func Register(e Entry) { entries.Register(e) }

// Lookup finds a registered operator by name.
func Lookup(name string) (Entry, bool) { return entries.Lookup(name) }

// Entries lists the registered operators by name. The caller may keep it.
func Entries() []Entry { return entries.Entries() }
