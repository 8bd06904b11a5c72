package command_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"retrace/command"
	"retrace/internal/npy"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"retrace": command.Main})
}

// TestScripts runs the real command line on the scripts of testdata/script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			tiny, err := os.ReadFile("../configs/tiny.toml")
			if err != nil {
				return err
			}
			if err := npy.Write(filepath.Join(env.WorkDir, "state.npy"), []int{3}, []float64{1, 2, 25}); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(env.WorkDir, "tiny.toml"), tiny, 0o666)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits,
			"same":  same,
		},
	})
}

// exits runs a command that must end with an exit code: exits CODE PROGRAM ARG...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG...")
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		ts.Fatalf("exit code %q", args[0])
	}
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// same compares the results in two run directories: same DIR DIR.
func same(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: same DIR DIR")
	}
	difference, err := treeDifference(ts.MkAbs(args[0]), ts.MkAbs(args[1]))
	if err != nil {
		ts.Fatalf("%v", err)
	}
	if (difference != "") != neg {
		ts.Fatalf("difference: %q", difference)
	}
}
