package command

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"retrace/calibrate"
	"retrace/experiment"
	"retrace/internal/fault"
)

// calibrateFlags are the flags of calibrate.
type calibrateFlags struct {
	out, scenario, method string
	overrides             []string
	cases, members        int
	power, spread, level  float64
	seed                  int64
	json                  bool
}

func calibrateCommand() *cobra.Command {
	var f calibrateFlags
	cmd := &cobra.Command{
		Use:   "calibrate [CONFIG]",
		Short: "Is the posterior right? A verdict with an exit code",
		Long: `Test whether methods draw from the posterior. Trajectories are drawn from the
model and observed; given the observations, each is one more draw from the
posterior, so that no question may tell it from a method's members. The answer is
a table of tests, a figure, a page that explains them, and the exit code: 0 if
every method passes, 3 if not.

With CONFIG its methods are tested on new cases of its scenarios. Where the
model is linear, the error of a score-based method is split: algorithm (exact prior
in place of the network), composition (the same in windows), network. An interrupted
test goes on with the next case when the same command is given again.

Without CONFIG the built-in suite runs: samplers on a system whose posterior is
known, some known to be wrong, which the tests must notice. The exit code is then 0
if each comes out as it must; with --method, if that one passes.`,
		Example: example("retrace calibrate\n  retrace calibrate --method dps\n  retrace calibrate configs/tiny.toml --cases 200"),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return exactly("CONFIG")(cmd, args)
			}
			return f.check()
		},
		ValidArgsFunction: configArgument,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return f.oracle(cmd)
			}
			return f.experiment(cmd, args[0])
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.out, "out", "", "folder to write to (default runs/calibration, or the run directory of CONFIG)")
	flags.StringVar(&f.scenario, "scenario", "", "test this scenario of CONFIG only")
	flags.StringVar(&f.method, "method", "", "test this method only")
	flags.IntVar(&f.cases, "cases", 0, "cases to draw (default: as many as --power and --spread-error need)")
	flags.IntVar(&f.members, "members", 64, "members to draw for each case")
	flags.Float64Var(&f.power, "power", 0.9, "probability with which a wrong spread is to be found")
	flags.Float64Var(&f.spread, "spread-error", 0.8, "that wrong spread: standard deviation of the members over the right one")
	flags.Float64Var(&f.level, "level", 0.01, "probability with which a right method fails, all its tests together")
	flags.Int64Var(&f.seed, "seed", 1, "names the random draws of the built-in suite")
	settingsFlag(cmd, &f.overrides)
	jsonFlag(cmd, &f.json)
	return cmd
}

func (f *calibrateFlags) check() error {
	switch {
	case f.cases < 0 || f.cases > 1_000_000 || f.cases > 0 && f.cases < 10:
		return fault.Inputf("--cases %d: must be from 10 to 1000000, or 0 for as many as are needed", f.cases)
	case f.members < 8 || f.members > 100_000:
		return fault.Inputf("--members %d: must be from 8 to 100000", f.members)
	case !(f.power > 0 && f.power < 1):
		return fault.Inputf("--power %v: must be between 0 and 1", f.power)
	case !(f.level > 0 && f.level <= 0.2):
		return fault.Inputf("--level %v: must be above 0 and at most 0.2", f.level)
	case !(f.spread >= 0.1 && f.spread <= 10) || f.spread > 0.97 && f.spread < 1.03:
		return fault.Inputf("--spread-error %v: must be from 0.1 to 0.97 or from 1.03 to 10", f.spread)
	}
	return nil
}

// needed is the number of cases for a number of tests.
func (f *calibrateFlags) needed(tests int) int {
	return calibrate.Needs(f.power, f.level, f.spread, tests)
}

// count is the number of cases to draw.
func (f *calibrateFlags) count(tests int) int {
	if f.cases > 0 {
		return f.cases
	}
	return max(10, f.needed(tests))
}

// trial is a study with the methods to put to it.
type trial struct {
	*calibrateFlags
	*progress
	study  *calibrate.Study
	errors io.Writer
}

// announce says what will be done and how long it takes, from the first case of
// every method.
func (b *trial) announce(ctx context.Context, list []calibrate.Contender) error {
	var seconds float64
	for _, c := range list {
		took, err := b.study.Remaining(ctx, c.Name, c.Method)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
		seconds += took
	}
	needed := b.needed(b.study.Tests())
	enough := "enough"
	if needed > len(b.study.Cases) {
		enough = "too few"
	}
	fmt.Fprintf(b.errors, "%d cases of %d members for %d methods: about %s\n", len(b.study.Cases), b.study.Members, len(list),
		duration(time.Duration(seconds*float64(time.Second))))
	fmt.Fprintf(b.errors, "to find members with %v times the right standard deviation with a probability of %g %%, in %d tests at a level of %g %%, %d cases are needed: these are %s\n",
		b.spread, 100*b.power, b.study.Tests(), 100*b.level, needed, enough)
	return nil
}

