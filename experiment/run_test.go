package experiment_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/experiment"
	"retrace/internal/fault"
)

// small is a linear system with two scenarios' worth of quick work.
const small = `[model]
name = "ar1"
n = 2
[trajectories]
length = 6
train = 10
train_length = 12
test = 3
[[scenario]]
name = "all"
operator = {kind = "identity"}
sd = 0.5
[[method]]
name = "particle"
members = 8
particles = 200
[score]
reference = {kind = "particle", members = 8, particles = 200}
[report]
cases = 0
`

func parse(t *testing.T, text string, overrides ...string) *experiment.Config {
	t.Helper()
	c, err := experiment.Parse("small.toml", []byte(text), overrides)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestScoresHoldOneRecordForEachCaseAndMetric(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "r")
	if _, err := experiment.Run(t.Context(), parse(t, small), experiment.Options{Dir: dir, Stages: []experiment.Stage{experiment.StageScore}}); err != nil {
		t.Fatal(err)
	}
	scores, err := experiment.ReadScores(dir)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, s := range scores {
		if math.IsNaN(s.Value) || s.Scenario != "all" || s.Units == "" {
			t.Errorf("odd record %+v", s)
		}
		count[s.Method+" "+s.Metric]++
	}
	for _, want := range []string{"particle rmse", "particle spread_skill", "particle crps", "particle log_prior",
		"particle log_likelihood", "particle w1", "particle evaluations", "reference rmse", "reference w1_floor"} {
		if count[want] != 3 {
			t.Errorf("%d records of %s, want one for each of 3 cases", count[want], want)
		}
	}
	table, err := os.ReadFile(filepath.Join(dir, "scores.csv"))
	if err != nil || bytes.Count(table, []byte("\n")) != len(scores)+1 {
		t.Errorf("scores.csv has not a line for each record: %v", err)
	}
	rows, err := experiment.Table(dir)
	if err != nil || len(rows) != 2 || rows[0].Cases != 3 || rows[0].Seconds <= 0 {
		t.Errorf("table %+v, error %v", rows, err)
	}
}

func TestProvenanceTellsTheStateAndTheInputs(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "seen.csv")
	if err := os.WriteFile(file, []byte("time,quantity,value,sd\n0,0,1,0.4\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(small, "operator = {kind = \"identity\"}\nsd = 0.5", fmt.Sprintf("file = %q", file), 1)
	run := filepath.Join(dir, "r")
	if _, err := experiment.Run(t.Context(), parse(t, text), experiment.Options{Dir: run, Stages: []experiment.Stage{experiment.StageObserve}}); err != nil {
		t.Fatal(err)
	}
	p, err := experiment.ReadProvenance(run)
	if err != nil {
		t.Fatal(err)
	}
	if p.State != experiment.Done || len(p.Inputs[file]) != 64 || p.Software.Go == "" || p.Machine.Cores < 1 || p.Machine.Kernels == "" {
		t.Errorf("got %+v", p)
	}
}

func TestCancelledRunIsRecordedAndGoesOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "r")
	ctx, cancel := context.WithCancel(t.Context())
	options := experiment.Options{Dir: dir, Stages: []experiment.Stage{experiment.StageAssimilate}}
	options.Watcher.Begin = func(unit string) {
		if unit == "assimilate/all/particle" {
			cancel()
		}
	}
	if _, err := experiment.Run(ctx, parse(t, small), options); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if p, err := experiment.ReadProvenance(dir); err != nil || p.State != experiment.Interrupted {
		t.Errorf("state %v, error %v", p.State, err)
	}
	options.Watcher = experiment.Watcher{}
	outcome, err := experiment.Run(t.Context(), parse(t, small), options)
	if err != nil || outcome.Ran != 1 {
		t.Errorf("ran %d units, error %v", outcome.Ran, err)
	}
}

// broken is a method that fails in the way asked for.
type broken struct {
	NaN bool `toml:"nan" doc:"return what is not finite for case 1, and do not fail"`
}

var errBroken = errors.New("the method broke")

func (*broken) Check(dynamics.Model, int) error                     { return nil }
func (b *broken) Build(experiment.Prior) (assimilate.Method, error) { return b, nil }

func (b *broken) Assimilate(_ context.Context, p assimilate.Problem, _ func(done, total int)) (*assimilate.Result, error) {
	if p.Case == 0 || b.NaN {
		result, err := assimilate.Climatology{}.Assimilate(context.Background(), p, nil)
		if err == nil && b.NaN && p.Case == 1 {
			result.Ensemble.Data[3] = float32(math.NaN())
		}
		return result, err
	}
	return nil, errBroken
}

