package experiment_test

import (
	"context"
	"encoding/csv"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"retrace/experiment"
	"retrace/internal/fault"
	"retrace/twin"
)

func TestTwinExperimentScoresEveryVariant(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "r")
	result, runs := runTwin(t, dir, parseTwin(t, twinText, "twin.crps=true"))
	if runs != 6 || len(result.Runs) != 6 || len(result.Rows) != 2 {
		t.Fatalf("%d runs, %d records, %d rows", runs, len(result.Runs), len(result.Rows))
	}
	for i, row := range result.Rows {
		want := []string{"nudging gain=0.2", "nudging gain=0.6"}[i]
		if row.Method != want || row.Group != "nudging" || row.Seeds != 3 || row.Members != 4 || row.Setting("gain") != want[len("nudging gain="):] {
			t.Errorf("row %+v", row)
		}
		if row.Analysis == nil || !(row.Analysis.RMSE.Error > 0) || row.Analysis.CRPS == nil || row.Smoothed != nil || row.Seconds <= 0 || row.CyclesPerSecond <= 0 {
			t.Errorf("row %+v", row)
		}
	}
	// Every state is seen with an error of 1; half of it gets into a mean of both.
	if a := result.Rows[1].Analysis.RMSE.Value; !(a > 0.4 && a < 1) {
		t.Errorf("rmse of the analysis %v", a)
	}
	for _, name := range []string{"twin.json", "twin.csv", "twin.tex", "run.toml", "report.html", "figures/all-gain.pdf", "figures/scores.png"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	file, err := os.Open(filepath.Join(dir, "twin.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil || len(lines) != 3 || lines[0][3] != "gain" || lines[2][3] != "0.6" {
		t.Errorf("got %q, error %v", lines, err)
	}
}

func TestResolvedTwinConfigLoadsToItself(t *testing.T) {
	for name, overrides := range map[string][]string{
		"sweep":           nil,
		"list of seeds":   {"twin.seeds=[3, 1]"},
		"free mean":       {"twin.initial={sd = 0.1}"},
		"law of a model":  {"twin.initial={mean = 0, sd = [1, 2, 3]}"},
		"expectation":     {"method.0.expect={rmse_a = 0.5, tolerance = 1}"},
		"swept scenarios": {"scenario.all.every=[1, 2]", "scenario.all.sd=[[1.0], [1.0, 2.0, 3.0]]"},
	} {
		t.Run(name, func(t *testing.T) {
			first := parseTwin(t, twinText, overrides...)
			again := parseTwin(t, string(first.Encode(true)))
			if a, b := string(first.Encode(false)), string(again.Encode(false)); a != b {
				t.Errorf("first\n%s\nagain\n%s", a, b)
			}
		})
	}
}

func TestNothingIsObservedAtTheStartUnlessAsked(t *testing.T) {
	c := parseTwin(t, twinText, "scenario.all.every=[1, 4]")
	if s := c.Scenarios; len(s) != 2 || *s[0].Offset != 1 || *s[1].Offset != 4 || s[1].Name != "all every=4" {
		t.Errorf("got %+v", s)
	}
	if c := parseTwin(t, twinText, "scenario.all.offset=0"); *c.Scenarios[0].Offset != 0 {
		t.Errorf("offset %d", *c.Scenarios[0].Offset)
	}
}

func TestVariantsMayBeGroupedByHand(t *testing.T) {
	c := parseTwin(t, twinText, `method=[
		{name = "a", kind = "nudging", group = "g", members = 4, gain = 0.1},
		{name = "b", kind = "nudging", group = "g", members = 8, gain = 0.1},
		{name = "c", kind = "nudging", members = 9}]`)
	result, _ := runTwin(t, filepath.Join(t.TempDir(), "r"), c)
	var got []string
	for i := range result.Rows {
		got = append(got, result.Rows[i].Setting("members")+"/"+result.Rows[i].Setting("gain"))
	}
	if !slices.Equal(got, []string{"4/", "8/", "/"}) {
		t.Errorf("settings %q", got)
	}
}

// brokenTwins pairs a change of the config with what the error must say.
var brokenTwins = map[string]struct {
	old, new string
	want     []string
}{
	"unknown table":           {"[twin]", "[prior]\n[twin]", []string{`:7:1:`, `unknown key "prior"`}},
	"unknown key":             {"burn_in = 1", "burnin = 1", []string{":9:1:", `did you mean "burn_in"?`}},
	"no cycles":               {"cycles = 60", "", []string{":7:1:", "twin.cycles is missing"}},
	"zero cycles":             {"cycles = 60", "cycles = 0", []string{":8:1:", "between 1 and"}},
	"endless cycles":          {"cycles = 60", "cycles = 10_000_001", []string{":8:1:", "between 1 and"}},
	"run beyond memory":       {"sd = 1.0\n\n[[method]]", "sd = 1.0\nevery = 10_000_000\n[[method]]", []string{":14:1:", "GB", "twin.cycles"}},
	"training beyond memory":  {"training = 50", "training = 1_000_000_000_000", []string{":12:1:", "GB"}},
	"seeds without end":       {"seeds = 3", "seeds = 1_000_000_000_000", []string{":10:1:", "between 1 and"}},
	"negative burn-in":        {"burn_in = 1", "burn_in = -1", []string{":9:1:", "at least 0"}},
	"no seeds":                {"seeds = 3", "seeds = []", []string{":10:1:", "between 1 and"}},
	"zero seeds":              {"seeds = 3", "seeds = 0", []string{":10:1:", "between 1 and"}},
	"seeds by a word":         {"seeds = 3", `seeds = "many"`, []string{":10:1:", "whole number"}},
	"seed by a word":          {"seeds = 3", `seeds = [1, "two"]`, []string{":10:13:", "whole number"}},
	"seed twice":              {"seeds = 3", "seeds = [1, 2, 1]", []string{":10:1:", "twice"}},
	"law of other states":     {"sd = 1.0}", "sd = [1, 2]}", []string{":11:", "initial.sd", "3 components"}},
	"law without sd":          {", sd = 1.0}", "}", []string{":11:1:", "initial.sd is missing"}},
	"negative spread":         {"sd = 1.0}", "sd = -1}", []string{":11:", "initial.sd", "at least 0"}},
	"short training":          {"training = 50", "training = 1", []string{":12:1:", "at least 2"}},
	"unknown format":          {"training = 50", `export = ["zarr", "npz"]`, []string{":12:19:", `did you mean "npy"?`}},
	"truth alone":             {"training = 50", `truth = "a.npy"`, []string{"go together"}},
	"truth that is not there": {"training = 50", "truth = \"a.npy\"\nobservations = \"b.npy\"", []string{":12:1:", "no such file"}},
	"listed states":           {"sd = 1.0\n\n[[method]]", "sd = 1.0\nstates = [1]\n[[method]]", []string{":18:1:", "every and offset"}},
	"every zero":              {"sd = 1.0\n\n[[method]]", "sd = 1.0\nevery = 0\n[[method]]", []string{":18:1:", "between 1 and"}},
	"negative offset":         {"sd = 1.0\n\n[[method]]", "sd = 1.0\noffset = -1\n[[method]]", []string{":18:1:", "between 0 and"}},
	"no noise":                {"sd = 1.0\n\n[[method]]", "[[method]]", []string{":14:1:", "sd", "missing"}},
	"swept noise":             {"sd = 1.0\n\n[[method]]", "sd = [[1.0], [0.0]]\n[[method]]", []string{":17:14:", "greater than 0"}},
	"reserved scenario":       {`name = "all"`, `name = "figures"`, []string{":15:1:", "another name"}},
	"scenario is a path":      {`name = "all"`, `name = "../all"`, []string{":15:1:", "letters, digits"}},
	"empty sweep":             {"[0.2, 0.6]", "[]", []string{":22:1:", "the list is empty"}},
	"value of a sweep":        {"[0.2, 0.6]", "[0.2, 1.6]", []string{":22:14:", "gain = 1.6", "between 0 and 1"}},
	"type of a sweep":         {"[0.2, 0.6]", "[0.2,\n 'x']", []string{":23:2:", "must be a number, not a string"}},
	"members of a sweep":      {"members = 4", "members = [4, 0]", []string{":21:15:", "between 1 and"}},
	"list for the kind":       {`name = "nudging"`, `kind = ["nudging", "nudging"]`, []string{":20:1:", "kind"}},
	"list for the name":       {`name = "nudging"`, `name = ["nudging"]`, []string{":19:1:", "kind is missing"}},
	"two of a name":           {"gain = [0.2, 0.6]", "gain = [0.6, 0.6]", []string{":20:1:", "each its own name"}},
	"unknown method":          {`name = "nudging"`, `name = "nuging"`, []string{":20:1:", `did you mean "nudging"?`}},
	"needs a prior":           {`name = "nudging"`, `kind = "score"`, []string{":19:1:", "learnt prior"}},
	"expects nothing":         {"members = 4", "members = 4\nexpect = {tolerance = 1}", []string{":22:1:", "rmse_a", "missing"}},
	"no tolerance":            {"members = 4", "members = 4\nexpect = {rmse_a = 1}", []string{":22:1:", "tolerance is missing"}},
	"zero tolerance":          {"members = 4", "members = 4\nexpect = {rmse_a = 1, tolerance = 0}", []string{":22:", "greater than 0"}},
	"negative expectation":    {"members = 4", "members = 4\nexpect = {rmse_a = -1, tolerance = 1}", []string{":22:", "at least 0"}},
}

func TestBrokenTwinConfigsNamePlaceKeyAndCure(t *testing.T) {
	for name, test := range brokenTwins {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(twinText, test.old) {
				t.Fatalf("the config has no %q", test.old)
			}
			_, err := experiment.ParseTwin("broken.toml", []byte(strings.Replace(twinText, test.old, test.new, 1)), nil)
			if !fault.IsInput(err) {
				t.Fatalf("got %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in\n%v", want, err)
				}
			}
		})
	}
}

