package command

import (
	"context"
	"fmt"
	"time"

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
			config, err := loadAny(args[0], overrides)
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

// checked is a config that can be printed and estimated.
type checked interface {
	Encode(comments bool) []byte
	Estimate(ctx context.Context) ([]experiment.Estimate, error)
}

// loadAny reads the config of an experiment of any kind.
func loadAny(path string, overrides []string) (checked, error) {
	if twin, err := experiment.IsTwin(path); err != nil || twin {
		if err != nil {
			return nil, err
		}
		return experiment.LoadTwin(path, overrides)
	}
	return experiment.Load(path, overrides)
}

func estimateTable(list []experiment.Estimate) *table {
	t := &table{left: 1, header: []string{"unit", "count", "work", "time", "memory", "disk"}}
	for _, e := range append(list, experiment.Total(list)) {
		seconds, count := "-", ""
		if e.Seconds != nil {
			seconds = duration(time.Duration(*e.Seconds * float64(time.Second)))
		}
		if e.Work != "" {
			count = fmt.Sprintf("%.3g", e.Count)
		}
		t.add(e.Unit, count, e.Work, seconds, byteSize(e.Memory), byteSize(e.Disk))
	}
	return t
}
