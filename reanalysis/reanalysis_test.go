package reanalysis_test

import (
	"context"
	"errors"
	"flag"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"retrace/assimilate"
	"retrace/assimilate/kalman"
	"retrace/diffusion"
	"retrace/dynamics"
	"retrace/exact"
	_ "retrace/lorenz"
	"retrace/observe"
	"retrace/reanalysis"
	"retrace/trajectory"
)

var long = flag.Bool("long", false, "run slow statistical tests")

// record is a simulated truth and what was seen of it.
type record struct {
	model  dynamics.Model
	truth  *trajectory.Set
	seen   observe.Sequence
	target observe.Target
}

// simulate draws a truth of so many states, of which every second component of every
// n-th state is seen.
func simulate(t *testing.T, model dynamics.Model, length, every int, sd float64) record {
	t.Helper()
	truth, err := trajectory.Simulate(t.Context(), model, trajectory.Plan{Count: 1, Length: length, SpinUp: model.SpinUp(), Seed: 5, Purpose: "truth"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	labels := observe.ComponentLabels(model.Space())
	var half []string
	for i := 0; i < len(labels); i += 2 {
		half = append(half, labels[i])
	}
	operator, err := observe.Components{Labels: half}.Build(model.Space())
	if err != nil {
		t.Fatal(err)
	}
	timeline := observe.Timeline{Clock: model.Clock(), Length: length}
	indices, err := timeline.Every(every, 0)
	if err != nil {
		t.Fatal(err)
	}
	layout, err := observe.Layout(operator, indices, sd)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := layout.Simulate(truth.Trajectory(0), observe.Address{Seed: 5, Scenario: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return record{model, truth, seen, observe.Target{Space: model.Space(), Timeline: timeline, Operator: operator}}
}

// filtering is a batch with a local ensemble filter on Lorenz 96.
func filtering(t *testing.T, r record) *reanalysis.Batch {
	t.Helper()
	method := kalman.NewFilter(kalman.NewLETKF())
	method.Inflation = 1.04
	return &reanalysis.Batch{
		Dir: t.TempDir(), Layout: reanalysis.Layout{Join: reanalysis.Sequential, Keep: 20, HandOver: 1},
		Model: r.model, Method: method, Members: 12, Seed: 3, Target: r.target, Key: "letkf",
		Products: reanalysis.Products{Members: 12},
	}
}

// drawing is a batch with a score method on a linear model whose prior is exact.
func drawing(t *testing.T, r record, join string) *reanalysis.Batch {
	t.Helper()
	space := r.model.Space()
	standard := trajectory.Standardiser{Mean: make([]float64, space.Size()), Scale: make([]float64, space.Size()), Run: 1}
	for i := range standard.Scale {
		standard.Scale[i] = 1
	}
	prior, err := exact.Linear(r.model, standard)
	if err != nil {
		t.Fatal(err)
	}
	schedule, err := diffusion.ScheduleNamed("cosine")
	if err != nil {
		t.Fatal(err)
	}
	levels, err := diffusion.GridNamed("log", schedule, 32, diffusion.Span{High: 20, Low: 4e-3})
	if err != nil {
		t.Fatal(err)
	}
	sampler := diffusion.PredictorCorrector{Levels: levels, Solver: diffusion.DDIM{Churn: 1}}
	tight := make([]float64, space.Size())
	for i := range tight {
		tight[i] = 0.02
	}
	return &reanalysis.Batch{
		Dir: t.TempDir(), Layout: reanalysis.Layout{Join: join, Keep: 12, HandOver: 2, Lag: 6},
		Model: r.model, Method: &assimilate.Score{Prior: prior, Sampler: sampler, Guidance: "covariance"},
		Members: 6, Seed: 3, Tightness: tight, Target: r.target, Key: "score " + join,
		Products: reanalysis.Products{Members: 6},
	}
}

// model builds a registered model with its default parameters.
func model(t *testing.T, name string) dynamics.Model {
	t.Helper()
	entry, ok := dynamics.Lookup(name)
	if !ok {
		t.Fatalf("there is no model %s", name)
	}
	model, err := entry.Defaults().Build()
	if err != nil {
		t.Fatal(err)
	}
	return model
}

// run makes a batch complete in this process.
func run(t *testing.T, b *reanalysis.Batch, r record) *reanalysis.Plan {
	t.Helper()
	plan, err := runUntil(t.Context(), b, r)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func runUntil(ctx context.Context, b *reanalysis.Batch, r record) (*reanalysis.Plan, error) {
	plan, err := b.Prepare(r.seen, "test")
	if err != nil {
		return nil, err
	}
	joiner, err := reanalysis.NewJoiner(b, plan, reanalysis.Comparison{Truth: r.truth, Record: r.seen})
	if err != nil {
		return nil, err
	}
	return plan, reanalysis.RunHere(ctx, b, plan, joiner, nil)
}

// product reads the files of a batch that must be the same for the same input.
func product(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || entry.IsDir() {
			return err
		}
		inStore := strings.Contains(filepath.ToSlash(name), ".zarr/")
		if inStore || entry.Name() == "diagnostics.jsonl" || entry.Name() == "forecasts.jsonl" || strings.HasSuffix(name, ".npy") {
			content, err := os.ReadFile(path)
			files[name] = string(content)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// differences names the files that two products do not share.
func differences(a, b map[string]string) []string {
	var list []string
	for name, content := range a {
		if b[name] != content {
			list = append(list, name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

func load(t *testing.T, path string) *trajectory.Set {
	t.Helper()
	set, err := trajectory.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// A filter that goes on window by window is the filter that never stopped: for a model
// without noise and an update without randomness, to the last bit.
func TestSequentialFilterIsTheFilterThatNeverStopped(t *testing.T) {
	r := simulate(t, model(t, "lorenz96"), 130, 2, 1)
	b := filtering(t, r)
	run(t, b, r)
	plan, err := reanalysis.ReadPlan(b.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Jobs) != 7 || plan.Jobs[6].Kept.Len() != 10 {
		t.Fatalf("%d windows, the last of %d states", len(plan.Jobs), plan.Jobs[6].Kept.Len())
	}
	whole := *b
	whole.Dir, whole.Layout.Keep, whole.Seed = t.TempDir(), 130, b.Seed
	run(t, &whole, r)
	for _, store := range []string{"members.zarr", "mean.zarr", "spread.zarr", "increment.zarr"} {
		got, want := load(t, filepath.Join(b.Dir, store)), load(t, filepath.Join(whole.Dir, store))
		if !slices.Equal(got.Data, want.Data) {
			t.Errorf("%s differs", store)
		}
	}
	if e := rmse(load(t, filepath.Join(b.Dir, "mean.zarr")).Data[60*40:], r.truth.Data[60*40:]); e > 0.7 {
		t.Errorf("the error is %.3g: the filter has lost the truth", e)
	}
}

func rmse(a, b []float32) float64 {
	var sum float64
	for i := range a {
		d := float64(a[i] - b[i])
		sum += d * d
	}
	return math.Sqrt(sum / float64(len(a)))
}

// stopping cancels a context when so many windows are done.
type stopping struct {
	assimilate.Method
	left   int
	cancel context.CancelFunc
}

func (s *stopping) Cycle(ctx context.Context, p assimilate.Problem, watch func(assimilate.Estimate) error) error {
	if s.left--; s.left < 0 {
		s.cancel()
	}
	return s.Method.(assimilate.Sequential).Cycle(ctx, p, watch)
}

func TestInterruptedRunGoesOnToTheSameBytes(t *testing.T) {
	r := simulate(t, model(t, "lorenz96"), 130, 2, 1)
	b := filtering(t, r)
	b.Forecasts = reanalysis.Forecasts{Every: 2, Length: 5}
	run(t, b, r)
	again := filtering(t, r)
	again.Forecasts = b.Forecasts
	method := again.Method
	for {
		ctx, cancel := context.WithCancel(t.Context())
		again.Method = &stopping{method, 2, cancel}
		_, err := runUntil(ctx, again, r)
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		cancel()
		if err == nil {
			break
		}
	}
	if d := differences(product(t, b.Dir), product(t, again.Dir)); len(d) > 0 {
		t.Errorf("these differ: %v", d)
	}
}
