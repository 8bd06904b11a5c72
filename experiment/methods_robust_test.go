package experiment_test

import (
	"math"
	"strings"
	"testing"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/exact"
	"retrace/experiment"
	"retrace/internal/fault"
	"retrace/observe"
	"retrace/trajectory"
)

// edge is a problem at the edge of what makes sense.
type edge struct {
	name string
	make func(p *assimilate.Problem)
	// refused says that a method may refuse it, as an input error that says want.
	refused func(method string) bool
	want    string
}

func never(string) bool { return false }

func edges(model dynamics.Model) []edge {
	size := model.Space().Size()
	whole, err := (&observe.Identity{}).Build(model.Space())
	if err != nil {
		panic(err)
	}
	seen := func(index int, value, sd float64) observe.Observation {
		o := observe.Observation{Index: index, Operator: whole, Values: make([]float64, size), Sd: make([]float64, size)}
		for i := range size {
			o.Values[i], o.Sd[i] = value+math.Sin(float64(index+i)), sd
		}
		return o
	}
	list := func(p *assimilate.Problem, observations ...observe.Observation) {
		p.Observations = observe.Sequence{Observations: observations}
	}
	return []edge{
		{"nothing seen at all", func(p *assimilate.Problem) { list(p) }, never, ""},
		{"states of which nothing is seen", func(p *assimilate.Problem) { list(p, seen(1, 0, 0.5), seen(4, 0, 0.5)) }, never, ""},
		{"every value missing", func(p *assimilate.Problem) { list(p, seen(1, math.NaN(), 0.5), seen(3, math.NaN(), 0.5)) }, never, ""},
		{"a state of missing values among others", func(p *assimilate.Problem) {
			list(p, seen(0, 0, 0.5), seen(2, math.NaN(), 0.5), seen(3, 0, 0.5))
		}, never, ""},
		{"one member", func(p *assimilate.Problem) { p.Members = 1; list(p, seen(2, 0, 0.5)) }, func(method string) bool {
			switch method { // those that estimate covariances from their members
			case "enkf", "etkf", "denkf", "ensrf", "enkf-n", "letkf", "eakf", "enks", "enrts", "ienks", "4denvar", "ensf":
				return true
			}
			return false
		}, "at least 2"},
		{"more values than a state has", func(p *assimilate.Problem) {
			list(p, seen(2, 0, 0.5), seen(2, 0.1, 0.5), seen(2, -0.1, 0.7), seen(3, 0, 0.5))
		}, never, ""},
		{"more values than members and states together", func(p *assimilate.Problem) {
			p.Members = 2
			list(p, seen(1, 0, 0.5), seen(1, 0.1, 0.5), seen(1, 0.2, 0.5), seen(1, 0, 0.9))
		}, never, ""},
		{"noise of no variance", func(p *assimilate.Problem) {
			o := seen(2, 0, 0.5)
			o.Sd[1] = 0
			list(p, o)
		}, func(string) bool { return true }, "standard deviation"},
		{"noise of hardly any variance", func(p *assimilate.Problem) { list(p, seen(2, 0, 1e-6)) }, never, ""},
	}
}

// ring is a linear system with places, which every method can work with.
const ring = `[model]
name = "advection"
n = 12
length = 2.0
[trajectories]
length = 6
train = 20
train_length = 12
test = 1
[prior]
kind = "gaussian"
[[scenario]]
name = "all"
operator = {kind = "identity"}
sd = 0.5
[[method]]
`

// Every registered method, by its name, is right or clear about each edge.
func TestEveryMethodIsRightOrClearAtTheEdges(t *testing.T) {
	model := parse(t, ring+`name = "climatology"`).System()
	training, err := trajectory.Simulate(t.Context(), model, trajectory.Plan{Purpose: "training", Count: 20, Length: 12, Seed: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	standard, err := trajectory.FitStandardiser(training, 12)
	if err != nil {
		t.Fatal(err)
	}
	prior, err := exact.Linear(model, standard)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range experiment.Methods() {
		if entry.Name == "broken" || entry.Name == "nudging" { // of other tests
			continue
		}
		method := quickest(t, entry.Name, prior)
		for _, e := range edges(model) {
			p := assimilate.Problem{Model: model, Length: 6, Members: 6, Seed: 3, Training: training}
			e.make(&p)
			result, err := method.Assimilate(t.Context(), p, nil)
			switch {
			case err != nil && (!e.refused(entry.Name) || !fault.IsInput(err) || !strings.Contains(err.Error(), e.want)):
				t.Errorf("%s, %s: %v", entry.Name, e.name, err)
			case err == nil && e.refused(entry.Name) && !ignores(entry.Name):
				t.Errorf("%s, %s: went unnoticed", entry.Name, e.name)
			case err == nil && (result.Ensemble.Count() != p.Members || result.Ensemble.Length != p.Length):
				t.Errorf("%s, %s: %d members of %d states", entry.Name, e.name, result.Ensemble.Count(), result.Ensemble.Length)
			case err == nil && result.Ensemble.CheckFinite() != nil:
				t.Errorf("%s, %s: %v", entry.Name, e.name, result.Ensemble.CheckFinite())
			}
		}
	}
}

// ignores tells the methods that look at no observation, or at no noise.
func ignores(method string) bool {
	return method == "climatology" || method == "free-run" || method == "interpolation"
}

// quickest is a method with as little work as it allows.
func quickest(t *testing.T, name string, prior experiment.Prior) assimilate.Method {
	t.Helper()
	settings := map[string]string{
		"score": "steps = 8\ncorrections = 0", "4dvar-score": "steps = 8\ncorrections = 0\nlevels = 3\niterations = 5",
		"particle": "particles = 500", "pf": "particles = 200", "optpf": "particles = 50", "ensf": "steps = 20",
	}
	config := parse(t, ring+"name = \""+name+"\"\n"+settings[name])
	method, err := config.Methods[0].Parameters.Build(prior)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return method
}
