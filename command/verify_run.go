package command

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/spf13/cobra"

	"retrace/experiment"
	"retrace/internal/fault"
	"retrace/reanalysis"
)

func verifyRunCommand() *cobra.Command {
	window := -1
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify-run DIR",
		Short: "Compute one window of a reanalysis again and compare the bytes",
		Long: `Compute one finished window of a reanalysis again, chosen at random, and compare
the bytes with those recorded, with the files on disk and with the joined stores.
Nothing is written. The exit code is 3 if anything differs.`,
		Example: example("retrace verify-run runs/reanalysis-lorenz96"),
		Args:    exactly("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			batch, plan, err := experiment.JoinReanalysis(args[0])
			if err != nil {
				return err
			}
			if window < 0 {
				if window, err = anyFinished(batch, plan); err != nil {
					return err
				}
			}
			v, err := batch.Verify(cmd.Context(), plan, window)
			if err != nil {
				return err
			}
			if asJSON {
				err = printJSON(cmd.OutOrStdout(), v)
			} else {
				fmt.Fprintf(cmd.OutOrStdout(), "window %d: %d files and %d stores compared, %d differ\n", v.Window, v.Files, v.Stores, len(v.Differs))
			}
			if err == nil && len(v.Differs) > 0 {
				err = fmt.Errorf("window %d: %s: %w", v.Window, strings.Join(v.Differs, ", "), errVerdict)
			}
			return err
		},
	}
	cmd.Flags().IntVar(&window, "window", -1, "window to compute (default: one at random)")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// anyFinished is a random window of those that are finished.
func anyFinished(b *reanalysis.Batch, plan *reanalysis.Plan) (int, error) {
	for _, k := range rand.Perm(len(plan.Jobs)) {
		finished, err := b.Finished(plan.Jobs[k])
		if err != nil || finished {
			return k, err
		}
	}
	return 0, fault.Inputf("%s: no window is finished; run retrace reanalyse first", b.Dir)
}
