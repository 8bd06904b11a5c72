package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"retrace/experiment"
)

func sampleCommand() *cobra.Command {
	var f runFlags
	var s experiment.Samples
	cmd := &cobra.Command{
		Use:   "sample CONFIG",
		Short: "Draw trajectories from the prior alone, without observations",
		Long: `Draw trajectories from the prior alone, without observations, into a store.
The prior is that of the run directory, and is trained first if it is not there.
The sampler is that of the first score method of the config.`,
		Example: example("retrace sample configs/lorenz63.toml --members 64 --length 1000 --output samples.zarr"),
		Args:    exactly("CONFIG"), ValidArgsFunction: configArgument,
		RunE: func(cmd *cobra.Command, args []string) error {
			config, err := experiment.Load(args[0], f.overrides)
			if err != nil {
				return err
			}
			if s.Length == 0 {
				s.Length = config.Trajectories.Length
			}
			progress := newProgress(cmd.ErrOrStderr())
			_, err = experiment.SamplePrior(cmd.Context(), config, experiment.Options{
				Dir: f.out, Fresh: f.fresh, Watcher: progress.watcher(), Log: progress.logHandler(),
			}, s)
			progress.close()
			if errors.Is(err, context.Canceled) {
				return fmt.Errorf("%w: no samples were written; the training done so far is kept", errInterrupted)
			}
			return err
		},
	}
	f.add(cmd)
	cmd.Flags().IntVar(&s.Members, "members", 64, "trajectories to draw")
	cmd.Flags().IntVar(&s.Length, "length", 0, "states of a trajectory (default trajectories.length)")
	cmd.Flags().StringVar(&s.Output, "output", "", "store to write, such as samples.zarr")
	return cmd
}
