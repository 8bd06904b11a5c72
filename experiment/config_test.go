package experiment_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"retrace/experiment"
	"retrace/internal/fault"
	_ "retrace/lorenz"
)

const valid = `seed = 3
[model]
name = "lorenz63"

[trajectories]
length = 17
spin_up = 10
train = 4
train_length = 40
validation = 2
test = 2

[[scenario]]
name = "A"
operator = {kind = "components", labels = ["x"]}
every = 8
sd = 0.4

[[method]]
name = "particle"
members = 16
particles = 256

[score]
reference = {kind = "particle", members = 16, particles = 256}

[report]
`

// change replaces one line of the valid config, or adds to its end.
func change(t *testing.T, old, new string) string {
	t.Helper()
	if old == "" {
		return valid + new
	}
	if strings.Count(valid, old) == 0 {
		t.Fatalf("the valid config has no %q", old)
	}
	return strings.Replace(valid, old, new, 1)
}

func TestValidConfigIsAccepted(t *testing.T) {
	c, err := experiment.Parse("lorenz.toml", []byte(valid), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != "lorenz" || *c.Scenarios[0].Offset != 0 || c.Methods[0].Kind != "particle" {
		t.Errorf("defaults are not filled in: %+v", c)
	}
}

func TestResolvedConfigLoadsToItself(t *testing.T) {
	file := filepath.Join(t.TempDir(), "seen.csv")
	if err := os.WriteFile(file, []byte("time,quantity,value,sd\n0,x,1,0.4\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"simulated":   valid,
		"minimal":     "[model]\nname = \"ar1\"\n[trajectories]\nlength = 8\n",
		"irregular":   change(t, "every = 8", "times = [0.1, 0.05]\nmissing = 0.5"),
		"listed":      change(t, "every = 8", "states = [3, 1]"),
		"fixed scale": change(t, "test = 2", "test = 2\nstandardise = {mean = [0, 0, 25], scale = 8.5}"),
		"own file":    change(t, "operator = {kind = \"components\", labels = [\"x\"]}\nevery = 8\nsd = 0.4", fmt.Sprintf("file = %q", file)),
	} {
		t.Run(name, func(t *testing.T) {
			first, err := experiment.Parse("c.toml", []byte(text), nil)
			if err != nil {
				t.Fatal(err)
			}
			again, err := experiment.Parse("c.toml", first.Encode(true), nil)
			if err != nil {
				t.Fatalf("%v\n%s", err, first.Encode(true))
			}
			if a, b := string(first.Encode(false)), string(again.Encode(false)); a != b {
				t.Errorf("first\n%s\nagain\n%s", a, b)
			}
		})
	}
}

func TestOverridesReplaceValues(t *testing.T) {
	c, err := experiment.Parse("c.toml", []byte(valid), []string{
		"seed=7", "method.particle.members=5", "scenario.0.sd=[0.25]", "model.rho=20", "report.cases=0",
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Seed != 7 || c.Methods[0].Members != 5 || c.Scenarios[0].Sd[0] != 0.25 || c.Report.Cases != 0 {
		t.Errorf("got %+v", c)
	}
	_, err = experiment.Parse("c.toml", []byte(valid), []string{"scenario.A.sd=-1"})
	want := "--set scenario.A.sd=-1: scenario.A.sd"
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// brokenConfigs pairs a change of the valid config with what the error must
// say: place, key, and a word of the cure.
var brokenConfigs = map[string]struct {
	old, new string
	want     []string
}{
	"misspelt table":            {"[trajectories]", "[trajectory]", []string{":5:1:", `"trajectory"`, `did you mean "trajectories"?`}},
	"misspelt key":              {"every = 8", "evry = 8", []string{":16:1:", `did you mean "every"?`}},
	"misspelt model":            {`"lorenz63"`, `"lorens63"`, []string{":3:1:", "model.name", `did you mean "lorenz63"?`}},
	"misspelt operator":         {`"components"`, `"component"`, []string{":15:", "operator.kind", `did you mean "components"?`}},
	"misspelt component":        {`["x"]`, `["w"]`, []string{":15:", "operator.labels", `did you mean "x"`}},
	"misspelt method":           {`name = "particle"`, `name = "particles"`, []string{":20:1:", `did you mean "particle"?`}},
	"misspelt parameter":        {"particles = 256\n\n", "partikles = 256\n\n", []string{":22:1:", `did you mean "particles"?`}},
	"misspelt metric":           {"[report]", "metrics = [\"rmse\", \"crsp\"]\n[report]", []string{":27:20:", "score.metrics", `did you mean "crps"?`}},
	"repeated metric":           {"[report]", "metrics = [\"rmse\", \"rmse\"]\n[report]", []string{":27:20:", "twice"}},
	"string for integer":        {"train = 4", `train = "four"`, []string{":8:1:", "trajectories.train", "whole number", "a string"}},
	"float for integer":         {"members = 16", "members = 16.5", []string{":21:1:", "whole number"}},
	"integer too large":         {"seed = 3", "seed = 99999999999999999999", []string{":1:", "out of range"}},
	"not a number":              {"sd = 0.4", "sd = nan", []string{":17:1:", "scenario.A.sd", "finite"}},
	"infinite":                  {"sd = 0.4", "sd = inf", []string{":17:1:", "scenario.A.sd", "finite"}},
	"negative sd":               {"sd = 0.4", "sd = -0.4", []string{":17:1:", "scenario.A.sd", "greater than 0"}},
	"zero sd":                   {"sd = 0.4", "sd = 0", []string{":17:1:", "scenario.A.sd", "greater than 0"}},
	"too many sd":               {"sd = 0.4", "sd = [0.4, 0.4]", []string{":17:1:", "scenario.A.sd", "one for each value"}},
	"no sd":                     {"sd = 0.4", "", []string{":13:1:", "scenario.A.sd", "missing"}},
	"no operator":               {`operator = {kind = "components", labels = ["x"]}`, "", []string{":13:1:", "scenario.A.operator", "missing"}},
	"no length":                 {"length = 17", "", []string{":5:1:", "trajectories.length is missing"}},
	"no model":                  {"[model]\nname = \"lorenz63\"", "", []string{"model is missing"}},
	"no model name":             {`name = "lorenz63"`, "", []string{":2:1:", "model.name is missing"}},
	"no scenario name":          {`name = "A"`, "", []string{":13:1:", "name is missing"}},
	"nameless method":           {`name = "particle"`, "", []string{":19:1:", "kind is missing"}},
	"two scenarios of a name":   {"", "[[scenario]]\nname = \"A\"\nsd = 1\noperator = {kind = \"identity\"}\n", []string{":29:1:", "each its own name"}},
	"two methods of a name":     {"", "[[method]]\nname = \"particle\"\n", []string{":29:1:", "each its own name"}},
	"reserved scenario name":    {`name = "A"`, `name = "prior"`, []string{":14:1:", "another name"}},
	"scenario name is a path":   {`name = "A"`, `name = "../A"`, []string{":14:1:", "letters, digits"}},
	"reserved method name":      {`name = "particle"`, "name = \"truth\"\nkind = \"particle\"", []string{":20:1:", "another name"}},
	"experiment name is a path": {"seed = 3", `name = "a/b"`, []string{":1:1:", "letters, digits"}},
	"trajectory of no state":    {"length = 17", "length = 0", []string{":6:1:", "trajectories.length", "at least 1"}},
	"negative spin-up":          {"spin_up = 10", "spin_up = -10", []string{":7:1:", "spin_up", "at least 0"}},
	"negative count":            {"train = 4", "train = -4", []string{":8:1:", "trajectories.train", "at least 0"}},
	"data set beyond memory":    {"train = 4", "train = 4_000_000_000", []string{":8:1:", "GB", "fewer"}},
	"nothing to observe":        {"test = 2", "test = 0", []string{"trajectories.test"}},
	"state outside":             {"every = 8", "states = [0, 17]", []string{":16:1:", "no state 17"}},
	"state twice":               {"every = 8", "states = [4, 4]", []string{":16:1:", "twice"}},
	"no state":                  {"every = 8", "states = []", []string{":16:1:", "at least one"}},
	"time off the grid":         {"every = 8", "times = [0.01]", []string{":16:1:", "nearest"}},
	"every zero":                {"every = 8", "every = 0", []string{":16:1:", "less than 1"}},
	"offset outside":            {"every = 8", "every = 8\noffset = 40", []string{":17:1:", "no state 40"}},
	"offset with states":        {"every = 8", "states = [1]\noffset = 1", []string{":17:1:", "goes with every"}},
	"every and states":          {"every = 8", "every = 8\nstates = [1]", []string{"exclude each other"}},
	"missing all":               {"sd = 0.4", "sd = 0.4\nmissing = 1.0", []string{":18:1:", "[0, 1)"}},
	"length without file":       {"sd = 0.4", "sd = 0.4\nlength = 10", []string{":18:1:", "goes with file"}},
	"sd with file":              {"every = 8", "file = \"seen.csv\"", []string{":17:1:", "goes with simulated"}},
	"file that is not there":    {"operator = {kind = \"components\", labels = [\"x\"]}\nevery = 8\nsd = 0.4", "file = \"nowhere.csv\"", []string{":15:1:", "scenario.A.file", "no such file"}},
	"no members":                {"members = 16\nparticles = 256\n\n", "members = 0\n", []string{":21:1:", "method.particle.members", "between 1 and"}},
	"no particles":              {"particles = 256\n\n", "particles = 0\n\n", []string{":22:1:", "method.particle.particles", "between 1 and"}},
	"method without a density":  {`name = "lorenz63"`, "name = \"lorenz63\"\nnoise_variance = 0", []string{"method.particle", "noise"}},
	"model parameter out":       {`name = "lorenz63"`, "name = \"lorenz63\"\nnoise_variance = -1", []string{":4:1:", "noise_variance", "between 0 and"}},
	"standardise by a word":     {"test = 2", "test = 2\nstandardise = \"none\"", []string{":12:1:", `"fit"`}},
	"scale zero":                {"test = 2", "test = 2\nstandardise = {mean = 0, scale = 0}", []string{":12:26:", "scale", "greater than 0"}},
	"scales for other states":   {"test = 2", "test = 2\nstandardise = {mean = 0, scale = [1, 2]}", []string{":12:26:", "scale", "3 values"}},
	"window too long":           {"", "[prior]\nwindow = 41\n[prior.training]\nsteps = 1\n", []string{":29:1:", "prior.window", "train_length"}},
	"unknown network":           {"", "[prior]\nnetwork = \"transformer\"\nwindow = 5\nstride = 2\n", []string{":29:1:", "prior.network", "mlp"}},
	"negative learning rate":    {"", "[prior]\nwindow = 5\nstride = 2\n[prior.training]\nlearning_rate = -0.1\n", []string{":32:1:", "prior.training.learning_rate"}},
	"reference misspelt":        {`{kind = "particle", members`, `{kind = "partikel", members`, []string{":25:14:", "score.reference.kind", "particle"}},
	"negative cases":            {"[report]", "[report]\ncases = -1", []string{":28:1:", "report.cases", "at least 0"}},
	"table for a value":         {"seed = 3", "[seed]", []string{":1:1:", "seed", "whole number", "a table"}},
	"value for a table":         {"[report]", "report = 3", []string{":27:1:", `"score.report"`}},
	"syntax":                    {"every = 8", "every = = 8", []string{":16:9:", "not valid TOML"}},
	"key twice":                 {"every = 8", "every = 8\nevery = 8", []string{":17:", "not valid TOML", "every"}},
	"unclosed string":           {`name = "A"`, `name = "A`, []string{":14:", "not valid TOML"}},
}

func TestBrokenConfigsNamePlaceKeyAndCure(t *testing.T) {
	for name, test := range brokenConfigs {
		t.Run(name, func(t *testing.T) {
			_, err := experiment.Parse("broken.toml", []byte(change(t, test.old, test.new)), nil)
			if err == nil {
				t.Fatal("accepted")
			}
			if !fault.IsInput(err) {
				t.Errorf("not an input error: %v", err)
			}
			for line := range strings.Lines(err.Error()) {
				if containsAll(line, test.want) {
					return
				}
			}
			t.Errorf("no line with %q in\n%v", test.want, err)
		})
	}
	if len(brokenConfigs) < 30 {
		t.Errorf("only %d broken configs", len(brokenConfigs))
	}
}

func containsAll(line string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(line, part) {
			return false
		}
	}
	return true
}

func TestAllProblemsAreReported(t *testing.T) {
	text := strings.NewReplacer("sd = 0.4", "sd = -1", "train = 4", "train = -4", "members = 16\np", "members = 0\np").Replace(valid)
	_, err := experiment.Parse("broken.toml", []byte(text), nil)
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(valid)
	for _, test := range brokenConfigs {
		if test.old != "" {
			f.Add(strings.Replace(valid, test.old, test.new, 1))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := experiment.Parse("fuzz.toml", []byte(text), nil)
		if err != nil {
			if !fault.IsInput(err) || err.Error() == "" {
				t.Errorf("got %v", err)
			}
			return
		}
		if _, err := experiment.Parse("fuzz.toml", c.Encode(true), nil); err != nil {
			t.Errorf("the resolved config is refused: %v\n%s", err, c.Encode(true))
		}
	})
}

func ExampleParse() {
	_, err := experiment.Parse("my.toml", []byte("[model]\nname = \"lorenz63\"\n\n[trajectories]\nlenght = 65\n"), nil)
	fmt.Println(err)
	// Output:
	// my.toml:4:1: trajectories.length is missing: states of a trajectory to assimilate; 1 for problems without time
	// my.toml:5:1: unknown key "trajectories.lenght"; did you mean "length"?
}
