package sda

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"retrace/internal/nn"
	"retrace/internal/strict"
)

// Architecture names a network and its arguments.
type Architecture struct {
	Kind       string    `json:"kind"`       // one of Kinds
	Activation string    `json:"activation"` // one of Activations
	Arguments  Arguments `json:"args"`
}

// Arguments are the arguments of one kind of network: a *Perceptron, a
// *FieldUNet, a *SequenceUNet or a *FrameUNet.
type Arguments interface {
	// problems lists every argument out of its range, each starting with the
	// argument's name.
	problems() []error
	// window is the number of states that the network takes at once; 0: all.
	window() int
	// checkState tells why states of a shape are not those of the network.
	checkState(state []int) error
	// build takes the weights of the network from the source.
	build(s *source, activation string) network
}

// Kinds lists the kinds of networks that can be imported.
func Kinds() []string { return []string{"mcscore-mlp", "mcscore-unet", "global-unet-1d", framesKind} }

// framesKind is the kind of branch qg; all others are of branch master.
const (
	framesKind   = "qg-unet"
	masterBranch = "master"
	framesBranch = "qg"
)

// branchOf is the branch that has a kind.
func branchOf(kind string) string {
	if kind == framesKind {
		return framesBranch
	}
	return masterBranch
}

// Activations lists the activations that an architecture can name.
func Activations() []string { return nn.Activations() }

// defaults returns the arguments of a kind with their defaults, or nil.
func defaults(kind string) Arguments {
	switch kind {
	case "mcscore-mlp":
		return &Perceptron{}
	case "mcscore-unet":
		return &FieldUNet{Spatial: 2, Levels: Levels{KernelSize: PerAxis{3}, Stride: PerAxis{2}, PaddingMode: "circular"}}
	case "global-unet-1d":
		return &SequenceUNet{Levels: Levels{KernelSize: PerAxis{3}, Stride: PerAxis{2}, PaddingMode: "zeros"}}
	case framesKind:
		return &FrameUNet{Spatial: 2, Context: anySize, Expansion: 4, Temporal: 3,
			Levels: Levels{KernelSize: PerAxis{5}, Stride: PerAxis{2}, PaddingMode: "circular"}}
	}
	return nil
}

// heading is the part of an architecture file that all kinds share.
type heading struct {
	Kind       string `toml:"kind,required" doc:"name the network: mcscore-mlp, mcscore-unet, global-unet-1d or qg-unet"`
	Branch     string `toml:"branch" doc:"branch of the code: qg for qg-unet, master for all others"`
	Activation string `toml:"activation" doc:"SiLU, ReLU, ELU, GELU, SELU or Tanh"`
}

// nested is an architecture file with a table of arguments, flat one without.
type (
	nested struct {
		Heading heading `toml:",inline"`
		Args    struct {
			Activation string    `toml:"activation"`
			Arguments  Arguments `toml:",inline"`
		} `toml:"args"`
	}
	flat struct {
		Heading   heading   `toml:",inline"`
		Arguments Arguments `toml:",inline"`
	}
)

// ReadArchitecture reads an architecture file. All its problems are reported, one
// a line, in one input error.
func ReadArchitecture(path string) (Architecture, error) {
	document, err := strict.ReadFile(path)
	if err != nil {
		return Architecture{}, err
	}
	return decode(document)
}

// ParseArchitecture is ReadArchitecture for the text of a file; file is its name
// in errors.
func ParseArchitecture(file string, text []byte) (Architecture, error) {
	document, err := strict.Parse(file, text)
	if err != nil {
		return Architecture{}, err
	}
	return decode(document)
}

