package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"retrace/experiment"
	"retrace/internal/fault"
	"retrace/internal/npy"
)

// advanceFlags ask simulate to advance one given state.
type advanceFlags struct {
	initial, output string
	steps           int
}

func (a *advanceFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.initial, "initial", "", "advance the state in this .npy file (physical units) instead")
	cmd.Flags().IntVar(&a.steps, "steps", 1, "sampling intervals to advance --initial by")
	cmd.Flags().StringVar(&a.output, "output", "", "where to write the last state, as .npy in float64")
	cmd.Example += "\n" + example("retrace simulate configs/lorenz63.toml --initial state.npy --steps 100 --output last.npy")
}

func (a *advanceFlags) used(cmd *cobra.Command) bool {
	for _, name := range []string{"initial", "steps", "output"} {
		if flag := cmd.Flags().Lookup(name); flag != nil && flag.Changed {
			return true
		}
	}
	return false
}

func (a *advanceFlags) advance(ctx context.Context, path string, overrides []string) error {
	if a.initial == "" || a.output == "" {
		return fault.Inputf("--initial, --steps and --output go together: give the state to advance and where to write the result")
	}
	config, err := experiment.Load(path, overrides)
	if err != nil {
		return err
	}
	shape, state, err := npy.Read[float64](a.initial)
	if err != nil {
		return err
	}
	if err := config.Advance(ctx, state, a.steps); err != nil {
		return fmt.Errorf("%s: %w", a.initial, err)
	}
	return npy.Write(a.output, shape, state)
}
