package command_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"retrace/configs"
	"retrace/experiment"
)

// slowTwin is a twin experiment of many runs that last a moment each.
const slowTwin = `[model]
name = "lorenz96"
[twin]
cycles = 300
seeds = 12
[[scenario]]
name = "all"
operator = {kind = "identity"}
sd = 1.0
[[method]]
name = "etkf"
members = [20, 24]
inflation = 1.05
`

func TestKilledTwinExperimentGoesOnToTheSameBytes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "twin.toml"), []byte(slowTwin), 0o666); err != nil {
		t.Fatal(err)
	}
	retrace(t, dir, []string{"GOMAXPROCS=1"}, "run", "twin.toml", "--out", "whole")
	args := []string{"run", "twin.toml", "--out", "killed"}
	stop(t, dir, "killed/pairs/*.json", syscall.SIGKILL, args...)
	if _, err := os.Stat(filepath.Join(dir, "killed", "twin.json")); err == nil {
		t.Fatal("the run was complete before it was killed")
	}
	retrace(t, dir, []string{"GOMAXPROCS=2"}, args...)
	compare(t, filepath.Join(dir, "whole"), filepath.Join(dir, "killed"))
}

func TestInterruptedTwinExperimentSaysHowToGoOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "twin.toml"), []byte(slowTwin), 0o666); err != nil {
		t.Fatal(err)
	}
	code, stderr := stop(t, dir, "r/pairs/*.json", os.Interrupt, "run", "twin.toml", "--out", "r")
	if code != 130 || !strings.Contains(stderr, "interrupted: all finished work is kept in r") {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
}

func TestEveryReferenceCaseIsValidAndSaysWhatToExpect(t *testing.T) {
	files, err := configs.Files.ReadDir("reference")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := configs.Files.ReadFile("reference/" + file.Name())
		if err != nil {
			t.Fatal(err)
		}
		config, err := experiment.ParseTwin(file.Name(), text, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, m := range config.Methods {
			if m.Expect == nil || m.Expect.Source == "" {
				t.Errorf("%s: %s does not say what to expect, or by whom", file.Name(), m.Name)
			}
		}
		if !strings.HasPrefix(string(text), "# ") {
			t.Errorf("%s: the first line is no title", file.Name())
		}
	}
}
