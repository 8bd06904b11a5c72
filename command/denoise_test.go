package command_test

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"retrace/command"
	"retrace/internal/npy"
	"retrace/sda"
)

// TestWeightScripts runs the scripts on imported weights, next to the fixtures
// of package sda and the config tiny.toml.
func TestWeightScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/weights",
		Setup: func(env *testscript.Env) error {
			fixtures, err := filepath.Glob("../sda/testdata/*.*")
			if err != nil {
				return err
			}
			for _, path := range append(fixtures, "../configs/tiny.toml") {
				content, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				if err := os.WriteFile(filepath.Join(env.WorkDir, filepath.Base(path)), content, 0o666); err != nil {
					return err
				}
			}
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits, "near": near, "related": related, "derivative": derivative,
		},
	})
}

func array(ts *testscript.TestScript, path string) []float32 {
	_, values, err := npy.Read[float32](ts.MkAbs(path))
	ts.Check(err)
	return values
}

func number(ts *testscript.TestScript, text string) float64 {
	x, err := strconv.ParseFloat(text, 64)
	ts.Check(err)
	return x
}

// agree demands that arrays differ by at most a share of the largest value.
func agree(ts *testscript.TestScript, got, want []float32, share float64) {
	if len(got) != len(want) {
		ts.Fatalf("%d values, want %d", len(got), len(want))
	}
	var largest, worst float64
	for i := range want {
		largest = max(largest, math.Abs(float64(want[i])))
		worst = max(worst, math.Abs(float64(got[i]-want[i])))
	}
	if !(worst <= share*largest) {
		ts.Fatalf("differs by %.3g of the largest value", worst/largest)
	}
}

// near compares an array with one of several in a stack: near FILE STACK PLACE.
func near(ts *testscript.TestScript, _ bool, args []string) {
	got, stack := array(ts, args[0]), array(ts, args[1])
	place := int(number(ts, args[2]))
	agree(ts, got, stack[place*len(got):(place+1)*len(got)], 1e-5)
}

// related demands x = mu mean + sigma eps: related X EPS MEAN T.
func related(ts *testscript.TestScript, _ bool, args []string) {
	x, eps, mean := array(ts, args[0]), array(ts, args[1]), array(ts, args[2])
	level := sda.Schedule.At(number(ts, args[3]))
	sum := make([]float32, len(x))
	for i := range sum {
		sum[i] = float32(level.Mu*float64(mean[i]) + level.Sigma*float64(eps[i]))
	}
	agree(ts, sum, x, 1e-5)
}

// derivative compares a product v J with differences of eps along itself:
// derivative PRIOR X V G T.
func derivative(ts *testscript.TestScript, _ bool, args []string) {
	x, v, g := array(ts, args[1]), array(ts, args[2]), array(ts, args[3])
	shape, _, err := npy.Read[float32](ts.MkAbs(args[1]))
	ts.Check(err)
	var difference, square float64
	for _, value := range g {
		square += float64(value) * float64(value)
	}
	step := 0.02 * math.Sqrt(float64(len(x))/square)
	for _, side := range []float64{-1, 1} {
		moved := make([]float32, len(x))
		for i := range x {
			moved[i] = x[i] + float32(side*step)*g[i]
		}
		ts.Check(npy.Write(ts.MkAbs("moved.npy"), shape, moved))
		ts.Check(ts.Exec("retrace", "denoise", "--prior", args[0], "--input", "moved.npy", "--t", args[4], "--output", "moved.eps.npy"))
		for i, eps := range array(ts, "moved.eps.npy") {
			difference += side * float64(eps) * float64(v[i]) / (2 * step)
		}
	}
	if math.Abs(difference-square) > 5e-3*square {
		ts.Fatalf("the product is %v, by differences %v", square, difference)
	}
}

// importFixture makes the prior of a fixture in dir/NAME.
func importFixture(t *testing.T, dir, name, architecture string) string {
	t.Helper()
	file, out := filepath.Join(dir, name+".toml"), filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(architecture), 0o666); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	args := []string{"import-weights", "--architecture", file, "--weights", "../sda/testdata/" + name + ".safetensors", "--out", out}
	if code := command.Run(context.Background(), args, &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	return out
}

