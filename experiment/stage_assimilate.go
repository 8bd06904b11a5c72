package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"time"

	"retrace/assimilate"
	"retrace/internal/atomicfile"
	"retrace/internal/fault"
	"retrace/trajectory"
)

// assimilate adds the unit that draws the ensembles of one method for every
// case of a scenario.
func (p *planner) assimilate(s *Scenario, m *Method, observed *unit) *unit {
	u := &unit{name: "assimilate/" + s.Name + "/" + m.Name, stage: StageAssimilate}
	return p.draw(u, drawing{s, m, m.Name, p.Seed}, observed)
}

// drawing is what draw has to know: whose ensembles, the name of their store
// in the scenario's folder, and the seed.
type drawing struct {
	scenario *Scenario
	method   *Method
	store    string
	seed     int64
}

func (d drawing) zarr() string        { return d.scenario.Name + "/" + d.store + ".zarr" }
func (d drawing) diagnostics() string { return d.scenario.Name + "/" + d.store + ".diagnostics.json" }

// draw completes a unit that draws ensembles.
func (p *planner) draw(u *unit, d drawing, observed *unit) *unit {
	entry, _ := LookupMethod(d.method.Kind)
	u.outputs = []string{d.zarr(), d.diagnostics()}
	u.partial, u.resumes = d.zarr()+".partial", true
	u.needs = []*unit{observed}
	if entry.NeedsPrior {
		u.needs = append(u.needs, p.prior)
	}
	if entry.NeedsTraining {
		u.needs = append(u.needs, p.training)
	}
	f := newFingerprint(u.stage, u.name)
	f.settings("method", d.method)
	f.settings("seed", &struct {
		Seed int64 `toml:"seed"`
	}{d.seed})
	f.needs(u.needs...)
	u.fingerprint = f.sum()
	u.run = func(ctx context.Context, t *task) error { return p.drawAll(ctx, t, u, d) }
	return p.add(u)
}

// CaseRecord is what a method tells of one case besides the ensemble.
type CaseRecord struct {
	Case int `json:"case"`
	// Divergence is why the case is lost, "" if it is not: its ensemble is NaN, and it
	// counts in no score.
	Divergence  string             `json:"divergence,omitempty"`
	Evaluations int                `json:"evaluations"`
	Diagnostics map[string]float64 `json:"diagnostics,omitempty"`
	Notes       map[string]string  `json:"notes,omitempty"` // what the method chose, and why
}

// drawAll draws the cases that are not there yet, one after the other: methods
// use all cores within a case, and memory holds one ensemble.
func (p *planner) drawAll(ctx context.Context, t *task, u *unit, d drawing) error {
	cases, err := t.observations(p.Config, d.scenario)
	if err != nil {
		return err
	}
	work, err := p.prepare(t, d)
	if err != nil {
		return err
	}
	work.needed = d.method == p.Score.Reference
	work.blocks, err = trajectory.Begin(t.file(d.zarr()), p.ensembleShape(d, len(cases)), d.method.Members, map[string]string{
		"title":       fmt.Sprintf("ensembles of %s for scenario %s", d.method.Name, d.scenario.Name),
		"fingerprint": u.fingerprint,
	})
	if err != nil {
		return err
	}
	records, err := readRecords(t.file(d.diagnostics()), len(cases))
	if err != nil {
		return err
	}
	seconds := t.record.resumed("case_seconds", len(cases))
	entry, _ := LookupMethod(d.method.Kind)
	for i, seen := range cases {
		if !entry.Laws {
			seen = seen.Whitened()
		}
		if records[i] != nil && work.blocks.Done(i) {
			continue
		}
		start := time.Now()
		work.problem.Observations, work.problem.Case = seen, i
		if err := work.warn(t, u); err != nil {
			return fmt.Errorf("%s, case %d: %w", u.name, i, err)
		}
		if records[i], err = work.draw(ctx, t, len(cases)); err != nil {
			return fmt.Errorf("%s, case %d: %w", u.name, i, err)
		}
		seconds[i] = time.Since(start).Seconds()
		if err := errors.Join(writeRecords(t.file(d.diagnostics()), records), t.measured("case_seconds", seconds)); err != nil {
			return err
		}
	}
	return work.blocks.Commit()
}

// workload is a method ready to work, the problem of the present case, and
// where its ensemble goes.
type workload struct {
	method  assimilate.Method
	problem assimilate.Problem
	blocks  *trajectory.Blocks
	warned  bool
	needed  bool // as the reference: a divergence ends the run
}

