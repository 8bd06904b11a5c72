package experiment

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"retrace/internal/fault"
)

// unit is a piece of work with files as its result. Units depend on each
// other as files of a makefile do; a fingerprint takes the place of times.
type unit struct {
	name        string
	stage       Stage
	fingerprint string
	needs       []*unit
	// outputs are the files and folders the unit makes, and partial a folder
	// with work in progress, relative to the run directory.
	outputs []string
	partial string
	// resumes says that run goes on with what an interrupted run of the same
	// fingerprint left in outputs and partial; it is deleted otherwise.
	resumes bool
	// keeps says that figures measured before hold for parts of the work that a
	// change of the fingerprint leaves as they are.
	keeps bool
	// run makes the outputs. It is to return soon after ctx is cancelled.
	run func(ctx context.Context, t *task) error
}

// task is what a running unit is given.
type task struct {
	*directory
	record  *Record
	watcher *Watcher
}

// measured keeps figures that differ from run to run.
func (t *task) measured(name string, values []float64) error {
	if t.record.Measured == nil {
		t.record.Measured = map[string][]float64{}
	}
	t.record.Measured[name] = values
	return t.provenance.write(t.path)
}

// required lists the units of the wanted stage and all they depend on, in the
// order of plan, which lists every unit behind those it needs.
func required(plan []*unit, wanted func(*unit) bool) []*unit {
	need := map[*unit]bool{}
	for i := len(plan) - 1; i >= 0; i-- {
		if u := plan[i]; need[u] || wanted(u) {
			need[u] = true
			for _, n := range u.needs {
				need[n] = true
			}
		}
	}
	var list []*unit
	for _, u := range plan {
		if need[u] {
			list = append(list, u)
		}
	}
	return list
}

// execute runs the units that are not complete, in order. It returns how many
// it ran.
func (d *directory) execute(ctx context.Context, units []*unit, watcher *Watcher) (ran int, err error) {
	for _, u := range units {
		complete, err := d.complete(u)
		if err != nil {
			return ran, err
		}
		if complete {
			watcher.skip(u.name)
			continue
		}
		if err := ctx.Err(); err != nil {
			return ran, err
		}
		watcher.begin(u.name)
		start := time.Now()
		err = d.runUnit(ctx, u, watcher)
		watcher.end(u.name, time.Since(start), err)
		if err != nil {
			return ran, err
		}
		ran++
	}
	return ran, nil
}

// complete reports whether the outputs of u are there and up to date. What was
// deleted is made again, but what somebody changed is not overwritten: that is
// an input error.
func (d *directory) complete(u *unit) (bool, error) {
	record := d.provenance.Units[u.name]
	if record == nil || !record.Complete || record.Fingerprint != u.fingerprint {
		return false, nil
	}
	for _, output := range u.outputs {
		size, err := measure(d.file(output))
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if want := record.Outputs[output]; size != want {
			return false, fault.Inputf("%s: is damaged or was changed (%d files of %d bytes, written as %d of %d); delete it to have it made again",
				d.file(output), size.Files, size.Bytes, want.Files, want.Bytes)
		}
	}
	return true, nil
}

func (d *directory) runUnit(ctx context.Context, u *unit, watcher *Watcher) (err error) {
	record := d.provenance.Units[u.name]
	afresh := record == nil || record.Complete || record.Fingerprint != u.fingerprint
	if err := d.sweep(u, afresh || !u.resumes); err != nil {
		return err
	}
	if afresh {
		before := record
		record = &Record{Fingerprint: u.fingerprint, Outputs: map[string]Size{}}
		if u.keeps && before != nil {
			record.Measured = before.Measured
		}
		for _, output := range u.outputs {
			record.Outputs[output] = Size{}
		}
		d.provenance.Units[u.name] = record
	}
	// Written before the work: what is found in partial after a crash is then
	// known to belong to this fingerprint.
	if err := d.provenance.write(d.path); err != nil {
		return err
	}
	start := time.Now()
	err = u.run(ctx, &task{d, record, watcher})
	record.Seconds += time.Since(start).Seconds()
	if err == nil {
		err = d.finish(u, record)
	}
	return errors.Join(err, d.provenance.write(d.path))
}

// finish records that u is complete.
func (d *directory) finish(u *unit, record *Record) error {
	for _, output := range u.outputs {
		size, err := measure(d.file(output))
		if err != nil {
			return fmt.Errorf("%s left no result: %w", u.name, err)
		}
		record.Outputs[output] = size
	}
	if u.partial != "" {
		if err := os.RemoveAll(d.file(u.partial)); err != nil {
			return err
		}
	}
	record.Complete = true
	record.Finished = time.Now().UTC().Truncate(time.Second)
	return nil
}

// sweep removes the temporary files that a killed run of u left and, if all is
// set, its outputs and work in progress.
func (d *directory) sweep(u *unit, all bool) error {
	var paths []string
	if all && u.partial != "" {
		paths = append(paths, d.file(u.partial))
	}
	for _, output := range u.outputs {
		path := d.file(output)
		if all {
			paths = append(paths, path)
		}
		folder, base := filepath.Split(path)
		entries, err := os.ReadDir(folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, e := range entries {
			// Every writer hides its temporary files behind a point.
			if strings.HasPrefix(e.Name(), "."+base) {
				paths = append(paths, filepath.Join(folder, e.Name()))
			}
		}
	}
	for _, path := range paths {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	return nil
}