func TestBrokenDenoisingEndsInOneLine(t *testing.T) {
	dir := t.TempDir()
	unet := importFixture(t, dir, "unet1d", "kind = 'global-unet-1d'\nchannels = 3\nembedding = 16\nhidden_channels = [32]\nhidden_blocks = [3]\n")
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string, shape []int, fill float32) string {
		size := 1
		for _, n := range shape {
			size *= n
		}
		values := make([]float32, size)
		for i := range values {
			values[i] = fill
		}
		if err := npy.Write(at(name), shape, values); err != nil {
			t.Fatal(err)
		}
		return at(name)
	}
	x := write("x.npy", []int{2, 8, 3}, 1)
	if err := os.MkdirAll(at("run/prior"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("run/prior/weights.safetensors"), []byte("nonsense"), 0o666); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		flags []string // replace those of a call that works
		code  int
		want  []string
	}{
		"no prior":            {[]string{"--prior", ""}, 2, []string{"--prior is missing"}},
		"no input":            {[]string{"--input", ""}, 2, []string{"--input is missing"}},
		"no output":           {[]string{"--output", ""}, 2, []string{"--output is missing"}},
		"t above 1":           {[]string{"--t", "1.5"}, 2, []string{"--t 1.5", "between 0 and 1"}},
		"t below 0":           {[]string{"--t", "-0.1"}, 2, []string{"--t -0.1"}},
		"t is NaN":            {[]string{"--t", "NaN"}, 2, []string{"--t NaN"}},
		"t no number":         {[]string{"--t", "soon"}, 2, []string{"--t", "soon"}},
		"quantity":            {[]string{"--quantity", "score"}, 2, []string{`--quantity "score"`, "eps or mean"}},
		"cotangent alone":     {[]string{"--cotangent", x}, 2, []string{"--vjp", "go together"}},
		"vjp alone":           {[]string{"--vjp", at("g.npy")}, 2, []string{"--cotangent", "go together"}},
		"one file":            {[]string{"--cotangent", x, "--vjp", at("y.npy")}, 2, []string{"same file"}},
		"missing prior":       {[]string{"--prior", at("nowhere")}, 2, []string{"nowhere", "no weights.safetensors"}},
		"run for prior":       {[]string{"--prior", at("run")}, 2, []string{"did you mean", filepath.Join("run", "prior")}},
		"broken prior":        {[]string{"--prior", at("run/prior")}, 2, []string{"weights.safetensors", "no safetensors file"}},
		"missing input":       {[]string{"--input", at("nowhere.npy")}, 2, []string{"nowhere.npy"}},
		"input no array":      {[]string{"--input", at("unet1d.toml")}, 2, []string{"unet1d.toml", "not a .npy file"}},
		"NaN":                 {[]string{"--input", write("nan.npy", []int{1, 8, 3}, float32(math.NaN()))}, 2, []string{"nan.npy", "NaN at value 0", "finite"}},
		"two dimensions":      {[]string{"--input", write("flat.npy", []int{8, 3}, 1)}, 2, []string{"flat.npy", "[8 3]", "(batch, time, state...)"}},
		"nothing":             {[]string{"--input", write("empty.npy", []int{0, 8, 3}, 1)}, 2, []string{"empty.npy", "empty"}},
		"other states":        {[]string{"--input", write("wide.npy", []int{1, 8, 4}, 1)}, 2, []string{"[1 8 4]", "(4), but those of the network are (3)"}},
		"other cotangent":     {[]string{"--cotangent", write("v.npy", []int{1, 8, 3}, 1), "--vjp", at("g.npy")}, 2, []string{"v.npy", "[1 8 3]", "[2 8 3]"}},
		"NaN cotangent":       {[]string{"--cotangent", at("nan.npy"), "--vjp", at("g.npy")}, 2, []string{"nan.npy", "finite"}},
		"output is a folder":  {[]string{"--output", dir}, 2, []string{"is a folder"}},
		"vjp is a folder":     {[]string{"--cotangent", x, "--vjp", dir}, 2, []string{"is a folder"}},
		"no folder of output": {[]string{"--output", at("none/y.npy")}, 1, []string{"none"}},
		"no folder of vjp":    {[]string{"--cotangent", x, "--vjp", at("none/g.npy")}, 1, []string{"none"}},
		"argument":            {[]string{"x.npy"}, 2, []string{`"x.npy"`}},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"denoise", "--prior", unet, "--input", x, "--t", "0.5", "--output", at("y.npy")}, c.flags...)
			var stdout, stderr bytes.Buffer
			if code := command.Run(context.Background(), args, &stdout, &stderr); code != c.code {
				t.Errorf("exit code %d, want %d: %s", code, c.code, &stderr)
			}
			line := stderr.String()
			if strings.Count(line, "\n") != 1 || stdout.Len() > 0 {
				t.Errorf("%q is not one line", line)
			}
			for _, want := range c.want {
				if !strings.Contains(line, want) {
					t.Errorf("%q does not contain %q", line, want)
				}
			}
			for _, file := range []string{"y.npy", "g.npy", ".y.npy.new", ".g.npy.new"} {
				if _, err := os.Stat(at(file)); err == nil {
					t.Errorf("%s is left behind", file)
				}
			}
		})
	}
}
