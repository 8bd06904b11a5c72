package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"retrace/experiment"
)

func checkCommand() *cobra.Command {
	var overrides []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check CONFIG",
		Short: "Check a config, print it with every default, and estimate what it costs",
		Long: `Check a config without running it. The config is printed with every default
spelled out, followed by an estimate of the work, the time on this machine
(measured on the spot for a moment), the memory and the disk space.`,
		Example: example("retrace check configs/lorenz63.toml"),
		Args:    exactly("CONFIG"), ValidArgsFunction: configArgument,
		RunE: func(cmd *cobra.Command, args []string) error {
			config, err := experiment.Load(args[0], overrides)
			if err != nil {
				return err
			}
			estimates, err := config.Estimate(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), estimates)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s\n", config.Encode(true))
			return estimateTable(estimates).print(cmd.OutOrStdout())
		},
	}
	settingsFlag(cmd, &overrides)
	jsonFlag(cmd, &asJSON)
	return cmd
}
