package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"retrace/experiment"
	"retrace/internal/fault"
	"retrace/reanalysis"
)

// reanalyseFlags are the flags of reanalyse.
type reanalyseFlags struct {
	runFlags
	workers int
	shard   string
	window  int
	prepare bool
}

func reanalyseCommand() *cobra.Command {
	var f reanalyseFlags
	cmd := &cobra.Command{
		Use:   "reanalyse CONFIG",
		Short: "Assimilate a long record window by window, on many machines if need be",
		Long: `Assimilate a long record of observations in overlapping windows, as the table
[reanalysis] of the config says, and join them into one product in the folder
reanalysis of the run directory: mean.zarr, spread.zarr and members.zarr, which
can be read while they grow, diagnostics.jsonl and scores.json.

Worker processes on this machine take the windows from a queue; others join from
any machine that shares the run directory (retrace worker). What is done is
skipped, so the same command resumes a batch, and redoes after new observations
the windows that they touch.

Under a scheduler there is no queue: --prepare once, then any number of
--shard i/n or --window k side by side, and the plain command to join.`,
		Example: example("retrace reanalyse configs/reanalysis-lorenz96.toml --workers 3"),
		Args:    exactly("CONFIG"), ValidArgsFunction: configArgument,
		RunE: func(cmd *cobra.Command, args []string) error { return f.reanalyse(cmd, args[0]) },
	}
	f.add(cmd)
	jsonFlag(cmd, &f.json)
	cmd.Flags().IntVar(&f.workers, "workers", -1, "worker processes to start; 0: this process does the work, without a queue (default reanalysis.workers)")
	cmd.Flags().StringVar(&f.shard, "shard", "", "compute share i of n, as i/n with i from 0, of a prepared batch, without a queue")
	cmd.Flags().IntVar(&f.window, "window", -1, "compute one window of a prepared batch")
	cmd.Flags().BoolVar(&f.prepare, "prepare", false, "make the record, the prior and the plan, and stop")
	return cmd
}

func (f *reanalyseFlags) reanalyse(cmd *cobra.Command, path string) error {
	config, err := experiment.Load(path, f.overrides)
	if err != nil {
		return err
	}
	if f.out == "" {
		f.out = filepath.Join("runs", config.Name)
	}
	if f.shard != "" || f.window >= 0 {
		return f.share(cmd)
	}
	outcome, err := f.carryOut(cmd, func(o experiment.Options) (experiment.Outcome, error) {
		return experiment.PrepareReanalysis(cmd.Context(), config, o)
	})
	if err != nil {
		return err
	}
	release, err := experiment.LockReanalysis(outcome.Dir)
	if err != nil {
		return err
	}
	defer release()
	batch, plan, with, err := experiment.StartReanalysis(config, outcome.Dir)
	if err != nil {
		return err
	}
	if f.prepare {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: %d windows are planned\n", outcome.Dir, len(plan.Jobs))
		return nil
	}
	if _, err := batch.Revive(); err != nil {
		return err
	}
	if err := batch.RemoveStaleBeats(); err != nil {
		return err
	}
	if err := f.carryOn(cmd, config, batch, plan, with); err != nil {
		return err
	}
	scores, err := batch.WriteScores(plan)
	if err != nil {
		return err
	}
	return f.printScores(cmd.OutOrStdout(), scores)
}

// carryOn computes and joins the windows that are left.
func (f *reanalyseFlags) carryOn(cmd *cobra.Command, config *experiment.Config, b *reanalysis.Batch, plan *reanalysis.Plan, with reanalysis.Comparison) error {
	joiner, err := reanalysis.NewJoiner(b, plan, with)
	if err != nil {
		return err
	}
	left := b.Unfinished(plan)
	progress := newProgress(cmd.ErrOrStderr())
	defer progress.close()
	show := progress.watcher()
	start := time.Now()
	const unit = "reanalyse"
	show.Begin(unit)
	tell := func(done, total int) { show.Advance(done, total, fmt.Sprintf("window %d of %d", done, total)) }
	workers := f.count(config.Reanalysis)
	if workers == 0 || left == nil {
		err = reanalysis.RunHere(cmd.Context(), b, plan, joiner, tell)
	} else {
		c := &coordination{
			config: config, batch: b, plan: plan, joiner: joiner, workers: workers, progress: tell,
			log: slog.New(progress.logHandler()),
		}
		err = c.run(cmd.Context())
	}
	if cmd.Context().Err() != nil && errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w: all finished windows are kept in %s; give the same command again to go on", errInterrupted, f.out)
	}
	show.End(unit, time.Since(start), err)
	return err
}

