package experiment_test

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"retrace/experiment"
	"retrace/internal/fault"
)

// noisy is small with a law of noise, and other methods.
func noisy(noise string, methods ...string) string {
	text := strings.Replace(small, "sd = 0.5\n", "sd = 0.5\nnoise = "+noise+"\n", 1)
	for _, m := range methods {
		text += "[[method]]\nname = \"" + m + "\"\nmembers = 8\n"
	}
	return text
}

func TestRunsKnowEveryLawOfNoise(t *testing.T) {
	for _, c := range []struct {
		noise   string
		methods []string
	}{
		{`{kind = "student-t", dof = 3}`, []string{"pf"}},
		{`{kind = "laplace"}`, nil},
		{`{kind = "censored", low = -1.0}`, nil},
		{`{kind = "correlated", matrix = [[1.0, 0.8], [0.8, 1.0]]}`, []string{"kf", "etkf", "4dvar"}},
		{`{kind = "gaussian"}`, []string{"kf"}},
	} {
		dir := filepath.Join(t.TempDir(), "r")
		config := parse(t, noisy(c.noise, c.methods...))
		if _, err := experiment.Run(t.Context(), config, experiment.Options{Dir: dir}); err != nil {
			t.Fatalf("%s: %v", c.noise, err)
		}
		scores, err := experiment.ReadScores(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range scores {
			if math.IsNaN(r.Value) || r.Metric == "log_likelihood" && r.Value > 0 && math.IsInf(r.Value, 0) {
				t.Errorf("%s: %+v", c.noise, r)
			}
		}
	}
}

func TestNoiseOfConfigsIsChecked(t *testing.T) {
	for _, c := range []struct{ noise, method, want string }{
		{`{kind = "student"}`, "", `student-t`},
		{`{kind = "student-t", dof = -2}`, "", "dof"},
		{`{kind = "student-t", degrees = 2}`, "", "degrees"},
		{`{kind = "correlated"}`, "", "matrix, block, length: give one"},
		{`{kind = "correlated", length = 3.0, block = 2}`, "", "give one"},
		{`{kind = "poisson"}`, "kf", "knows Gaussian noise only"},
	} {
		var methods []string
		if c.method != "" {
			methods = []string{c.method}
		}
		_, err := experiment.Parse("small.toml", []byte(noisy(c.noise, methods...)), nil)
		if err == nil || !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.noise, err, c.want)
		}
	}
}

// Counts have no standard deviation to give.
func TestCountsNeedNoSd(t *testing.T) {
	text := strings.Replace(noisy(`{kind = "poisson", background = 3.0}`), "sd = 0.5\n", "", 1)
	dir := filepath.Join(t.TempDir(), "r")
	if _, err := experiment.Run(t.Context(), parse(t, text), experiment.Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
}
