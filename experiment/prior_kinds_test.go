package experiment_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"retrace/assimilate"
	"retrace/experiment"
	"retrace/internal/fault"
	"retrace/internal/safetensors"
	"retrace/sda"
)

// priorConfig is a run of a model with a prior that needs no training.
func priorConfig(model, prior, method string) []byte {
	return fmt.Appendf(nil, `
seed = 4
[model]
%s
[trajectories]
length = 12
spin_up = 50
train = 40
train_length = 32
validation = 0
test = 1
[prior]
%s
[[scenario]]
name = "some"
every = 3
sd = 0.3
operator = {kind = "components", indices = [0]}
[[method]]
name = "score"
members = 24
steps = 16
corrections = 0
%s
`, model, prior, method)
}

// notes runs a config and returns the folder and the first record of its score method.
func notes(t *testing.T, text []byte) (string, experiment.CaseRecord) {
	t.Helper()
	config, err := experiment.Parse("some.toml", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := experiment.Run(t.Context(), config, experiment.Options{Dir: dir, Stages: []experiment.Stage{experiment.StageAssimilate}}); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir, "some", "score.diagnostics.json"))
	if err != nil {
		t.Fatal(err)
	}
	var records []experiment.CaseRecord
	if err := json.Unmarshal(content, &records); err != nil {
		t.Fatal(err)
	}
	return dir, records[0]
}

func TestPriorsOfEveryKindAssimilate(t *testing.T) {
	const linear, spring, lorenz = "name = \"ar1\"\nn = 2", "name = \"damped-spring\"", "name = \"lorenz63\""
	for _, c := range []struct{ model, prior, method, want string }{
		{linear, `kind = "gaussian"`, "", "covariance, dense"},
		{spring, `kind = "gaussian"`, `guidance = "mmps"`, "mmps"},
		{linear, "kind = \"windowed-gaussian\"\nwindow = 5\nstride = 2", "", "covariance, dense"},
		{lorenz, "kind = \"gaussian\"\nwindow = 8", `guidance = "jfps"`, "jfps"},
		{lorenz, "kind = \"windowed-gaussian\"\nwindow = 8\ncomposition = \"centre\"", `guidance = "pigdm"`, "pigdm"},
	} {
		_, record := notes(t, priorConfig(c.model, c.prior, c.method))
		if got := record.Notes["guidance"]; !strings.HasPrefix(got, c.want) {
			t.Errorf("%s, %s: guidance %q, want %q", c.model, c.prior, got, c.want)
		}
	}
}

func TestPriorSettingsThatDoNotFitAreReported(t *testing.T) {
	for prior, want := range map[string]string{
		`kind = "gausian"`:                    "gaussian",
		`kind = "imported"`:                   "path",
		"kind = \"gaussian\"\npath = \"x\"":   "path",
		`kind = "network"`:                    "validation",
		"kind = \"gaussian\"\nwindow = 99999": "window",
	} {
		_, err := experiment.Parse("some.toml", priorConfig(`name = "lorenz63"`, prior, ""), nil)
		if !fault.IsInput(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", prior, err)
		}
	}
}

// What is certain to diverge is refused before anything is drawn.
func TestDivergentGuidanceIsRefused(t *testing.T) {
	text := string(priorConfig("name = \"ar1\"\nn = 2", `kind = "gaussian"`, "guidance = \"dps-gaussian\""))
	config, err := experiment.Parse("some.toml", []byte(strings.Replace(text, "sd = 0.3", "sd = 0.001", 1)), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = experiment.Run(t.Context(), config, experiment.Options{Dir: t.TempDir(), Stages: []experiment.Stage{experiment.StageAssimilate}})
	if !fault.IsInput(err) || !errors.Is(err, assimilate.ErrDiverged) {
		t.Errorf("got %v", err)
	}
}

// A network of SDA's code, here one with random weights, takes the place of a trained
// prior; it has no measured covariance, so that guidance falls back.
func TestImportedNetworksArePriors(t *testing.T) {
	architecture, err := sda.ParseArchitecture("net.toml", []byte(
		"kind = 'mcscore-mlp'\n[args]\nfeatures = 3\norder = 2\nembedding = 16\nhidden_features = [32, 32, 32]\n"))
	if err != nil {
		t.Fatal(err)
	}
	weights, err := safetensors.Read(filepath.Join("..", "sda", "testdata", "mlp_k2.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	network, err := sda.New(architecture, weights)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := network.Save(folder); err != nil {
		t.Fatal(err)
	}
	lorenz := fmt.Sprintf("kind = \"imported\"\npath = %q", folder)
	dir, record := notes(t, priorConfig(`name = "lorenz63"`, lorenz, "min_ratio = 0.1"))
	if got := record.Notes["guidance"]; !strings.HasPrefix(got, "pigdm") || !strings.Contains(got, "never measured") {
		t.Errorf("guidance %q", got)
	}
	if _, err := os.Stat(filepath.Join(dir, "prior", "weights.safetensors")); err != nil {
		t.Error(err)
	}
	config, err := experiment.Parse("some.toml", priorConfig("name = \"ar1\"\nn = 2", lorenz, ""), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := experiment.Run(t.Context(), config, experiment.Options{Dir: t.TempDir()}); !fault.IsInput(err) {
		t.Errorf("a network of other states: %v", err)
	}
}

// Modes of one config: all serve the same prior.
func TestModesOfMethodScore(t *testing.T) {
	text := `[model]
name = "ar1"
[trajectories]
length = 8
test = 1
standardise = {mean = [0.0], scale = [1.0]}
[prior]
kind = "gaussian"
[[scenario]]
name = "all"
operator = {kind = "identity"}
sd = 0.5
`
	for i, mode := range []string{`mode = "smoother"`, `mode = "filter"`, "mode = \"fixed-lag\"\nlag = 2\nblock = 3\nhistory = 4", "refine = \"twisted\"\nparticles = 16", "refine = \"metropolis\"\nmoves = 3", "tolerance = 0.1", "forecast = 3"} {
		text += fmt.Sprintf("[[method]]\nname = \"m%d\"\nkind = \"score\"\nmembers = 4\nevaluations = 12\n%s\n", i, mode)
	}
	c := parse(t, text)
	dir := filepath.Join(t.TempDir(), "r")
	if _, err := experiment.Run(t.Context(), c, experiment.Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{`mode = "smooth"`, "lag = 0", "block = 0", "forecast = 8", "refine = \"twisted\"", "particles = 0"} {
		_, err := experiment.Parse("small.toml", []byte(strings.Replace(text+bad+"\n", "forecast = 3\nforecast = 8", "forecast = 8", 1)), nil)
		if key, _, _ := strings.Cut(bad, " "); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
