package command_test

import (
	"bytes"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"retrace/internal/npy"
)

// broken is a command line that must end in one clear line.
type broken struct {
	args []string // the config tiny.toml and --out r are added to the verb run
	// file, if not empty, is written as broken.toml and run instead.
	file string
	code int
	want []string // what the line must say
}

// flowConfig is a config of fields, with changes of the form old, new.
func flowConfig(changes ...string) string {
	return strings.NewReplacer(changes...).Replace(`[model]
name = "qg"
nx = 16
ny = 16
channels = ["q1", "q2"]
[trajectories]
length = 4
train = 0
test = 1
[[scenario]]
name = "A"
operator = {kind = "stations", channels = ["q1"], points = [[1e5, 2e5]]}
sd = 1e-6
[[method]]
name = "free-run"
members = 2
`)
}

var brokenInputs = map[string]broken{
	"odd grid":               {file: flowConfig("nx = 16", "nx = 33"), code: 2, want: []string{"broken.toml", "nx = 33", "must be even"}},
	"unknown field":          {file: flowConfig(`"q1", "q2"`, `"q1", "q2", "w1"`), code: 2, want: []string{"broken.toml", "channels", `unknown field "w1"`}},
	"unknown field seen":     {file: flowConfig(`["q1"], points`, `["q3"], points`), code: 2, want: []string{"scenario.A.operator", `"q3"`}},
	"point outside":          {file: flowConfig("2e5", "2e6"), code: 2, want: []string{"scenario.A.operator", "x = 2e+06 is outside the domain, 0 to 1e+06 m"}},
	"blocks that do not fit": {file: flowConfig(`"stations", channels = ["q1"], points = [[1e5, 2e5]]`, `"blocks", factor = 5`), code: 2, want: []string{"scenario.A.operator", "blocks of 5 do not tile"}},
	"time step too long":     {file: flowConfig("ny = 16", "ny = 16\nvelocity_upper = 2.0\ndt = 43200"), code: 2, want: []string{"broken.toml", "dt = 43200", "set dt to at most"}},
	"metric of fields":       {file: flowConfig("[[method]]", "[score]\nmetrics = [\"corelation\"]\n[[method]]"), code: 2, want: []string{"score.metrics.0", `did you mean "correlation"?`}},
	"no argument":            {args: []string{"run"}, code: 2, want: []string{"CONFIG is missing", "--help"}},
	"too many arguments":     {args: []string{"check", "a.toml", "b.toml"}, code: 2, want: []string{`"b.toml"`}},
	"unknown verb":           {args: []string{"trian", "tiny.toml"}, code: 2, want: []string{`"trian"`, `did you mean "train"?`}},
	"help of nothing":        {args: []string{"help", "trian"}, code: 2, want: []string{`"trian"`, `did you mean "train"?`}},
	"unknown shell":          {args: []string{"completion", "basch"}, code: 2, want: []string{`did you mean "bash"?`}},
	"unknown flag":           {args: []string{"run", "tiny.toml", "--frsh"}, code: 2, want: []string{"--frsh", "retrace run --help"}},
	"flag without value":     {args: []string{"run", "tiny.toml", "--out"}, code: 2, want: []string{"--out", "--help"}},
	"missing config":         {args: []string{"run", "nowhere.toml"}, code: 2, want: []string{"nowhere.toml: no such file"}},
	"config is a folder":     {args: []string{"run", "."}, code: 2, want: []string{".: is a directory"}},
	"config is not text":     {file: "\xff\xfe\x00", code: 2, want: []string{"broken.toml:1:", "not valid TOML"}},
	"no model":               {file: "[trajectories]\nlength = 5\n", code: 2, want: []string{"broken.toml: model is missing"}},
	"syntax":                 {file: "a = [1,\n", code: 2, want: []string{"broken.toml:1:8:", "not valid TOML"}},
	"set without value":      {args: []string{"--set", "seed"}, code: 2, want: []string{`--set "seed"`, "key=value"}},
	"set of unknown key":     {args: []string{"--set", "sead=1"}, code: 2, want: []string{"--set sead=1", `did you mean "seed"?`}},
	"set of unknown method":  {args: []string{"--set", "method.partical.members=1"}, code: 2, want: []string{`did you mean "particle"?`}},
	"set of wrong type":      {args: []string{"--set", "seed=soon"}, code: 2, want: []string{`seed = "soon"`, "whole number"}},
	"seed beyond int64":      {args: []string{"--set", "seed=9223372036854775808"}, code: 2, want: []string{"--set seed=9223372036854775808"}},
	"unknown model":          {args: []string{"--set", "model.name=lorenz64"}, code: 2, want: []string{"model.name", `did you mean "lorenz63"?`}},
	"unknown operator":       {args: []string{"--set", "scenario.A.operator.kind=componets"}, code: 2, want: []string{"scenario.A.operator.kind", `did you mean "components"?`}},
	"unknown component":      {args: []string{"--set", `scenario.A.operator.labels=["v"]`}, code: 2, want: []string{"scenario.A.operator.labels", `"v"`}},
	"unknown kind":           {args: []string{"--set", "method.particle.kind=enkff"}, code: 2, want: []string{"method.particle.kind", `did you mean "enkf"`}},
	"unknown metric":         {args: []string{"--set", `score.metrics=["rsme"]`}, code: 2, want: []string{"score.metrics.0", `did you mean "rmse"?`}},
	"negative sd":            {args: []string{"--set", "scenario.A.sd=-1"}, code: 2, want: []string{"scenario.A.sd", "greater than 0"}},
	"sd not a number":        {args: []string{"--set", "scenario.A.sd=nan"}, code: 2, want: []string{"scenario.A.sd", "finite"}},
	"state outside":          {args: []string{"--set", "scenario.A.every=1", "--set", "scenario.A.offset=99"}, code: 2, want: []string{"scenario.A.offset", "no state 99"}},
	"share above one":        {args: []string{"--set", "scenario.B.missing=1.5"}, code: 2, want: []string{"scenario.B.missing", "[0, 1)"}},
	"no members":             {args: []string{"--set", "method.particle.members=0"}, code: 2, want: []string{"method.particle.members"}},
	"no particles":           {args: []string{"--set", "method.particle.particles=-5"}, code: 2, want: []string{"method.particle.particles"}},
	"model blows up":         {args: []string{"--set", "model.dt=0.2"}, code: 2, want: []string{"model", "dt"}},
	"set beyond memory":      {args: []string{"--set", "trajectories.train=1_000_000_000_000"}, code: 2, want: []string{"trajectories.train", "GB"}},
	"length of zero":         {args: []string{"--set", "trajectories.length=0"}, code: 2, want: []string{"trajectories.length"}},
	"window too long":        {args: []string{"--set", "prior.window=65"}, code: 2, want: []string{"prior.window", "train_length"}},
	"unknown network":        {args: []string{"--set", "prior.network=resnet"}, code: 2, want: []string{"prior.network"}},
	"missing observations":   {file: "[model]\nname = \"ar1\"\n[trajectories]\nlength = 5\n[[scenario]]\nname = \"A\"\nfile = \"nowhere.csv\"\n", code: 2, want: []string{"broken.toml:7:1: scenario.A.file", "no such file"}},
	"nothing to train":       {args: []string{"train", "ar1.toml"}, code: 2, want: []string{"ar1.toml", "[prior]"}},
	"negative steps":         {args: []string{"--set", "method.score.steps=-1"}, code: 2, want: []string{"method.score.steps", "between 0 and"}},
	"unknown schedule":       {args: []string{"--set", "method.score.schedule=cosin"}, code: 2, want: []string{"method.score.schedule", `did you mean "cosine"?`}},
	"no scenario":            {file: "[model]\nname = \"ar1\"\n[trajectories]\nlength = 5\n", code: 2, want: []string{"broken.toml", "[[scenario]]"}},
	"inspect nothing":        {args: []string{"inspect", "nowhere"}, code: 2, want: []string{"nowhere: no such file"}},
	"out is a file":          {args: []string{"run", "tiny.toml", "--out", "tiny.toml"}, code: 2, want: []string{"tiny.toml: is a file"}},
	"out is another folder":  {args: []string{"run", "tiny.toml", "--out", "."}, code: 2, want: []string{"is not empty and not a run directory"}},
	"out below a file":       {args: []string{"run", "tiny.toml", "--out", "tiny.toml/r"}, code: 1, want: []string{"tiny.toml/r", "not a directory"}},
}

