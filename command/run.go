package command

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"retrace/experiment"
)

// runFlags are the flags of the verbs that work in a run directory.
type runFlags struct {
	out       string
	overrides []string
	fresh     bool
	json      bool
}

func (f *runFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.out, "out", "", "run directory (default runs/NAME, after the name of the config)")
	cmd.Flags().BoolVar(&f.fresh, "fresh", false, "delete the results of earlier runs first")
	settingsFlag(cmd, &f.overrides)
}

func runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run CONFIG",
		Short: "Carry a whole experiment out, or what is left of it",
		Long: `Carry all stages of an experiment out: simulate, train, observe, assimilate,
score, report. What is complete is skipped, what was interrupted is resumed, and
what an edit of the config made stale is redone.

A config with a table [twin] is a twin experiment: long runs of the model, whose
errors are averaged for every method. If it says what to expect, the exit code is 3
where that is not reached.`,
		Example: example("retrace run configs/lorenz63.toml --out runs/first --set method.score.members=64"),
		Args:    exactly("CONFIG"), ValidArgsFunction: configArgument,
		RunE: func(cmd *cobra.Command, args []string) error {
			twin, err := experiment.IsTwin(args[0])
			if err != nil {
				return err
			}
			if twin {
				return f.runTwin(cmd, args[0])
			}
			outcome, err := f.run(cmd, args[0])
			if err != nil {
				return err
			}
			if err := printLaps(cmd.OutOrStdout(), outcome.Dir, f.json); err != nil {
				return err
			}
			return printScores(cmd.OutOrStdout(), outcome.Dir, f.json)
		},
	}
	f.add(cmd)
	jsonFlag(cmd, &f.json)
	return cmd
}

// stageCommands are the verbs of single stages.
func stageCommands() []*cobra.Command {
	short := map[experiment.Stage]string{
		experiment.StageSimulate:   "Simulate the training, validation and test trajectories",
		experiment.StageTrain:      "Train the prior",
		experiment.StageObserve:    "Observe the test trajectories, or read observations",
		experiment.StageAssimilate: "Draw the ensembles of every scenario and method",
		experiment.StageScore:      "Score the ensembles",
		experiment.StageReport:     "Draw the figures and write the report",
	}
	var list []*cobra.Command
	for _, stage := range experiment.Stages() {
		list = append(list, stageCommand(stage, short[stage]))
	}
	return list
}

func stageCommand(stage experiment.Stage, short string) *cobra.Command {
	var f runFlags
	var a advanceFlags
	cmd := &cobra.Command{
		Use:     string(stage) + " CONFIG",
		Short:   short,
		Long:    short + ".\nStages that this one depends on are carried out first where they are not complete.",
		Example: example("retrace %s configs/lorenz63.toml", stage),
		Args:    exactly("CONFIG"), ValidArgsFunction: configArgument,
		RunE: func(cmd *cobra.Command, args []string) error {
			if a.used(cmd) {
				return a.advance(cmd.Context(), args[0], f.overrides)
			}
			outcome, err := f.run(cmd, args[0], stage)
			if err == nil && stage == experiment.StageTrain {
				err = printLaps(cmd.OutOrStdout(), outcome.Dir, false)
			}
			if err == nil && stage == experiment.StageScore {
				err = printScores(cmd.OutOrStdout(), outcome.Dir, f.json)
			}
			return err
		},
	}
	f.add(cmd)
	switch stage {
	case experiment.StageSimulate:
		a.add(cmd)
	case experiment.StageScore:
		jsonFlag(cmd, &f.json)
	}
	return cmd
}

// run carries stages out and says how it went.
func (f *runFlags) run(cmd *cobra.Command, path string, stages ...experiment.Stage) (experiment.Outcome, error) {
	config, err := experiment.Load(path, f.overrides)
	if err != nil {
		return experiment.Outcome{}, err
	}
	outcome, err := f.carryOut(cmd, func(o experiment.Options) (experiment.Outcome, error) {
		o.Stages = stages
		return experiment.Run(cmd.Context(), config, o)
	})
	if err == nil && (len(stages) == 0 || stages[0] == experiment.StageReport) {
		f.tellReport(cmd, outcome)
	}
	return outcome, err
}

// carryOut does work in a run directory and says how it went.
func (f *runFlags) carryOut(cmd *cobra.Command, work func(experiment.Options) (experiment.Outcome, error)) (experiment.Outcome, error) {
	progress := newProgress(cmd.ErrOrStderr())
	start := time.Now()
	outcome, err := work(experiment.Options{
		Dir: f.out, Fresh: f.fresh, Watcher: progress.watcher(), Log: progress.logHandler(),
	})
	progress.close()
	if errors.Is(err, context.Canceled) {
		return outcome, fmt.Errorf("%w: all finished work is kept in %s; give the same command again to go on", errInterrupted, outcome.Dir)
	}
	if err != nil {
		return outcome, err
	}
	if outcome.Ran == 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: nothing to do, everything is up to date\n", outcome.Dir)
	} else {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: done in %s\n", outcome.Dir, duration(time.Since(start)))
	}
	return outcome, nil
}

func (f *runFlags) tellReport(cmd *cobra.Command, outcome experiment.Outcome) {
	fmt.Fprintf(cmd.ErrOrStderr(), "report: %s\n", filepath.Join(outcome.Dir, "report.html"))
}