func decode(document *strict.Document) (Architecture, error) {
	root := document.Root()
	kind := kindOf(root)
	arguments := defaults(kind)
	if arguments == nil {
		if root.Has("kind") {
			root.Problemf("kind", "is not supported; supported are %q", Kinds())
		} else {
			root.Missing("kind", fmt.Sprintf("name one of %q", Kinds()))
		}
		return Architecture{}, document.Err()
	}
	bound := bind(root, kind, arguments)
	table := root
	if args, ok := root.Table("args"); ok {
		table = args
	}
	if document.Err() == nil {
		if bound.Branch != branchOf(kind) {
			root.Problemf("branch", "does not have %s, which is of branch %s; qg has %s", kind, branchOf(kind), framesKind)
		}
		for _, problem := range arguments.problems() {
			table.Failed(problem)
		}
		if !slices.Contains(Activations(), bound.Activation) {
			root.Failed(fmt.Errorf("activation = %q is unknown; %s", bound.Activation, strict.Suggestion(bound.Activation, Activations())))
		}
	}
	return Architecture{kind, bound.Activation, arguments}, document.Err()
}

// kindOf is the kind that the file names. Branch qg has one network, which any
// name of a U-Net means there.
func kindOf(root strict.Table) string {
	kind, _ := root.Text("kind")
	if branch, _ := root.Text("branch"); branch == framesBranch && strings.Contains(kind, "unet") {
		return framesKind
	}
	return kind
}

// bind reads the file in either form.
func bind(root strict.Table, kind string, arguments Arguments) heading {
	top := heading{Branch: branchOf(kind), Activation: "SiLU"}
	if !root.Has("args") {
		f := flat{top, arguments}
		root.Bind(&f)
		return f.Heading
	}
	n := nested{Heading: top}
	n.Args.Arguments = arguments
	root.Bind(&n)
	if n.Args.Activation != "" {
		if root.Has("activation") && n.Heading.Activation != n.Args.Activation {
			root.Problemf("activation", "differs from args.activation = %q; give it once", n.Args.Activation)
		}
		n.Heading.Activation = n.Args.Activation
	}
	return n.Heading
}

// UnmarshalJSON reads an architecture that was written as JSON, and checks it.
func (a *Architecture) UnmarshalJSON(text []byte) error {
	var head struct {
		Kind       string          `json:"kind"`
		Activation string          `json:"activation"`
		Arguments  json.RawMessage `json:"args"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return err
	}
	*a = Architecture{head.Kind, head.Activation, defaults(head.Kind)}
	if a.Arguments == nil {
		return fmt.Errorf("the kind %q is not supported; supported are %q", head.Kind, Kinds())
	}
	if err := json.Unmarshal(head.Arguments, a.Arguments); err != nil {
		return err
	}
	return a.validate()
}

func (a Architecture) validate() error {
	problems := a.Arguments.problems()
	if !slices.Contains(Activations(), a.Activation) {
		problems = append(problems, fmt.Errorf("the activation %q is unknown", a.Activation))
	}
	return errors.Join(problems...)
}

// Bounds of arguments; far above any use, and low enough that no product of a
// few of them overflows.
const (
	mostChannels = 1 << 20
	mostLayers   = 1 << 10
	mostLevels   = 16
	mostTaps     = 63
)

// checks collects arguments out of their range.
type checks []error

func (c *checks) between(name string, value, low, high int) {
	if value < low || value > high {
		*c = append(*c, fmt.Errorf("%s = %d: must be between %d and %d", name, value, low, high))
	}
}

func (c *checks) odd(name string, value int) {
	if c.between(name, value, 1, mostTaps); value%2 == 0 {
		*c = append(*c, fmt.Errorf("%s = %d: must be odd", name, value))
	}
}

func (c *checks) eachBetween(name string, values []int, low, high int) {
	if len(values) > mostLayers {
		*c = append(*c, fmt.Errorf("%s has %d values, more than %d", name, len(values), mostLayers))
		return
	}
	for _, v := range values {
		if v < low || v > high {
			*c = append(*c, fmt.Errorf("%s = %v: each must be between %d and %d", name, values, low, high))
			return
		}
	}
}
