package command_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"retrace/command"
	"retrace/dynamics"
)

// faulty is a system with a programmer's error in its transition.
type faulty struct{}

func (faulty) Build() (dynamics.Model, error) { return faulty{}, nil }
func (faulty) Space() dynamics.Space {
	return dynamics.Space{Variable: "state", Units: "1", Axes: []dynamics.Axis{{Name: "variable", Labels: []string{"x"}}}}
}
func (faulty) Clock() dynamics.Clock             { return dynamics.Clock{Interval: 1, Units: "1"} }
func (faulty) SpinUp() int                       { return 0 }
func (faulty) Initial(x []float64, _ *rand.Rand) { x[0] = 1 }
func (faulty) Step(x []float64, _ *rand.Rand)    { x[len(x)] = 0 }

var registerFaulty = sync.OnceFunc(func() {
	dynamics.Register(dynamics.Entry{Name: "faulty", Summary: "for tests", Defaults: func() dynamics.Builder { return &faulty{} }})
})

func TestPanicOfAWorkerIsOneLine(t *testing.T) {
	registerFaulty()
	dir := t.TempDir()
	config := filepath.Join(dir, "faulty.toml")
	if err := os.WriteFile(config, []byte("[model]\nname = \"faulty\"\n[trajectories]\nlength = 4\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	simulate := func() string {
		var stderr bytes.Buffer
		args := []string{"simulate", config, "--out", filepath.Join(dir, "run")}
		if code := command.Run(t.Context(), args, &bytes.Buffer{}, &stderr); code != 1 {
			t.Errorf("exit code %d", code)
		}
		return stderr.String()
	}
	line := simulate()
	if strings.Count(line, "\n") != 1 || !strings.Contains(line, "internal error: runtime error: index out of range") {
		t.Errorf("got %q, want one line with the error", line)
	}
	t.Setenv("RETRACE_TRACE", "1")
	if trace := simulate(); !strings.Contains(trace, "panic_test.go") {
		t.Errorf("the trace does not lead to the error:\n%s", trace)
	}
}