func TestBrokenInputEndsInOneClearLine(t *testing.T) {
	t.Parallel()
	dir := workspace(t)
	ar1 := "[model]\nname = \"ar1\"\n[trajectories]\nlength = 5\n"
	if err := os.WriteFile(filepath.Join(dir, "ar1.toml"), []byte(ar1), 0o666); err != nil {
		t.Fatal(err)
	}
	for name, b := range brokenInputs {
		t.Run(name, func(t *testing.T) {
			args := b.args
			switch {
			case b.file != "":
				path := filepath.Join(dir, "broken.toml")
				if err := os.WriteFile(path, []byte(b.file), 0o666); err != nil {
					t.Fatal(err)
				}
				defer os.Remove(path)
				args = []string{"run", "broken.toml", "--out", "r"}
			case args[0] == "--set":
				args = append([]string{"run", "tiny.toml", "--out", "r"}, args...)
			}
			before := listing(t, dir)
			code, stdout, stderr := attempt(t, dir, args...)
			oneLine(t, stderr, b.want...)
			if code != b.code || stdout != "" {
				t.Errorf("exit code %d, want %d; stdout %q", code, b.code, stdout)
			}
			if after := listing(t, dir); !slices.Equal(before, after) {
				t.Errorf("something was written: %q", after)
			}
		})
	}
}