// assess assesses methods one after the other.
func (b *trial) assess(ctx context.Context, list []calibrate.Contender) ([]*calibrate.Assessment, error) {
	var all []*calibrate.Assessment
	for _, c := range list {
		start := time.Now()
		b.begin(c.Name)
		a, err := b.study.Assess(ctx, c.Name, c.Method, func(done, total int) {
			b.advance(done, total, fmt.Sprintf("case %d of %d", done, total))
		})
		b.end(c.Name, time.Since(start), err)
		if err != nil {
			return nil, err
		}
		a.Summary = c.Summary
		all = append(all, a)
	}
	return all, nil
}

func (f *calibrateFlags) verdict(title string, study *calibrate.Study) *calibrate.Verdict {
	return &calibrate.Verdict{
		Title: title, Level: f.level, Cases: len(study.Cases), Members: study.Members, Seed: study.Seed,
		Power: f.power, SpreadError: f.spread, Needed: f.needed(study.Tests()),
	}
}

// oracle runs the built-in suite.
func (f *calibrateFlags) oracle(cmd *cobra.Command) error {
	if f.scenario != "" || len(f.overrides) > 0 {
		return fault.Inputf("--scenario and --set go with a CONFIG")
	}
	rules, err := calibrate.Rules()
	if err != nil {
		return err
	}
	pilot, err := calibrate.Oracle(cmd.Context(), 2, f.members, f.level, f.seed)
	if err != nil {
		return err
	}
	study, err := calibrate.Oracle(cmd.Context(), f.count(pilot.Tests()), f.members, f.level, f.seed)
	if err != nil {
		return err
	}
	v := f.verdict("Calibration of the oracle suite", study)
	var list []calibrate.Contender
	var names []string
	for _, r := range rules {
		names = append(names, r.Name)
		if f.method == "" || f.method == r.Name {
			list = append(list, calibrate.Contender{Name: r.Name, Summary: r.Summary, Method: r.Method})
		}
	}
	if len(list) == 0 {
		return unknownName("--method", f.method, names)
	}
	if f.method == "" {
		v.Expected = map[string]bool{}
		for _, r := range rules {
			v.Expected[r.Name] = r.Right
		}
	}
	b := &trial{f, newProgress(cmd.ErrOrStderr()), study, cmd.ErrOrStderr()}
	defer b.close()
	if err := b.announce(cmd.Context(), list); err != nil {
		return err
	}
	if v.Methods, err = b.assess(cmd.Context(), list); err != nil {
		return err
	}
	if err := b.against(cmd.Context(), v.Methods); err != nil {
		return err
	}
	if f.out == "" {
		f.out = filepath.Join("runs", "calibration")
	}
	return f.conclude(cmd, []*calibrate.Verdict{v}, []string{f.out})
}

// against compares assessments with the exact posterior, drawing it if it is not
// among them.
func (b *trial) against(ctx context.Context, list []*calibrate.Assessment) error {
	exact, err := b.study.Assess(ctx, "exact", calibrate.Exact{}, nil)
	if err != nil {
		return err
	}
	for _, a := range list {
		a.Against(exact)
	}
	return nil
}

// experiment tests the methods of a config.
func (f *calibrateFlags) experiment(cmd *cobra.Command, path string) error {
	config, err := experiment.Load(path, f.overrides)
	if err != nil {
		return err
	}
	scenarios, err := f.chosen(config)
	if err != nil {
		return err
	}
	progress := newProgress(cmd.ErrOrStderr())
	defer progress.close()
	equipment, err := experiment.Equip(cmd.Context(), config, experiment.Options{Dir: f.out, Watcher: progress.watcher(), Log: progress.logHandler()})
	if err != nil {
		return err
	}
	var verdicts []*calibrate.Verdict
	var folders []string
	for _, s := range scenarios {
		v, err := f.scenarioVerdict(cmd, config, s, equipment, progress)
		if err != nil {
			return fmt.Errorf("scenario %s: %w", s.Name, err)
		}
		verdicts = append(verdicts, v)
		folders = append(folders, filepath.Join(equipment.Dir, "calibration", s.Name))
	}
	return f.conclude(cmd, verdicts, folders)
}