func TestTwinConfigsGoToTheirOwnLoader(t *testing.T) {
	if _, err := experiment.Parse("small.toml", []byte(twinText), nil); !fault.IsInput(err) || !strings.Contains(err.Error(), "retrace run small.toml") {
		t.Errorf("got %v", err)
	}
	for _, table := range []string{"scenario", "method"} {
		before, _, _ := strings.Cut(twinText, "[["+table+"]]")
		if table == "scenario" {
			before += twinText[strings.Index(twinText, "[[method]]"):]
		}
		_, err := experiment.RunTwin(t.Context(), parseTwin(t, before), experiment.Options{Dir: filepath.Join(t.TempDir(), "r")})
		if !fault.IsInput(err) || !strings.Contains(err.Error(), "there is no [["+table+"]]") {
			t.Errorf("got %v", err)
		}
	}
}

func TestDivergedRunsAreCountedAndNoMore(t *testing.T) {
	c := parseTwin(t, twinText, `method=[
		{name = "good", kind = "nudging", members = 4},
		{name = "nan", kind = "nudging", members = 4, fail = "nan"},
		{name = "error", kind = "nudging", members = 4, fail = "error"},
		{name = "lost", kind = "nudging", members = 4, gain = 0.0},
		{name = "alone", kind = "nudging", members = 1, expect = {rmse_a = 0.6, tolerance = 0.3}}]`,
		"twin.crps=true", "twin.cycles=600")
	dir := filepath.Join(t.TempDir(), "r")
	result, _ := runTwin(t, dir, c)
	for i, want := range []int{0, 3, 3, 3, 0} {
		if row := result.Rows[i]; row.Diverged != want || row.Seeds != 3 || (row.Analysis == nil) != (want == 3) {
			t.Errorf("%s: %+v", row.Method, row)
		}
	}
	reasons := map[string]string{}
	for _, run := range result.Runs {
		reasons[run.Method] = run.Divergence
	}
	if !strings.Contains(reasons["nan"], "state 10 is NaN") || reasons["error"] != "a matrix is singular" || !strings.Contains(reasons["lost"], "lost the truth") {
		t.Errorf("reasons %q", reasons)
	}
	tex, err := os.ReadFile(filepath.Join(dir, "twin.tex"))
	if err != nil || !strings.Contains(string(tex), `& error & -- & -- & -- & -- & 3/3 \\`) {
		t.Errorf("error %v\n%s", err, tex)
	}
	if !result.Passed() {
		t.Errorf("verdicts %+v", result.Rows[4].Verdicts)
	}
}

