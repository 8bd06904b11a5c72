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
	var peer string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "bench [CONFIG...]",
		Short: "Measure what this machine reaches, and what the shipped configs would take",
		Long: `Measure the peak of float32 multiply-adds, the rate of reading memory, matrix
products, convolutions, networks, the quasi-geostrophic model, and the priors of
configs; and estimate the time of a run of each config. Without arguments these
are the configs that come with the program.

One core is one goroutine. All cores are as many as GOMAXPROCS: sharing the work
of products of square matrices, convolutions, residual mlps and u-nets, and each
with work of its own otherwise. What belongs together is measured in turns for
some rounds, and the best round of each counts. Compare only rates of one run, or
shares of the peak: the clock of a processor drifts. Rates of networks count the
products with their weights alone, those of convolutions what their definition
needs, which Winograd's algorithm undercuts. RETRACE_CPU chooses the instruction
set.

--peer runs another program beside, which times the same work in the same rounds,
such as internal/bench/peer.py for PyTorch; its head says how to run it. The table
then has the peer's rates on all cores and the ratios to them.`,
		Example:           example("retrace bench\nRETRACE_CPU=avx2 retrace bench configs/lorenz63.toml\nretrace bench --seconds 0.5 --peer \"python3 internal/bench/peer.py\""),
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
			report, err := measureAll(cmd.Context(), list, bench.Meter{Seconds: seconds}, peer, progress)
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
	cmd.Flags().StringVar(&peer, "peer", "", "command line of a program to compare with")
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
	Peer    string             `json:"peer,omitempty"` // as it calls itself
	Rates   []bench.Rate       `json:"rates"`
	Runs    []runEstimate      `json:"runs"`
}

// runEstimate is what a run of a config would take.
type runEstimate struct {
	Config   string                `json:"config"`
	Estimate experiment.Estimate   `json:"estimate"`
	Units    []experiment.Estimate `json:"units"`
}

// measureAll estimates the runs of the configs, then measures all rates.
func measureAll(ctx context.Context, list []*experiment.Config, meter bench.Meter, peer string, show *progress) (*benchReport, error) {
	report := &benchReport{Machine: experiment.ThisMachine(), Seconds: meter.Seconds}
	if peer != "" {
		var err error
		if meter.Peer, err = bench.StartPeer(ctx, peer); err != nil {
			return nil, err
		}
		defer meter.Peer.Close()
		report.Peer = meter.Peer.Name
	}
	priors, err := report.estimate(ctx, list, show)
	if err != nil {
		return nil, err
	}
	groups := [][]bench.Probe{append(bench.Machine(), bench.Products()...), bench.Models(), bench.Networks()}
	groups = append(groups, bench.Convolutions()...)
	groups = append(groups, bench.Residuals())
	for _, probe := range bench.UNets() { // a group each: a workspace takes up to two gigabytes
		groups = append(groups, []bench.Probe{probe})
	}
	groups = append(groups, priors)
	return report, showing(show, "rates", func() (err error) {
		meter.Progress = func(done, total int) { show.advance(done, total, "") }
		report.Rates, err = meter.Measure(ctx, groups...)
		return err
	})
}

// estimate fills in the runs and returns probes of the priors of the configs.
func (r *benchReport) estimate(ctx context.Context, list []*experiment.Config, show *progress) (probes []bench.Probe, err error) {
	err = showing(show, "estimates", func() error {
		for i, config := range list {
			units, prior, err := config.Gauge(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", config.File, err)
			}
			r.Runs = append(r.Runs, runEstimate{config.Name, experiment.Total(units), units})
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
	return probes, err
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
	fmt.Fprintf(w, "%s\n", r.Machine)
	header := []string{"subject", "work", "unit", "1 core", "of peak", fmt.Sprintf("all (%d)", r.Machine.Cores), "of peak"}
	if r.Peer != "" {
		fmt.Fprintf(w, "peer: %s, all cores\n", r.Peer)
		header = append(header, "peer", "ratio")
	}
	fmt.Fprintln(w)
	rates := &table{left: 3, header: header}
	last := ""
	for _, rate := range r.Rates {
		subject := rate.Subject
		if subject == last {
			subject = ""
		}
		last = rate.Subject
		row := []string{subject, rate.Work, rate.Unit, figures(rate.OneCore), share(rate.PeakOne), figures(rate.AllCores), share(rate.PeakAll)}
		switch {
		case rate.Peer != nil:
			row = append(row, figures(*rate.Peer), fmt.Sprintf("%.2f", *rate.Ratio))
		case r.Peer != "":
			row = append(row, "", "")
		}
		rates.add(row...)
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