// A state that is not finite and a flow that is too fast for its time step are known only
// when they are met; both are the user's to mend, and what is done stays.
func TestFieldsThatCannotBeAdvancedEndInOneClearLine(t *testing.T) {
	t.Parallel()
	dir := workspace(t)
	field := make([]float64, 2*16*16)
	field[40] = math.NaN()
	if err := npy.Write(filepath.Join(dir, "nan.npy"), []int{2, 16, 16}, field); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"flow.toml": flowConfig(),
		"fast.toml": flowConfig("ny = 16", "ny = 16\nspin_up = 5\ninitial_rms = [8e-4, 1e-6]\ndt = 21600"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ args, want []string }{
		{[]string{"simulate", "flow.toml", "--initial", "nan.npy", "--steps", "1", "--output", "x.npy"}, []string{"nan.npy", "NaN", "finite"}},
		{[]string{"simulate", "fast.toml", "--out", "r"}, []string{"dt = 21600 s", "set dt to at most"}},
	} {
		code, stdout, stderr := attempt(t, dir, c.args...)
		lines := strings.Split(strings.TrimSpace(stderr), "\n")
		oneLine(t, lines[len(lines)-1]+"\n", c.want...)
		if code != 2 || stdout != "" {
			t.Errorf("exit code %d, stdout %q\n%s", code, stdout, stderr)
		}
	}
}