func TestWrongInputStopsATwinExperiment(t *testing.T) {
	c := parseTwin(t, twinText, "method.0.fail=input")
	_, err := experiment.RunTwin(t.Context(), c, experiment.Options{Dir: filepath.Join(t.TempDir(), "r")})
	if !fault.IsInput(err) || !strings.Contains(err.Error(), "all/nudging gain=0.2, seed 5") {
		t.Errorf("got %v", err)
	}
}

func TestAnEditRunsOnlyWhatIsNew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "r")
	for _, step := range []struct {
		overrides []string
		runs      int
	}{
		{nil, 6},
		{nil, 0},
		{[]string{"twin.seeds=4"}, 2},
		{[]string{"twin.seeds=4", "method.0.gain=[0.2, 0.4, 0.6]"}, 4},
		{[]string{"twin.seeds=[6]", "method.0.name=renamed", "method.0.kind=nudging"}, 0},
		{nil, 4}, // those of other seeds are gone
		{[]string{"scenario.all.sd=2.0"}, 6},
		{nil, 6},
		{[]string{"twin.training=60"}, 0}, // of no concern to the method
	} {
		result, runs := runTwin(t, dir, parseTwin(t, twinText, step.overrides...))
		if runs != step.runs {
			t.Errorf("%v: %d runs, want %d", step.overrides, runs, step.runs)
		}
		for _, row := range result.Rows {
			if row.Seconds <= 0 {
				t.Errorf("%v: the wall time of %s is lost", step.overrides, row.Method)
			}
		}
	}
	whole := filepath.Join(t.TempDir(), "whole")
	runTwin(t, whole, parseTwin(t, twinText, "twin.training=60"))
	sameContents(t, whole, dir)
}

