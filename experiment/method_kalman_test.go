package experiment_test

import (
	"context"
	"math"
	"testing"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/experiment"
	"retrace/internal/fault"
	"retrace/internal/strict"
	"retrace/lorenz"
	"retrace/observe"
)

func TestKalmanMethodsWorkAsTheyCome(t *testing.T) {
	chaotic, err := lorenz.NewLorenz96().Build()
	if err != nil {
		t.Fatal(err)
	}
	linear, err := dynamics.NewAdvection().Build()
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"kf", "ekf", "enkf", "etkf", "denkf", "ensrf", "enkf-n", "letkf", "eakf", "enks", "enrts", "ienks"} {
		entry, ok := experiment.LookupMethod(kind)
		if !ok {
			t.Errorf("%s is not registered", kind)
			continue
		}
		for _, f := range strict.Fields(entry.Defaults()) {
			if f.Doc == "" {
				t.Errorf("%s: parameter %s is not documented", kind, f.Name)
			}
		}
		model := chaotic
		if kind == "kf" {
			if err := entry.Defaults().Check(chaotic, 5); !fault.IsInput(err) {
				t.Errorf("kf takes a chaotic model: %v", err)
			}
			model = linear
		}
		parameters := entry.Defaults()
		if err := parameters.Check(model, 5); err != nil {
			t.Errorf("%s: its defaults: %v", kind, err)
		}
		method, err := parameters.Build(nil)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if _, ok := method.(assimilate.Sequential); !ok {
			t.Errorf("%s is not sequential", kind)
		}
		operator, err := observe.Components{Indices: []int{0, 1, 2}}.Build(model.Space())
		if err != nil {
			t.Fatal(err)
		}
		p := assimilate.Problem{Model: model, Length: 5, Members: 8, Seed: 1}
		p.Observations.Observations = []observe.Observation{{Index: 2, Operator: operator, Values: []float64{1, math.NaN(), 2}, Sd: []float64{1, 1, 1}}}
		result, err := method.Assimilate(context.Background(), p, nil)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if err := result.Ensemble.CheckFinite(); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		cost := parameters.(experiment.Costed).Cost(model, p.Length, p.Members)
		if steps := float64(result.Evaluations * p.Members); cost.ModelSteps < 0.5*steps || cost.ModelSteps > 2*steps+float64(p.Members*p.Length) {
			t.Errorf("%s: costs %v steps, which were estimated as %v", kind, steps, cost.ModelSteps)
		}
	}
}

func TestSmoothersRefuseUpdatesThatCannotSmooth(t *testing.T) {
	for _, kind := range []string{"enks", "enrts"} {
		entry, _ := experiment.LookupMethod(kind)
		document, err := strict.Parse("m.toml", []byte("update = \"letkf\"\n"))
		if err != nil {
			t.Fatal(err)
		}
		m := entry.Defaults()
		document.Root().Bind(m)
		if err := m.Check(nil, 5); !fault.IsInput(err) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
