package experiment_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/experiment"
	"retrace/internal/fault"
	"retrace/internal/rng"
)

// nudging pulls a run of the model towards what is observed, component by
// component, and dresses it with members.
type nudging struct {
	Gain  float64 `toml:"gain" doc:"share of the innovation that is added, 0 to 1"`
	Noise float64 `toml:"noise" doc:"standard deviation of the members"`
	Fail  string  `toml:"fail" doc:"how it fails at the tenth state: nan, error, input, or not at all"`
}

// nudged counts the runs that have begun, and stopAfter cancels one.
var (
	nudged    atomic.Int32
	stopAfter struct {
		runs   int32
		cancel func()
	}
)

func init() {
	experiment.RegisterMethod(experiment.MethodEntry{
		Name: "nudging", Summary: "for tests",
		Defaults: func() experiment.MethodBuilder { return &nudging{Gain: 0.6, Noise: 0.5} },
	})
}

func (m *nudging) Check(dynamics.Model, int) error {
	return dynamics.CheckBetween("gain", m.Gain, 0, 1)
}
func (m *nudging) Build(experiment.Prior) (assimilate.Method, error) { return m, nil }

func (*nudging) Assimilate(context.Context, assimilate.Problem, func(done, total int)) (*assimilate.Result, error) {
	return nil, errors.New("it is sequential")
}

func (m *nudging) Cycle(ctx context.Context, p assimilate.Problem, watch func(assimilate.Estimate) error) error {
	if n := nudged.Add(1); stopAfter.cancel != nil && n > stopAfter.runs {
		stopAfter.cancel()
	}
	n := p.Model.Space().Size()
	e := assimilate.Estimate{Mean: make([]float64, n), Variance: make([]float64, n), Ensemble: make([]float64, n*p.Members)}
	copy(e.Mean, p.Initial.Mean)
	source := rng.NewSource(p.Seed, "nudging")
	next := p.Observations.Observations
	for e.Index = range p.Length {
		if err := ctx.Err(); err != nil {
			return err
		}
		if e.Index > 0 {
			p.Model.Step(e.Mean, source.At(0, uint64(e.Index)).Rand)
		}
		if err := m.fail(e.Index, e.Mean); err != nil {
			return err
		}
		m.dress(&e, source)
		if err := watch(e); err != nil {
			return err
		}
		e.Stage = assimilate.Analysis
		if len(next) > 0 && next[0].Index == e.Index {
			for j, y := range next[0].Values {
				if !math.IsNaN(y) {
					e.Mean[j] += m.Gain * (y - e.Mean[j])
				}
			}
			next = next[1:]
			m.dress(&e, source)
		}
		if err := watch(e); err != nil {
			return err
		}
		e.Stage = assimilate.Forecast
	}
	return nil
}

func (m *nudging) fail(index int, mean []float64) error {
	if index == 10 {
		switch m.Fail {
		case "nan":
			mean[0] = math.NaN()
		case "error":
			return errors.New("a matrix is singular")
		case "input":
			return fault.Inputf("members: too few")
		}
	}
	return nil
}

// dress draws members around the mean, without changing it.
func (m *nudging) dress(e *assimilate.Estimate, source *rng.Source) {
	n := len(e.Mean)
	for k := 0; k < len(e.Ensemble); k += n {
		r := source.At(1, uint64(e.Index), uint64(e.Stage), uint64(k))
		for j := range n {
			e.Ensemble[k+j] = e.Mean[j] + m.Noise*r.NormFloat64()
		}
	}
	for j := range n {
		e.Variance[j] = m.Noise * m.Noise
	}
}

// twinText is a quick twin experiment.
const twinText = `seed = 5
[model]
name = "lorenz63"
dt = 0.05
noise_variance = 0.0

[twin]
cycles = 60
burn_in = 1
seeds = 3
initial = {mean = [1.509, -1.531, 25.46], sd = 1.0}
training = 50

[[scenario]]
name = "all"
operator = {kind = "identity"}
sd = 1.0

[[method]]
name = "nudging"
members = 4
gain = [0.2, 0.6]
`

func parseTwin(t testing.TB, text string, overrides ...string) *experiment.TwinConfig {
	t.Helper()
	c, err := experiment.ParseTwin("small.toml", []byte(text), overrides)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// runTwin runs a twin experiment in a folder and returns its result and how often
// a method was run.
func runTwin(t testing.TB, dir string, c *experiment.TwinConfig) (*experiment.TwinResult, int) {
	t.Helper()
	before := nudged.Load()
	if _, err := experiment.RunTwin(t.Context(), c, experiment.Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	result, err := experiment.ReadTwin(dir)
	if err != nil {
		t.Fatal(err)
	}
	return result, int(nudged.Load() - before)
}

// contents reads the files of a run directory that must not depend on machine or
// clock.
func contents(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		if strings.Contains("provenance.json log.jsonl report.html lock", name) {
			return nil
		}
		text, err := os.ReadFile(path)
		files[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func sameContents(t testing.TB, a, b string) {
	t.Helper()
	x, y := contents(t, a), contents(t, b)
	for name, text := range x {
		if other, ok := y[name]; !ok || other != text {
			t.Errorf("%s differs", name)
		}
	}
	if len(x) != len(y) || len(x) < 5 {
		t.Errorf("%d and %d files", len(x), len(y))
	}
}
