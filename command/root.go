package command

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"retrace/internal/fault"
	"retrace/internal/kernel"
	"retrace/internal/strict"
)

// newRoot builds the command tree.
func newRoot(stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:   "retrace",
		Short: "Recover trajectories of dynamical systems from observations",
		Long: `retrace recovers the trajectory of a dynamical system from sparse, coarse or
noisy observations, as an ensemble drawn from the posterior.

An experiment is a TOML file; its results are a run directory. Start with:

  retrace run configs/lorenz63.toml`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		Args:              cobra.ArbitraryArgs,
		PersistentPreRunE: func(*cobra.Command, []string) error { return kernel.Check() },
	}
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		return unknownVerb(root, args[0])
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fault.Inputf("%w; see: %s --help", err, cmd.CommandPath())
	})
	root.AddCommand(runCommand())
	root.AddCommand(stageCommands()...)
	root.AddCommand(checkCommand(), calibrateCommand(), inspectCommand(), sampleCommand(), referenceCommand())
	root.AddCommand(importWeightsCommand(), denoiseCommand())
	root.AddCommand(reanalyseCommand(), workerCommand(), statusCommand(), verifyRunCommand())
	root.AddCommand(listCommands()...)
	root.AddCommand(feedbackCommand(), importObservationsCommand(), serveCommand())
	root.AddCommand(benchCommand(), versionCommand())
	root.SetHelpCommand(helpCommand(root))
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.Args, c.RunE = shell, func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
	return root
}

// helpCommand explains a verb, and refuses an unknown one as root does.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Explain a command",
		RunE: func(_ *cobra.Command, args []string) error {
			found, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return unknownVerb(root, args[0])
			}
			return found.Help()
		},
	}
}

func unknownVerb(root *cobra.Command, verb string) error {
	return fault.Inputf("unknown command %q; %s", verb, strict.Suggestion(verb, verbs(root)))
}

// shell demands no argument but a sub-command.
func shell(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		shells := []string{"bash", "fish", "powershell", "zsh"}
		return fault.Inputf("unknown shell %q; %s", args[0], strict.Suggestion(args[0], shells))
	}
	return nil
}

func verbs(root *cobra.Command) []string {
	var list []string
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			list = append(list, c.Name())
		}
	}
	return list
}

// exactly demands arguments of these names.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < len(names) {
			return fault.Inputf("%s is missing; see: %s --help", names[len(args)], cmd.CommandPath())
		}
		if len(args) > len(names) {
			return fault.Inputf("unexpected argument %q; see: %s --help", args[len(names)], cmd.CommandPath())
		}
		return nil
	}
}

// configArgument completes names of TOML files.
func configArgument(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"toml"}, cobra.ShellCompDirectiveFilterFileExt
}

// settingsFlag adds --set to a command.
func settingsFlag(cmd *cobra.Command, overrides *[]string) {
	cmd.Flags().StringArrayVar(overrides, "set", nil,
		"replace a value of the config: key=value, such as --set method.score.members=64 (repeatable)")
}

// jsonFlag adds --json to a command.
func jsonFlag(cmd *cobra.Command, asJSON *bool) {
	cmd.Flags().BoolVar(asJSON, "json", false, "print JSON instead of a table")
}

func example(format string, args ...any) string { return "  " + fmt.Sprintf(format, args...) }
