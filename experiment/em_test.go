package experiment_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"retrace/experiment"
	"retrace/internal/fault"
	_ "retrace/manifold"
)

// learning is a prior learnt from projections of points, far too small to be accurate.
const learning = `
seed = 2
[model]
name = "curve"
[trajectories]
length = 1
train = 60
train_length = 1
validation = 130
test = 2
[prior]
network = "mlp"
window = 1
width = 8
blocks = 1
[prior.training]
steps = 12
batch = 16
checkpoint = 6
[em]
laps = 2
gaussian = 4
points = 64
divergence = "sinkhorn"
clean = true
[em.observations]
operator = {kind = "projections", rows = 2}
sd = 0.01
[em.sampler]
steps = 4
[[scenario]]
name = "P"
operator = {kind = "projections", rows = 3}
sd = 0.01
[[method]]
name = "score"
members = 8
steps = 8
[[method]]
name = "climatology"
members = 8
`

func runLearning(t *testing.T, ctx context.Context, dir string, watcher experiment.Watcher, overrides ...string) error {
	t.Helper()
	c, err := experiment.Parse("learning.toml", []byte(learning), overrides)
	if err != nil {
		t.Fatal(err)
	}
	_, err = experiment.Run(ctx, c, experiment.Options{Dir: dir, Watcher: watcher})
	return err
}

// A run with [em] leaves the laps, a prior, scores and a report with the laps in it; and
// one that is cut off in the middle of learning goes on to the same bytes.
func TestPriorIsLearntFromObservations(t *testing.T) {
	whole, cut := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	if err := runLearning(t, t.Context(), whole, experiment.Watcher{}); err != nil {
		t.Fatal(err)
	}
	laps, err := experiment.Laps(whole)
	if err != nil || len(laps) < 3 || laps[len(laps)-1].Name != "clean" {
		t.Fatalf("the laps are %+v, %v", laps, err)
	}
	for _, name := range []string{"prior/weights.safetensors", "prior/training.csv", "em/lap-01/weights.safetensors", "figures/evidence.pdf", "figures/divergence.pdf", "scores.json"} {
		if _, err := os.Stat(filepath.Join(whole, name)); err != nil {
			t.Error(err)
		}
	}
	report, err := os.ReadFile(filepath.Join(whole, "report.html"))
	if err != nil || !strings.Contains(string(report), "held-out observations") {
		t.Errorf("the report does not show the laps (%v)", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen := 0
	watcher := experiment.Watcher{Advance: func(done, total int, detail string) {
		if strings.HasPrefix(detail, "lap 2") {
			if seen++; seen == 9 {
				cancel()
			}
		}
	}}
	if err := runLearning(t, ctx, cut, watcher); err == nil && len(laps) > 3 {
		t.Fatal("the run was not cut off")
	}
	if err := runLearning(t, t.Context(), cut, experiment.Watcher{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"em/laps.json", "prior/weights.safetensors", "prior/training.csv", "scores.json"} {
		a, errA := os.ReadFile(filepath.Join(whole, name))
		b, errB := os.ReadFile(filepath.Join(cut, name))
		if errA != nil || errB != nil || string(a) != string(b) {
			t.Errorf("%s differs after an interruption (%v, %v)", name, errA, errB)
		}
	}
}

func TestLearningAtFaultIsNamed(t *testing.T) {
	for _, c := range []struct{ override, want string }{
		{"em.laps=0", "laps"},
		{`em.covariance="tweedy"`, "covariance"},
		{"em.observations.missing=1.0", "observations.missing"},
		{"em.observations.every=0", "every"},
		{"em.observations.sd=0.0", "sd"},
		{"em.sampler.steps=-1", "sampler"},
		{`prior.kind="gaussian"`, "prior.kind"},
		{"trajectories.train=0", "trajectories.train"},
		{"em.estimate_noise=true", "smooth"},
	} {
		_, err := experiment.Parse("learning.toml", []byte(learning), []string{c.override})
		if !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("--set %s: the error is %v, which does not name %s", c.override, err, c.want)
		}
	}
}