// count is the number of worker processes to start.
func (f *reanalyseFlags) count(r *experiment.Reanalysis) int {
	switch {
	case f.workers >= 0:
		return f.workers
	case r.Workers >= 0:
		return r.Workers
	case r.Join == reanalysis.Sequential:
		return 1
	}
	return runtime.NumCPU()
}

// share computes a part of a prepared batch.
func (f *reanalyseFlags) share(cmd *cobra.Command) error {
	batch, plan, err := experiment.JoinReanalysis(f.out)
	if err != nil {
		return err
	}
	var source *reanalysis.Shard
	if f.window >= 0 {
		if source, err = single(batch, plan, f.window); err != nil {
			return err
		}
	} else {
		i, n, err := parseShard(f.shard)
		if err != nil {
			return err
		}
		source = reanalysis.NewShard(batch, plan, i, n)
	}
	w := &reanalysis.Worker{Batch: batch, Source: source, Log: slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))}
	failed, err := w.Run(cmd.Context())
	switch {
	case cmd.Context().Err() != nil:
		return fmt.Errorf("%w: all finished windows are kept in %s", errInterrupted, f.out)
	case err != nil:
		return err
	case failed > 0 || source.Lost() > 0:
		return fmt.Errorf("%d windows failed, and %d could not be computed: see the logs in %s", failed, source.Lost()-failed, filepath.Join(batch.Dir, "failures"))
	}
	return nil
}

// single is the source of one window, whose needs must be finished.
func single(b *reanalysis.Batch, plan *reanalysis.Plan, k int) (*reanalysis.Shard, error) {
	if k >= len(plan.Jobs) {
		return nil, fault.Inputf("--window %d: there are windows 0 to %d", k, len(plan.Jobs)-1)
	}
	for _, n := range plan.Jobs[k].Needs {
		finished, err := b.Finished(plan.Jobs[n])
		if err != nil {
			return nil, err
		}
		if !finished {
			return nil, fault.Inputf("--window %d: needs window %d, which is not finished: compute that first", k, n)
		}
	}
	return reanalysis.NewSingle(b, plan, k), nil
}

func parseShard(text string) (i, n int, err error) {
	first, second, ok := strings.Cut(text, "/")
	if ok {
		if i, err = strconv.Atoi(first); err == nil {
			n, err = strconv.Atoi(second)
		}
	}
	if !ok || err != nil || n < 1 || i < 0 || i >= n {
		return 0, 0, fault.Inputf("--shard %s: give i/n, such as 0/8 for the first of eight shares", text)
	}
	return i, n, nil
}

// printScores prints what a batch came to.
func (f *reanalyseFlags) printScores(w io.Writer, s *reanalysis.Scores) error {
	if f.json {
		return printJSON(w, s)
	}
	t := &table{left: 0, header: []string{"windows", "states", "members", "observed", "used", "chi2", "residual", "spread", "rmse", "spread/skill", "alarms"}}
	t.add(fmt.Sprint(s.Windows), fmt.Sprint(s.States), fmt.Sprint(s.Members), fmt.Sprint(s.Observed), fmt.Sprint(s.Used),
		optional(s.Chi2), optional(s.Residual), significant(s.Spread), optional(s.RMSE), optional(s.SpreadSkill), fmt.Sprint(s.Alarms))
	if err := t.print(w); err != nil || len(s.Leads) == 0 {
		return err
	}
	fmt.Fprintf(w, "\n%d forecasts\n", s.Forecasts)
	leads := &table{header: []string{"lead", "rmse", "spread", "innovation", "expected", "values"}}
	for _, l := range s.Leads {
		leads.add(fmt.Sprint(l.States), optional(l.RMSE), significant(l.Spread), optional(l.Innovation), optional(l.Expected), fmt.Sprint(l.Count))
	}
	return leads.print(w)
}

// program is the path of the running program, to start it again. What it was called by
// comes first: a program that tells its parts by its name keeps it.
func program() (string, error) {
	if path, err := lookPath(os.Args[0]); err == nil {
		return path, nil
	}
	return os.Executable()
}
