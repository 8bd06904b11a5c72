package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"retrace/experiment"
)

func versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "version", Short: "Print the version", Args: exactly(),
		Example: example("retrace version --json"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := experiment.Version()
			if asJSON {
				return printJSON(cmd.OutOrStdout(), v)
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "retrace", v.Version, v.Revision, v.Go)
			return err
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}
