package experiment

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"retrace/internal/atomicfile"
	"retrace/internal/fault"
	"retrace/twin"
)

// twinVersion numbers the code of twin experiments, as version does that of
// stages. Raise it when the same config gives other numbers.
const twinVersion = 1

// RunTwin carries a twin experiment out in a run directory, as Run does any other.
// Finished runs of a method are kept one by one: an interrupted experiment goes on
// with the next, and one that gained a method or a seed computes only those.
func RunTwin(ctx context.Context, c *TwinConfig, o Options) (Outcome, error) {
	if len(c.Scenarios) == 0 {
		return Outcome{}, fault.Inputf("%s: there is no [[scenario]]: add one to say what is observed", c.File)
	}
	if len(c.Methods) == 0 {
		return Outcome{}, fault.Inputf("%s: there is no [[method]]: add one to say how to assimilate", c.File)
	}
	from := origin{c.Name, c.Seed, c.File, c.Overrides, c.inputs(), c.resolved}
	units, err := c.plan()
	if err != nil {
		return Outcome{}, err
	}
	return runUnits(ctx, from, units, o)
}

// resolved is the text of run.toml, with paths that hold in the run directory.
func (c *TwinConfig) resolved(dir string) []byte {
	here := *c
	here.Twin.Truth, here.Twin.Observations = seenFrom(dir, c.Twin.Truth), seenFrom(dir, c.Twin.Observations)
	return here.Encode(true)
}

func (c *TwinConfig) inputs() []string {
	if c.Twin.Truth == "" {
		return nil
	}
	return []string{c.Twin.Truth, c.Twin.Observations}
}

// The files of a twin experiment.
const (
	twinUnit   = "twin"
	twinResult = "twin.json"
	twinCSV    = "twin.csv"
	twinLaTeX  = "twin.tex"
	pairFolder = "pairs" // a file for each run of a method
)

// plan lists the units of a twin experiment.
func (c *TwinConfig) plan() ([]*unit, error) {
	inputs, err := c.hashInputs()
	if err != nil {
		return nil, err
	}
	main := &unit{name: twinUnit, stage: StageScore, keeps: true, outputs: []string{twinResult, twinCSV, twinLaTeX}}
	main.fingerprint = c.fingerprint(main.name, inputs)
	main.run = func(ctx context.Context, t *task) error { return c.runAll(ctx, t, inputs) }
	units := []*unit{main}
	if len(c.Twin.Export) > 0 {
		for i := range c.Scenarios {
			units = append(units, c.exportUnit(&c.Scenarios[i], inputs))
		}
	}
	report := &unit{name: "report", stage: StageReport, outputs: []string{"figures", "report.html"}, needs: []*unit{main}}
	report.fingerprint = c.fingerprint(report.name, inputs)
	report.run = func(_ context.Context, t *task) error { return c.report(t) }
	return append(units, report), nil
}

// fingerprint of a unit that depends on all of the config.
func (c *TwinConfig) fingerprint(unit string, inputs []string) string {
	f := newFingerprint(StageScore, unit)
	f.add("twin version", fmt.Sprint(twinVersion))
	f.add("config", string(c.Encode(true)))
	for _, sum := range inputs {
		f.add("input", sum)
	}
	return f.sum()
}

func (c *TwinConfig) hashInputs() (sums []string, err error) {
	for _, path := range c.inputs() {
		sum, err := hashInput(path)
		if err != nil {
			return nil, err
		}
		sums = append(sums, sum)
	}
	return sums, nil
}

// pair is one run of a method: for a scenario and a seed.
type pair struct {
	scenario *Scenario
	method   *TwinMethod
	seed     int64
	key      string // of all that its record depends on
}

// pairs lists the runs so that those with a truth in common follow each other.
func (c *TwinConfig) pairs(inputs []string) []pair {
	var list []pair
	for i := range c.Scenarios {
		for _, seed := range c.SeedList() {
			for j := range c.Methods {
				p := pair{scenario: &c.Scenarios[i], method: &c.Methods[j], seed: seed}
				p.key = c.pairKey(p, inputs)
				list = append(list, p)
			}
		}
	}
	return list
}

// pairKey identifies all that the record of a pair depends on; names of methods
// are not among it.
func (c *TwinConfig) pairKey(p pair, inputs []string) string {
	f := newFingerprint(StageScore, "pair")
	f.add("twin version", fmt.Sprint(twinVersion))
	f.settings("model", &c.Model)
	runs := c.Twin
	runs.Seeds, runs.Export, runs.Truth, runs.Observations = Seeds{}, nil, "", ""
	if entry, _ := LookupMethod(p.method.Kind); entry.NeedsTraining {
		f.add("training seed", fmt.Sprint(c.Seed))
	} else {
		runs.Training = 0
	}
	f.settings("runs", &runs)
	f.settings("scenario", p.scenario)
	method := p.method.Method
	method.Name = ""
	f.settings("method", &method)
	f.add("seed", fmt.Sprint(p.seed))
	for _, sum := range inputs {
		f.add("input", sum)
	}
	return f.sum()[:24]
}

func pairFile(key string) string { return pairFolder + "/" + key + ".json" }

// readPair reads the record of a finished pair; nil if there is none, or none
// that can be read, which is then made again.
func readPair(d *directory, key string) *twin.Record {
	text, err := os.ReadFile(d.file(pairFile(key)))
	if err != nil {
		return nil
	}
	record := &twin.Record{}
	if json.Unmarshal(text, record) != nil {
		return nil
	}
	return record
}

func writePair(d *directory, key string, record *twin.Record) error {
	text, err := json.MarshalIndent(record, "", " ")
	if err != nil {
		return fmt.Errorf("the record of a run: %w", err)
	}
	return atomicfile.Write(d.file(pairFile(key)), append(text, '\n'))
}

// prune deletes the records of pairs that the config no longer has, and temporary
// files of a killed run.
func prune(d *directory, pairs []pair) error {
	entries, err := os.ReadDir(d.file(pairFolder))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if slices.ContainsFunc(pairs, func(p pair) bool { return filepath.Base(pairFile(p.key)) == e.Name() }) {
			continue
		}
		if err := os.RemoveAll(d.file(pairFolder, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
