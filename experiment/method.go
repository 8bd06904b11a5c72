package experiment

import (
	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/internal/registry"
)

// MethodBuilder makes a method from parameters. It is a pointer to a struct
// whose exported fields are the parameters: each carries a `toml:"name"` tag,
// its key in the [[method]] table, and a `doc:"..."` tag.
type MethodBuilder interface {
	// Check reports a parameter out of range, or a model that the method
	// cannot work with. The error names the key at fault and the cure.
	Check(model dynamics.Model, length int) error
	// Build returns the method for checked parameters.
	Build(prior Prior) (assimilate.Method, error)
}

// MethodEntry is one kind of method that a config can name.
type MethodEntry struct {
	Name    string
	Summary string // one line
	// NeedsPrior says that Build must be given a trained prior, NeedsTraining
	// that the method looks at the training trajectories of a problem.
	NeedsPrior, NeedsTraining bool
	// Laws says that the method knows noise of any law. Others are given observations
	// with independent noise that is equivalent to correlated noise, and no noise that is
	// not Gaussian.
	Laws bool
	// Defaults returns a new builder holding the default parameters.
	Defaults func() MethodBuilder
}

var methods = registry.New("experiment: method", func(e MethodEntry) string { return e.Name })

// RegisterMethod makes a kind of method known by name to configs. Call it from
// init or main, before any config is read. It panics if the name is taken.
func RegisterMethod(e MethodEntry) { methods.Register(e) }

// LookupMethod finds a registered kind of method by name.
func LookupMethod(name string) (MethodEntry, bool) { return methods.Lookup(name) }

// Methods lists the registered kinds of method by name. The caller may keep it.
func Methods() []MethodEntry { return methods.Entries() }