func TestInterruptedTwinExperimentGoesOnToTheSameBytes(t *testing.T) {
	whole, dir := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "r")
	runTwin(t, whole, parseTwin(t, twinText))
	ctx, cancel := context.WithCancel(t.Context())
	stopAfter.runs, stopAfter.cancel = nudged.Load()+3, cancel
	_, err := experiment.RunTwin(ctx, parseTwin(t, twinText), experiment.Options{Dir: dir})
	stopAfter.cancel = nil
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if p, err := experiment.ReadProvenance(dir); err != nil || p.State != experiment.Interrupted {
		t.Errorf("state %v, error %v", p.State, err)
	}
	// A record that was cut off by a full disk counts as none.
	kept, _ := filepath.Glob(filepath.Join(dir, "pairs", "*.json"))
	if len(kept) < 2 || len(kept) > 4 {
		t.Fatalf("%d records are kept", len(kept))
	}
	if err := os.WriteFile(kept[0], []byte("{"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, runs := runTwin(t, dir, parseTwin(t, twinText)); runs != 6-len(kept)+1 {
		t.Errorf("%d runs after %d had been kept and one broken", runs, len(kept))
	}
	sameContents(t, whole, dir)
}

func TestTwinResultDoesNotDependOnTheNumberOfCores(t *testing.T) {
	one, many := filepath.Join(t.TempDir(), "one"), filepath.Join(t.TempDir(), "many")
	c := parseTwin(t, twinText, "twin.crps=true")
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	runTwin(t, one, c)
	runtime.GOMAXPROCS(4)
	runTwin(t, many, c)
	sameContents(t, one, many)
}

func TestExportedTruthGivesTheSameResult(t *testing.T) {
	dir := t.TempDir()
	made, _ := runTwin(t, filepath.Join(dir, "made"), parseTwin(t, twinText, `twin.export=["npy", "zarr", "csv"]`, "scenario.all.missing=0.2"))
	for _, name := range []string{"truth.zarr", "observations.zarr", "observations.csv", "truth-7.npy"} {
		if _, err := os.Stat(filepath.Join(dir, "made", "all", name)); err != nil {
			t.Error(err)
		}
	}
	given, _ := runTwin(t, filepath.Join(dir, "given"), parseTwin(t, twinText, "twin.seeds=[5]",
		"twin.truth="+filepath.Join(dir, "made", "all", "truth-5.npy"), "twin.observations="+filepath.Join(dir, "made", "all", "observations-5.npy")))
	if a, b := made.Runs[0].Analysis.RMSE, given.Runs[0].Analysis.RMSE; a != b {
		t.Errorf("simulated %+v, given %+v", a, b)
	}
	c := parseTwin(t, twinText, "twin.cycles=61",
		"twin.truth="+filepath.Join(dir, "made", "all", "truth-5.npy"), "twin.observations="+filepath.Join(dir, "made", "all", "observations-5.npy"))
	_, err := experiment.RunTwin(t.Context(), c, experiment.Options{Dir: filepath.Join(dir, "wrong")})
	if !fault.IsInput(err) || !strings.Contains(err.Error(), "truth-5.npy") {
		t.Errorf("got %v", err)
	}
}

func TestVerdicts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "r")
	good, _ := runTwin(t, dir, parseTwin(t, twinText))
	reached := good.Rows[1].Analysis.RMSE.Value
	for name, test := range map[string]struct {
		set  string
		pass []bool
	}{
		"reached":         {"expect={rmse_a = 0.6, tolerance = 0.4}", []bool{true}},
		"missed":          {"expect={rmse_a = 9, tolerance = 0.4}", []bool{false}},
		"one of two":      {"expect={rmse_f = 99, rmse_a = 0.6, tolerance = 0.4}", []bool{false, true}},
		"no such stage":   {"expect={rmse_s = 0.6, tolerance = 9}", []bool{false}},
		"lost altogether": {`fail="nan"`, nil},
	} {
		overrides := []string{"method.0.gain=0.6", "method.0." + test.set}
		if test.pass == nil {
			overrides = append(overrides, "method.0.expect={rmse_a = 0.6, tolerance = 9}")
			test.pass = []bool{false}
		}
		result, _ := runTwin(t, dir, parseTwin(t, twinText, overrides...))
		var pass []bool
		for _, v := range result.Rows[0].Verdicts {
			pass = append(pass, v.Pass)
			if v.Statistic == "rmse_a" && v.Measured != nil && *v.Measured != reached {
				t.Errorf("%s: measured %v, want %v", name, *v.Measured, reached)
			}
		}
		if !slices.Equal(pass, test.pass) || result.Passed() == slices.Contains(pass, false) {
			t.Errorf("%s: %v, want %v", name, pass, test.pass)
		}
	}
}

