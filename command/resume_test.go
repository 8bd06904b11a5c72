package command_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"retrace/trajectory"
)

// retrace runs the command line in dir and returns what it wrote to stderr.
func retrace(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	cmd := exec.Command("retrace", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("retrace %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return stderr.String()
}

// workspace is a folder with the tiny config.
func workspace(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	tiny, err := os.ReadFile("../configs/tiny.toml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tiny.toml"), tiny, 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}

// stop runs the command line until a file below the run directory appears, and
// then sends it a signal. It fails if the work ends before.
func stop(t *testing.T, dir, until string, signal os.Signal, args ...string) (exitCode int, stderr string) {
	t.Helper()
	cmd := exec.Command("retrace", args...)
	var errors bytes.Buffer
	cmd.Dir, cmd.Stderr = dir, &errors
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	for {
		if found, _ := filepath.Glob(filepath.Join(dir, until)); len(found) > 0 {
			break
		}
		select {
		case <-ended:
			t.Fatalf("the work ended before %s appeared: %v\n%s", until, cmd.ProcessState, errors.String())
		case <-time.After(2 * time.Millisecond):
		}
	}
	if err := cmd.Process.Signal(signal); err != nil {
		t.Fatalf("the work ended with the first %s: %v", until, err)
	}
	<-ended
	return cmd.ProcessState.ExitCode(), errors.String()
}

// slow makes the tiny config large enough to be caught at work.
var slow = []string{
	"--set", "trajectories.test=3", "--set", "prior.training.steps=200", "--set", "method.score.members=64",
	"--set", "method.particle.particles=5000",
}

func TestKilledRunGoesOnToTheSameBytes(t *testing.T) {
	t.Parallel()
	dir := workspace(t)
	retrace(t, dir, nil, append([]string{"score", "tiny.toml", "--out", "whole"}, slow...)...)
	for name, until := range map[string]string{
		"training":  "prior/checkpoint.safetensors",
		"sampling":  "A/score.diagnostics.json",
		"reference": "B/reference.diagnostics.json",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"score", "tiny.toml", "--out", name}, slow...)
			stop(t, dir, filepath.Join(name, until), syscall.SIGKILL, args...)
			if _, err := os.Stat(filepath.Join(dir, name, "scores.json")); err == nil {
				t.Fatal("the run was complete before it was killed")
			}
			retrace(t, dir, nil, args...)
			compare(t, filepath.Join(dir, "whole"), filepath.Join(dir, name))
		})
	}
}

func TestInterruptedRunSaysHowToGoOn(t *testing.T) {
	t.Parallel()
	dir := workspace(t)
	args := append([]string{"assimilate", "tiny.toml", "--out", "r"}, slow...)
	code, stderr := stop(t, dir, "r/A/score.diagnostics.json", os.Interrupt, args...)
	if code != 130 || !strings.Contains(stderr, "interrupted: all finished work is kept in r") {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	if again := retrace(t, dir, nil, args...); strings.Contains(again, "train:") {
		t.Errorf("finished work was done again:\n%s", again)
	}
}

func TestResultDoesNotDependOnTheNumberOfCores(t *testing.T) {
	t.Parallel()
	dir := workspace(t)
	retrace(t, dir, []string{"GOMAXPROCS=1"}, "run", "tiny.toml", "--out", "one")
	retrace(t, dir, []string{"GOMAXPROCS=2"}, "run", "tiny.toml", "--out", "two")
	compare(t, filepath.Join(dir, "one"), filepath.Join(dir, "two"))
}

func TestMembersDoNotDependOnHowManyAreDrawn(t *testing.T) {
	t.Parallel()
	dir := workspace(t)
	methods := []string{"score", "climatology", "particle"}
	var sets []*trajectory.Set
	for _, members := range []string{"16", "64"} {
		args := []string{"assimilate", "tiny.toml", "--out", members}
		for _, method := range methods {
			args = append(args, "--set", "method."+method+".members="+members)
		}
		retrace(t, dir, nil, args...)
		for _, method := range methods {
			set, err := trajectory.Load(filepath.Join(dir, members, "B", method+".zarr"))
			if err != nil {
				t.Fatal(err)
			}
			sets = append(sets, set)
		}
	}
	for i, method := range methods {
		few, many := sets[i], sets[i+len(methods)]
		for c := range few.Lead[0].Len {
			for m := range 16 {
				if a, b := few.Trajectory(c*16+m), many.Trajectory(c*64+m); !slices.Equal(a, b) {
					t.Fatalf("%s: member %d of case %d is %v of 16 and %v of 64", method, m, c, a, b)
				}
			}
		}
	}
}

func TestTwoRunsInOneDirectoryDoNotMeet(t *testing.T) {
	t.Parallel()
	dir := workspace(t)
	args := append([]string{"assimilate", "tiny.toml", "--out", "r"}, slow...)
	first := exec.Command("retrace", args...)
	first.Dir = dir
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "r", "provenance.json")); err == nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	second := exec.Command("retrace", args...)
	second.Dir = dir
	output, err := second.CombinedOutput()
	if code := second.ProcessState.ExitCode(); err == nil || code != 1 || !strings.Contains(string(output), "another retrace is at work") {
		t.Errorf("exit code %d\n%s", code, output)
	}
	if err := first.Wait(); err != nil {
		t.Errorf("the first run was disturbed: %v", err)
	}
}

func compare(t *testing.T, a, b string) {
	t.Helper()
	difference, err := treeDifference(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if difference != "" {
		t.Errorf("%s differs", difference)
	}
}
