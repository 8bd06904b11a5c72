package experiment

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"retrace/internal/atomicfile"
	"retrace/internal/fault"
)

// Options say where and how an experiment is run.
type Options struct {
	// Dir is the run directory; runs/NAME if empty.
	Dir string
	// Fresh deletes what earlier runs left in the directory first.
	Fresh bool
	// Stages are those wanted, together with what they depend on; all if
	// empty.
	Stages  []Stage
	Watcher Watcher
	// Log receives warnings, if not nil. The run directory has a log of its
	// own, log.jsonl, either way.
	Log slog.Handler
}

// Outcome is what a run did.
type Outcome struct {
	Dir string
	// Ran counts the units of work done; 0 if everything was complete before.
	Ran, Complete int
}

// Run carries the wanted stages of an experiment out in its run directory. It
// skips what is complete, resumes what was cut off, and redoes what depends on
// something that has changed. When ctx is cancelled it stops soon, with all
// work done so far kept, and returns an error that is context.Canceled.
func Run(ctx context.Context, c *Config, o Options) (outcome Outcome, err error) {
	units, err := c.units(o.Stages)
	if err != nil {
		return outcome, err
	}
	return runUnits(ctx, c.origin(), units, o)
}

// origin is the config that a run directory comes from.
type origin struct {
	name      string
	seed      int64
	file      string
	overrides []string
	inputs    []string // files besides the config
	// resolved is the text of run.toml for a run directory.
	resolved func(dir string) []byte
}

func (c *Config) origin() origin {
	var inputs []string
	for _, s := range c.Scenarios {
		if s.File != "" {
			inputs = append(inputs, s.File)
		}
	}
	return origin{c.Name, c.Seed, c.File, c.Overrides, inputs, c.resolved}
}

// runUnits makes units complete in a run directory.
func runUnits(ctx context.Context, from origin, units []*unit, o Options) (outcome Outcome, err error) {
	if o.Dir == "" {
		o.Dir = filepath.Join("runs", from.name)
	}
	d, err := openDirectory(o.Dir, o.Fresh)
	if err != nil {
		return outcome, err
	}
	defer d.close()
	outcome = Outcome{Dir: o.Dir, Complete: len(units)}
	if outdated, err := d.outdated(from, units); err != nil || !outdated {
		return outcome, err
	}
	closeLog, err := d.openLog(from, o.Log)
	if err != nil {
		return outcome, err
	}
	defer closeLog()
	if err := d.begin(from); err != nil {
		return outcome, err
	}
	outcome.Ran, err = d.execute(ctx, units, d.logged(o.Watcher))
	outcome.Complete -= outcome.Ran
	return outcome, d.end(err)
}

// units lists what is to be complete after the stages wanted.
func (c *Config) units(stages []Stage) ([]*unit, error) {
	plan, err := c.plan()
	if err != nil {
		return nil, err
	}
	last := StageReport
	if len(stages) > 0 {
		last = slices.MaxFunc(stages, func(a, b Stage) int { return a.order() - b.order() })
	}
	switch {
	case last == StageTrain && c.Prior == nil:
		return nil, fault.Inputf("%s: there is no [prior]: add one to say what is learnt", c.File)
	case last.order() >= StageObserve.order() && len(c.Scenarios) == 0:
		return nil, fault.Inputf("%s: there is no [[scenario]]: add one to say what is observed", c.File)
	case last.order() >= StageAssimilate.order() && len(c.Methods) == 0:
		return nil, fault.Inputf("%s: there is no [[method]]: add one to say how to assimilate", c.File)
	}
	if len(stages) == 0 {
		stages = []Stage{StageReport} // which needs all that matters
	}
	return required(plan, func(u *unit) bool { return slices.Contains(stages, u.stage) }), nil
}

// outdated reports whether there is anything to do.
func (d *directory) outdated(from origin, units []*unit) (bool, error) {
	for _, u := range units {
		if complete, err := d.complete(u); err != nil || !complete {
			return true, err
		}
	}
	written, err := os.ReadFile(d.file("run.toml"))
	return err != nil || string(written) != string(from.resolved(d.path)) || d.provenance.State != Done, nil
}

// resolved is the text of run.toml. Paths in it hold from the run directory.
func (c *Config) resolved(dir string) []byte {
	here := *c
	here.Scenarios = slices.Clone(c.Scenarios)
	for i, s := range here.Scenarios {
		here.Scenarios[i].File = seenFrom(dir, s.File)
	}
	return here.Encode(true)
}

// seenFrom is a path that holds in a folder for one that holds in the current
// one.
func seenFrom(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	relative, err := filepath.Rel(dir, path)
	if err != nil {
		return path
	}
	return filepath.ToSlash(relative)
}

// begin writes what is known before the work: the resolved config and the
// provenance of a run that has not ended.
func (d *directory) begin(from origin) error {
	if err := atomicfile.Write(d.file("run.toml"), from.resolved(d.path)); err != nil {
		return err
	}
	p := d.provenance
	p.Software, p.Machine, p.Seed = Version(), ThisMachine(), from.seed
	p.Config = ConfigSource{from.file, from.overrides}
	p.State, p.Error = Running, ""
	p.Inputs = map[string]string{}
	for _, input := range from.inputs {
		sum, err := hashInput(input)
		if err != nil {
			return err
		}
		p.Inputs[input] = sum
	}
	return p.write(d.path)
}

// end records how the work ended, and returns its error.
func (d *directory) end(err error) error {
	p := d.provenance
	switch {
	case err == nil:
		p.State = Done
	case errors.Is(err, context.Canceled):
		p.State = Interrupted
		d.log.Info("interrupted")
	default:
		p.State, p.Error = Failed, err.Error()
		d.log.Info("failed", "error", err.Error())
	}
	return errors.Join(err, p.write(d.path))
}

// openLog starts the log of the run directory, JSON lines; also receives what
// goes there.
func (d *directory) openLog(from origin, also slog.Handler) (closeLog func(), err error) {
	file, err := os.OpenFile(d.file("log.jsonl"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return nil, err
	}
	if also == nil {
		also = slog.NewTextHandler(io.Discard, nil)
	}
	d.log = slog.New(slog.NewMultiHandler(also,
		slog.NewJSONHandler(file, &slog.HandlerOptions{Level: slog.LevelDebug})))
	d.log.Info("begin", "config", from.file, "overrides", from.overrides, "software", Version())
	return func() { file.Close() }, nil
}

// logged adds the log to a watcher.
func (d *directory) logged(w Watcher) *Watcher {
	logged := w
	logged.Begin = func(unit string) {
		d.log.Info("unit begins", "unit", unit)
		w.begin(unit)
	}
	logged.End = func(unit string, took time.Duration, err error) {
		d.log.Info("unit ends", "unit", unit, "seconds", took.Seconds(), "complete", err == nil)
		w.end(unit, took, err)
	}
	return &logged
}
