package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"time"

	"github.com/spf13/cobra"

	"retrace/configs"
	"retrace/experiment"
	"retrace/internal/bench"
	"retrace/internal/fault"
)

func benchCommand() *cobra.Command {
	var seconds float64
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "bench [CONFIG...]",
		Short: "Measure what this machine reaches, and what the shipped configs would take",
		Long: `Measure the peak of float32 multiply-adds, the rate of reading memory, matrix
products, networks, and the priors of configs; and estimate the time of a run of
each config. Without arguments these are the configs that come with the program.

One core is one goroutine, all cores are as many as GOMAXPROCS with work and
memory of their own. All measurements take turns for some rounds, and the best
round of each counts. Compare only rates of one run, or shares of the peak: the
clock of a processor drifts. Rates of networks count the products with their
weights alone. RETRACE_CPU chooses the instruction set.`,
		Example:           example("retrace bench\nRETRACE_CPU=avx2 retrace bench configs/lorenz63.toml"),
		ValidArgsFunction: configArgument,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !(seconds > 0 && seconds <= 60) {
				return fault.Inputf("--seconds %v: must be greater than 0 and at most 60", seconds)
			}
			list, err := benchConfigs(args)
			if err != nil {
				return err
			}
			progress := newProgress(cmd.ErrOrStderr())
			report, err := measureAll(cmd.Context(), list, seconds, progress)
			progress.close()
			if errors.Is(err, context.Canceled) {
				return errInterrupted
			}
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), report)
			}
			return report.print(cmd.OutOrStdout())
		},
	}
	cmd.Flags().Float64Var(&seconds, "seconds", 0.12, "time of each measurement on one core, and again on all")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// benchConfigs reads the configs named, or those that come with the program.
func benchConfigs(paths []string) ([]*experiment.Config, error) {
	read := func(path string) (*experiment.Config, error) { return experiment.Load(path, nil) }
	if len(paths) == 0 {
		var err error
		if paths, err = fs.Glob(configs.Files, "*.toml"); err != nil {
			return nil, err
		}
		read = func(path string) (*experiment.Config, error) {
			text, err := configs.Files.ReadFile(path)
			if err != nil {
				return nil, err
			}
			return experiment.Parse(path, text, nil)
		}
	}
	var list []*experiment.Config
	for _, path := range paths {
		config, err := read(path)
		if err != nil {
			return nil, err
		}
		list = append(list, config)
	}
	return list, nil
}

// benchReport is what was measured.
type benchReport struct {
	Machine experiment.Machine `json:"machine"`
	Seconds float64            `json:"seconds_per_measurement"`
	Rates   []bench.Rate       `json:"rates"`
	Runs    []runEstimate      `json:"runs"`
}

// runEstimate is what a run of a config would take.
type runEstimate struct {
	Config   string                `json:"config"`
	Estimate experiment.Estimate   `json:"estimate"`
	Units    []experiment.Estimate `json:"units"`
}

// measureAll estimates the runs of the configs, then measures all rates
// together, so that they can be compared.
func measureAll(ctx context.Context, list []*experiment.Config, seconds float64, show *progress) (*benchReport, error) {
	report := &benchReport{Machine: experiment.ThisMachine(), Seconds: seconds}
	probes := append(bench.Machine(), append(bench.Products(), bench.Networks()...)...)
	err := showing(show, "estimates", func() error {
		for i, config := range list {
			units, prior, err := config.Gauge(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", config.File, err)
			}
			report.Runs = append(report.Runs, runEstimate{config.Name, experiment.Total(units), units})
			if prior != nil {
				more, err := bench.Prior(config.Name, prior, config.Trajectories.Length)
				if err != nil {
					return fmt.Errorf("%s: %w", config.File, err)
				}
				probes = append(probes, more...)
			}
			show.advance(i+1, len(list), "")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return report, showing(show, "rates", func() (err error) {
		report.Rates, err = bench.Measure(ctx, probes, seconds, func(done, total int) { show.advance(done, total, "") })
		return err
	})
}

// showing shows the progress of a part of the work.
func showing(show *progress, unit string, work func() error) error {
	show.begin(unit)
	start := time.Now()
	err := work()
	show.end(unit, time.Since(start), err)
	return err
}

func (r *benchReport) print(w io.Writer) error {
	fmt.Fprintf(w, "%s\n\n", r.Machine)
	rates := &table{left: 3, header: []string{
		"subject", "work", "unit", "1 core", "of peak", fmt.Sprintf("all (%d)", r.Machine.Cores), "of peak"}}
	last := ""
	for _, rate := range r.Rates {
		subject := rate.Subject
		if subject == last {
			subject = ""
		}
		last = rate.Subject
		rates.add(subject, rate.Work, rate.Unit, figures(rate.OneCore), share(rate.PeakOne), figures(rate.AllCores), share(rate.PeakAll))
	}
	if err := rates.print(w); err != nil || len(r.Runs) == 0 {
		return err
	}
	fmt.Fprintln(w)
	runs := &table{left: 1, header: []string{"config", "whole run, estimated", "memory", "disk"}}
	for _, run := range r.Runs {
		e := run.Estimate
		runs.add(run.Config, duration(time.Duration(*e.Seconds*float64(time.Second))), byteSize(e.Memory), byteSize(e.Disk))
	}
	return runs.print(w)
}

// figures writes a rate with three figures, or as a whole number.
func figures(rate float64) string {
	if rate < 1000 {
		return fmt.Sprintf("%.3g", rate)
	}
	scale := math.Pow(10, math.Floor(math.Log10(rate))-2)
	return fmt.Sprintf("%.0f", math.Round(rate/scale)*scale)
}

func share(of *float64) string {
	if of == nil {
		return ""
	}
	return fmt.Sprintf("%.0f %%", 100**of)
}