func init() {
	experiment.RegisterMethod(experiment.MethodEntry{
		Name: "broken", Summary: "fails, for tests", NeedsTraining: true,
		Defaults: func() experiment.MethodBuilder { return &broken{} },
	})
}

func TestFailureOfAMethodNamesTheCaseAndKeepsTheOthers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "r")
	options := experiment.Options{Dir: dir, Stages: []experiment.Stage{experiment.StageAssimilate}}
	_, err := experiment.Run(t.Context(), parse(t, small, "method.0={name = \"broken\"}"), options)
	if !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "assimilate/all/broken, case 1") {
		t.Errorf("got %v", err)
	}
	if p, err := experiment.ReadProvenance(dir); err != nil || p.State != experiment.Failed || !strings.Contains(p.Error, errBroken.Error()) {
		t.Errorf("provenance %+v, error %v", p, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "all", "broken.zarr")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("half an ensemble looks complete")
	}
}

// A method that is lost on one case must not cost the others their scores.
func TestDivergedCaseIsCountedAndTheRunGoesOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "r")
	config := parse(t, small+"[[method]]\nname = \"broken\"\nnan = true\nmembers = 8\n[[method]]\nname = \"climatology\"\nmembers = 8\n")
	if _, err := experiment.Run(t.Context(), config, experiment.Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	rows, err := experiment.Table(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		want := 0
		if row.Method == "broken" {
			want = 1
		}
		if _, scored := row.Median["rmse"]; row.Diverged != want || row.Cases != 3 || !scored {
			t.Errorf("%+v", row)
		}
		if _, ok := row.Median[experiment.DivergedMetric]; ok {
			t.Error("a count of lost cases is no score")
		}
	}
	page, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"particle wins RMSE by ", "before climatology with ", "Diverged: broken on 1 of 3 cases", "1 of 3 cases failed", "Cost of a case in scenario all: "} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the report does not say %q", want)
		}
	}
	if outcome, err := experiment.Run(t.Context(), config, experiment.Options{Dir: dir}); err != nil || outcome.Ran != 0 {
		t.Errorf("ran %d units again, error %v", outcome.Ran, err)
	}
}

// The reference of a scenario has to be there, or distances mean nothing.
func TestDivergedReferenceEndsTheRun(t *testing.T) {
	config := parse(t, small, "score.reference={kind = \"broken\", nan = true, members = 8}")
	_, err := experiment.Run(t.Context(), config, experiment.Options{Dir: filepath.Join(t.TempDir(), "r")})
	if !errors.Is(err, assimilate.ErrDiverged) || !strings.Contains(err.Error(), "case 1: the method diverged") {
		t.Errorf("got %v", err)
	}
}

func TestAdvanceChecksTheState(t *testing.T) {
	c := parse(t, small)
	for _, state := range [][]float64{{1}, {1, math.NaN()}, {1, math.Inf(1)}} {
		if err := c.Advance(t.Context(), state, 1); !fault.IsInput(err) {
			t.Errorf("%v: got %v", state, err)
		}
	}
	first, second := []float64{1, 2}, []float64{1, 2}
	if err := errors.Join(c.Advance(t.Context(), first, 10), c.Advance(t.Context(), second, 10)); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(first, second) || first[0] == 1 {
		t.Errorf("got %v and %v", first, second)
	}
}

func TestEstimateCoversEveryUnitThatTakesTime(t *testing.T) {
	list, err := parse(t, small).Estimate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var units []string
	for _, e := range list {
		units = append(units, e.Unit)
		if e.Seconds == nil || !(*e.Seconds >= 0) || e.Memory <= 0 {
			t.Errorf("%+v", e)
		}
	}
	want := []string{"simulate/test", "assimilate/all/particle", "score/all/reference", "score/all/reference-again"}
	if !slices.Equal(units, want) {
		t.Errorf("got %q, want %q", units, want)
	}
	total := experiment.Total(list)
	if *total.Seconds <= 0 || total.Disk <= list[0].Disk {
		t.Errorf("total %+v", total)
	}
}

func ExampleRun() {
	config, err := experiment.Parse("small.toml", []byte(small), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	dir, err := os.MkdirTemp("", "retrace")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	for range 2 {
		outcome, err := experiment.Run(context.Background(), config, experiment.Options{Dir: filepath.Join(dir, "run")})
		fmt.Println(outcome.Ran > 0, err)
	}
	// Output:
	// true <nil>
	// false <nil>
}