// damages are ways in which a file of a run directory may be broken, and what
// the next run must say.
var damages = map[string]struct {
	file   string
	damage func(content []byte) []byte
	args   []string // besides run tiny.toml --out r
	want   []string
}{
	"truncated store":     {"r/data/training.zarr/state/0/0/0", func(b []byte) []byte { return b[:len(b)/2] }, nil, []string{"r/data/training.zarr", "damaged"}},
	"flipped byte":        {"r/data/test.zarr/state/0/0/0", func(b []byte) []byte { b[len(b)/2] ^= 1; return b }, []string{"--set", "scenario.A.sd=1"}, []string{"r/data/test.zarr"}},
	"broken metadata":     {"r/data/test.zarr/.zmetadata", func(b []byte) []byte { b[0] = ' '; return b }, []string{"--set", "scenario.A.sd=1"}, []string{"r/data/test.zarr"}},
	"broken observations": {"r/A/observations.zarr/.zmetadata", func(b []byte) []byte { b[0] = ' '; return b }, []string{"--set", "method.particle.members=8"}, []string{"r/A/observations.zarr"}},
	"broken diagnostics":  {"r/A/particle.diagnostics.json", func(b []byte) []byte { b[0] = ' '; return b }, []string{"--set", `score.metrics=["rmse"]`}, []string{"r/A/particle.diagnostics.json"}},
	"broken scores":       {"r/A/particle.scores.json", func(b []byte) []byte { return b[:10] }, nil, []string{"r/A/particle.scores.json", "damaged"}},
	"broken weights":      {"r/prior/weights.safetensors", func(b []byte) []byte { b[20] ^= 1; return b }, []string{"--set", "method.score.members=8"}, []string{"r/prior/weights.safetensors"}},
	"weights cut off":     {"r/prior/weights.safetensors", func(b []byte) []byte { return b[:1000] }, nil, []string{"r/prior", "damaged"}},
	"broken provenance":   {"r/provenance.json", func(b []byte) []byte { return b[:20] }, nil, []string{"r/provenance.json", "--fresh"}},
}

func TestDamagedRunDirectoryEndsInOneClearLine(t *testing.T) {
	t.Parallel()
	whole := workspace(t)
	retrace(t, whole, nil, "run", "tiny.toml", "--out", "r")
	for name, d := range damages {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, filepath.FromSlash(d.file))
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, d.damage(content), 0o666); err != nil {
				t.Fatal(err)
			}
			code, _, stderr := attempt(t, dir, append([]string{"run", "tiny.toml", "--out", "r"}, d.args...)...)
			lines := strings.Split(strings.TrimSpace(stderr), "\n")
			oneLine(t, lines[len(lines)-1]+"\n", d.want...)
			if code != 2 {
				t.Errorf("exit code %d\n%s", code, stderr)
			}
		})
	}
}

func TestFullDiskEndsInOneClearLine(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell with ulimit")
	}
	dir := workspace(t)
	cmd := exec.Command("sh", "-c", "ulimit -f 60 && exec retrace run tiny.toml --out r --set trajectories.train=500")
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.Run()
	lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
	oneLine(t, lines[len(lines)-1]+"\n", "training.zarr", "too large")
	if code := cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if _, err := os.Stat(filepath.Join(dir, "r", "data", "training.zarr")); err == nil {
		t.Error("half a store is left")
	}
	// With space again, the run goes on.
	retrace(t, dir, nil, "run", "tiny.toml", "--out", "r", "--set", "trajectories.train=500")
}

// attempt runs the command line, whatever its exit code.
func attempt(t *testing.T, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command("retrace", args...)
	var out, errors bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &errors
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errors.String()
}

// oneLine checks that stderr is one line of retrace that says all that is wanted.
func oneLine(t *testing.T, stderr string, want ...string) {
	t.Helper()
	if strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "retrace: ") {
		t.Errorf("not one line:\n%s", stderr)
	}
	for _, text := range want {
		if !strings.Contains(stderr, text) {
			t.Errorf("%q is missing in\n%s", text, stderr)
		}
	}
}

// listing names everything below dir.
func listing(t *testing.T, dir string) []string {
	t.Helper()
	var paths []string
	err := filepath.Walk(dir, func(path string, _ os.FileInfo, err error) error {
		paths = append(paths, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}