// chosen lists the scenarios to test.
func (f *calibrateFlags) chosen(c *experiment.Config) ([]*experiment.Scenario, error) {
	if len(c.Scenarios) == 0 || len(c.Methods) == 0 {
		return nil, fault.Inputf("%s: there is nothing to test: add a [[scenario]] and a [[method]]", c.File)
	}
	var list []*experiment.Scenario
	var names []string
	for i := range c.Scenarios {
		s := &c.Scenarios[i]
		names = append(names, s.Name)
		if f.scenario == "" || f.scenario == s.Name {
			list = append(list, s)
		}
	}
	if len(list) == 0 {
		return nil, unknownName("--scenario", f.scenario, names)
	}
	return list, nil
}

func (f *calibrateFlags) scenarioVerdict(cmd *cobra.Command, c *experiment.Config, s *experiment.Scenario, e *experiment.Equipment, p *progress) (*calibrate.Verdict, error) {
	ctx := cmd.Context()
	study, err := f.studyOf(ctx, c, s, e)
	if err != nil {
		return nil, err
	}
	all, err := calibrate.Contenders(c, e)
	if err != nil {
		return nil, err
	}
	list, err := f.named(all)
	if err != nil {
		return nil, err
	}
	v := f.verdict("Calibration of "+c.Name+", scenario "+s.Name, study)
	b := &trial{f, p, study, cmd.ErrOrStderr()}
	if err := b.announce(ctx, list); err != nil {
		return nil, err
	}
	if v.Methods, err = b.assess(ctx, list); err != nil {
		return nil, err
	}
	if !study.Gaussian {
		return v, nil
	}
	if err := b.against(ctx, v.Methods); err != nil {
		return nil, err
	}
	v.Splits, err = b.split(ctx, c, e, list, v.Methods)
	return v, err
}

// studyOf draws as many cases as are needed for the number of tests, which a small
// study tells.
func (f *calibrateFlags) studyOf(ctx context.Context, c *experiment.Config, s *experiment.Scenario, e *experiment.Equipment) (*calibrate.Study, error) {
	count := f.cases
	if count == 0 {
		pilot, err := calibrate.OfScenario(ctx, c, s, e, 2, nil)
		if err != nil {
			return nil, err
		}
		count = f.count(pilot.Tests())
	}
	study, err := calibrate.OfScenario(ctx, c, s, e, count, nil)
	if err == nil {
		study.Members, study.Level = f.members, f.level
		study.Folder, study.Key = filepath.Join(e.Dir, "calibration", s.Name), s.Name+"\n"+string(c.Encode(false))
	}
	return study, err
}

func (f *calibrateFlags) named(all []calibrate.Contender) ([]calibrate.Contender, error) {
	if f.method == "" {
		return all, nil
	}
	var names []string
	for _, c := range all {
		names = append(names, c.Name)
		if c.Name == f.method {
			return []calibrate.Contender{c}, nil
		}
	}
	return nil, unknownName("--method", f.method, names)
}

// split takes score-based methods apart.
func (b *trial) split(ctx context.Context, c *experiment.Config, e *experiment.Equipment, list []calibrate.Contender, done []*calibrate.Assessment) ([]calibrate.Split, error) {
	var splits []calibrate.Split
	for i, contender := range list {
		parts, err := calibrate.Parts(c, e, contender.Method)
		if err != nil {
			return nil, err
		}
		if parts == nil {
			continue
		}
		assessed, err := b.assess(ctx, parts)
		if err != nil {
			return nil, err
		}
		if err := b.against(ctx, assessed); err != nil {
			return nil, err
		}
		var summaries []string
		for _, p := range parts {
			summaries = append(summaries, p.Summary)
		}
		splits = append(splits, calibrate.SplitOf(done[i], assessed, summaries))
	}
	return splits, nil
}

// conclude writes and prints verdicts.
func (f *calibrateFlags) conclude(cmd *cobra.Command, verdicts []*calibrate.Verdict, folders []string) error {
	pass := true
	for i, v := range verdicts {
		v.Judge()
		pass = pass && v.Pass
		if err := v.Save(folders[i]); err != nil {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "report: %s\n", filepath.Join(folders[i], calibrate.ReportName))
	}
	if err := f.printVerdicts(cmd.OutOrStdout(), verdicts); err != nil {
		return err
	}
	if !pass {
		return errVerdict
	}
	return nil
}
