package dynamics

import "retrace/internal/registry"

// Builder makes a model from parameters. A builder is a pointer to a struct
// whose exported fields are the parameters: each carries a `toml:"name"` tag
// (its key in the [model] table of a config) and a `doc:"..."` tag (meaning,
// range and units). The registered function returns it filled with defaults.
type Builder interface {
	// Build checks the parameters and returns the model. An error names the
	// key at fault and the values allowed.
	Build() (Model, error)
}

// Entry is one model that a config can name.
type Entry struct {
	Name    string
	Summary string // one line, with the source
	// Defaults returns a new Builder holding the default parameters.
	Defaults func() Builder
}

var entries = registry.New("dynamics: model", func(e Entry) string { return e.Name })

// Register makes a model known by name to configs. Call it from init or main,
// before any config is read. It panics if the name is taken.
func Register(e Entry) { entries.Register(e) }

// Lookup finds a registered model by name.
func Lookup(name string) (Entry, bool) { return entries.Lookup(name) }

// Entries lists the registered models by name. The caller may keep it.
func Entries() []Entry { return entries.Entries() }