func TestTwinEstimateCoversEveryMethod(t *testing.T) {
	list, err := parseTwin(t, twinText, "twin.cycles=5000").Estimate(t.Context())
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, error %v", list, err)
	}
	for _, e := range list {
		if e.Count != 15_000 || e.Seconds == nil || !(*e.Seconds > 0) || e.Memory <= 0 {
			t.Errorf("%+v", e)
		}
	}
}

func TestUncertainNumbers(t *testing.T) {
	for _, test := range []struct {
		mean       twin.Mean
		value, err string
	}{
		{twin.Mean{Value: 0.5876, Error: 0.0172}, "0.588", "0.017"},
		{twin.Mean{Value: 7.634, Error: 0.00865}, "7.6340", "0.0086"},
		{twin.Mean{Value: 123.4, Error: 21.4}, "123", "21"},
		{twin.Mean{Value: 12345, Error: 321}, "12345", "321"},
		{twin.Mean{Value: 2.5, Error: 1.04}, "2.5", "1.0"},
		{twin.Mean{Value: 0.123456}, "0.1235", ""},
		{twin.Mean{Value: 3, Error: math.NaN()}, "3", ""},
	} {
		if value, err := experiment.Uncertain(test.mean); value != test.value || err != test.err {
			t.Errorf("%+v: %s +- %s, want %s +- %s", test.mean, value, err, test.value, test.err)
		}
	}
}

func FuzzParseTwin(f *testing.F) {
	f.Add(twinText)
	f.Add(strings.Replace(twinText, "[0.2, 0.6]", "[[1], []]", 1))
	f.Add("[model]\nname = 'ar1'\n[twin]\ncycles = 3\nseeds = [1]\n[[scenario]]\nname = 'a'\nevery = [1, 2]\nsd = [[1]]\noperator = {kind = 'identity'}\n[[method]]\nkind = 'climatology'\nmembers = [1, 2]\n")
	f.Add("method = [3, {}]\nscenario = [{}, 4]\ntwin = 3\n[model]\nname = 'lorenz63'\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := experiment.ParseTwin("f.toml", []byte(text), nil)
		if err != nil {
			if !fault.IsInput(err) {
				t.Errorf("%v is not marked as wrong input", err)
			}
			return
		}
		if _, err := experiment.ParseTwin("f.toml", c.Encode(true), nil); err != nil {
			t.Errorf("the resolved config is refused: %v\n%s", err, c.Encode(true))
		}
	})
}

func TestFreshTwinExperimentRunsAll(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "r")
	runTwin(t, dir, parseTwin(t, twinText))
	before := nudged.Load()
	if _, err := experiment.RunTwin(t.Context(), parseTwin(t, twinText), experiment.Options{Dir: dir, Fresh: true}); err != nil {
		t.Fatal(err)
	}
	if runs := nudged.Load() - before; runs != 6 {
		t.Errorf("%d runs, want all 6", runs)
	}
}
