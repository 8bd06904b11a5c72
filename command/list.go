package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"retrace/dynamics"
	"retrace/experiment"
	"retrace/internal/strict"
	"retrace/observe"
)

// choice is something that a config can name, with its parameters.
type choice struct {
	Name       string      `json:"name"`
	Summary    string      `json:"summary"`
	Parameters []parameter `json:"parameters"`
}

type parameter struct {
	Name     string `json:"name"`
	Default  any    `json:"default"`
	Required bool   `json:"required,omitempty"`
	Doc      string `json:"doc"`
}

func newChoice(name, summary string, defaults any) choice {
	c := choice{Name: name, Summary: summary, Parameters: []parameter{}}
	for _, f := range strict.Fields(defaults) {
		c.Parameters = append(c.Parameters, parameter{f.Name, f.Value, f.Required, f.Doc})
	}
	return c
}

// listCommands are the verbs that print what a config can name.
func listCommands() []*cobra.Command {
	return []*cobra.Command{
		listCommand("models", "List the dynamical systems that [model] can name", func() []choice {
			var list []choice
			for _, e := range dynamics.Entries() {
				list = append(list, newChoice(e.Name, e.Summary, e.Defaults()))
			}
			return list
		}),
		listCommand("operators", "List the observation operators that a [[scenario]] can name", func() []choice {
			var list []choice
			for _, e := range observe.Entries() {
				list = append(list, newChoice(e.Name, e.Summary, e.Defaults()))
			}
			return list
		}),
		listCommand("methods", "List the ways to assimilate that a [[method]] can name", func() []choice {
			var list []choice
			for _, e := range experiment.Methods() {
				list = append(list, newChoice(e.Name, e.Summary, e.Defaults()))
			}
			return list
		}),
		samplersCommand(),
	}
}

func listCommand(verb, short string, choices func() []choice) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: verb, Short: short, Args: exactly(),
		Example: example("retrace %s --json", verb),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON {
				return printJSON(cmd.OutOrStdout(), choices())
			}
			list := choices()
			for i, c := range list {
				if i > 0 && len(list[i-1].Parameters)+len(c.Parameters) > 0 {
					fmt.Fprintln(cmd.OutOrStdout())
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", c.Name, c.Summary)
				if len(c.Parameters) == 0 {
					continue
				}
				if err := parameterTable(c.Parameters).print(cmd.OutOrStdout()); err != nil {
					return err
				}
			}
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func parameterTable(parameters []parameter) *table {
	t := &table{left: 3, header: []string{"  parameter", "default", "meaning"}}
	for _, p := range parameters {
		value := strict.Literal(p.Default)
		if p.Required {
			value = "required"
		}
		t.add("  "+p.Name, value, p.Doc)
	}
	return t
}