// warner is a method that knows what is doubtful about a problem before it works.
type warner interface {
	Warning(p assimilate.Problem) (string, error)
}

// warn logs what is doubtful, before the first case drawn.
func (w *workload) warn(t *task, u *unit) error {
	method, ok := w.method.(warner)
	if !ok || w.warned {
		return nil
	}
	w.warned = true
	text, err := method.Warning(w.problem)
	if text != "" {
		t.log.Warn(text, "unit", u.name, "case", w.problem.Case)
	}
	return err
}

// draw draws and stores the ensemble of the present one of so many cases.
func (w *workload) draw(ctx context.Context, t *task, cases int) (*CaseRecord, error) {
	const parts = 1000 // of a case, for the display
	i := w.problem.Case
	result, err := w.method.Assimilate(ctx, w.problem, func(done, total int) {
		t.watcher.advance(i*parts+parts*done/max(total, 1), cases*parts, fmt.Sprintf("case %d of %d", i+1, cases))
	})
	if err == nil {
		if notFinite := result.Ensemble.CheckFinite(); notFinite != nil {
			err = lostCase{notFinite}
		}
	}
	if errors.Is(err, assimilate.ErrDiverged) && !w.needed {
		t.log.Warn("the method diverged", "case", i, "reason", err.Error())
		return w.lose(err)
	}
	if err != nil {
		return nil, err
	}
	record := &CaseRecord{Case: i, Evaluations: result.Evaluations, Diagnostics: finite(result.Diagnostics), Notes: result.Notes}
	return record, w.blocks.Write(i, result.Ensemble.Data)
}

// lose stores that the present case diverged.
func (w *workload) lose(reason error) (*CaseRecord, error) {
	lost := make([]float32, w.problem.Members*w.problem.Length*w.problem.Model.Space().Size())
	for k := range lost {
		lost[k] = float32(math.NaN())
	}
	return &CaseRecord{Case: w.problem.Case, Divergence: reason.Error()}, w.blocks.Write(w.problem.Case, lost)
}

// lostCase is the error of an ensemble that is not finite.
type lostCase struct{ error }

func (e lostCase) Error() string { return "the method diverged: " + e.error.Error() }

func (e lostCase) Is(target error) bool { return target == assimilate.ErrDiverged }

// prepare builds the method and what is the same for all cases.
func (p *planner) prepare(t *task, d drawing) (w workload, err error) {
	entry, _ := LookupMethod(d.method.Kind)
	w.problem = assimilate.Problem{
		Model: p.model, Length: p.timeline(d.scenario).Length, Members: d.method.Members, Seed: d.seed,
	}
	var prior Prior
	if entry.NeedsPrior {
		if prior, err = t.loadPrior(p.Config); err != nil {
			return w, err
		}
	}
	if entry.NeedsTraining {
		if w.problem.Training, err = t.load(p.training); err != nil {
			return w, err
		}
	}
	w.method, err = d.method.Parameters.Build(prior)
	return w, err
}

// ensembleShape describes the ensembles of all cases, without their data.
func (p *planner) ensembleShape(d drawing, cases int) *trajectory.Set {
	timeline := p.timeline(d.scenario)
	return &trajectory.Set{
		Space: p.model.Space(), Clock: p.model.Clock(), Start: timeline.Start, Length: timeline.Length,
		Lead: []trajectory.Dimension{{Name: "case", Len: cases}, {Name: "member", Len: d.method.Members}},
	}
}

// readRecords reads the records of the cases that are done; nil for others.
func readRecords(path string, cases int) ([]*CaseRecord, error) {
	records := make([]*CaseRecord, cases)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return records, nil
	}
	if err != nil {
		return nil, err
	}
	var done []*CaseRecord
	if err := json.Unmarshal(text, &done); err != nil {
		return nil, fault.Inputf("%s: %w; delete it and run again", path, err)
	}
	for _, r := range done {
		if r != nil && r.Case >= 0 && r.Case < cases {
			records[r.Case] = r
		}
	}
	return records, nil
}

func writeRecords(path string, records []*CaseRecord) error {
	done := []*CaseRecord{}
	for _, r := range records {
		if r != nil {
			done = append(done, r)
		}
	}
	text, err := json.MarshalIndent(done, "", " ")
	if err != nil {
		return err
	}
	return atomicfile.Write(path, append(text, '\n'))
}

// finite drops numbers that JSON cannot hold.
func finite(diagnostics map[string]float64) map[string]float64 {
	maps.DeleteFunc(diagnostics, func(_ string, x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) })
	return diagnostics
}
