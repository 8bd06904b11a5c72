package variational_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"retrace/assimilate"
	"retrace/assimilate/variational"
	"retrace/internal/fault"
	"retrace/internal/rng"
	"retrace/lorenz"
	"retrace/observe"
)

// onARing is Lorenz 96, every other site observed at every state; truth holds its states.
func onARing(t *testing.T, members, length int) (p assimilate.Problem, truth [][]float64) {
	t.Helper()
	model := build(t, lorenz.NewLorenz96())
	half := observe.Components{}
	for i := 0; i < 40; i += 2 {
		half.Indices = append(half.Indices, i)
	}
	seen, err := half.Build(model.Space())
	if err != nil {
		t.Fatal(err)
	}
	r := rng.Stream(1, "ring")
	x := make([]float64, 40)
	model.Initial(x, r)
	for range 400 {
		model.Step(x, r)
	}
	sd := make([]float64, 40)
	for i := range sd {
		sd[i] = 1
	}
	p = assimilate.Problem{Model: model, Length: length, Members: members, Seed: 5, Initial: &assimilate.Normal{Mean: slices.Clone(x), Sd: sd}}
	for i := range length {
		if i > 0 {
			model.Step(x, r)
		}
		truth = append(truth, slices.Clone(x))
		o := observe.Observation{Index: i, Operator: seen, Sd: sd[:20]}
		for j := 0; j < 40; j += 2 {
			o.Values = append(o.Values, x[j]+r.NormFloat64())
		}
		p.Observations.Observations = append(p.Observations.Observations, o)
	}
	return p, truth
}

func TestLocalisationOverAllDistancesIsNone(t *testing.T) {
	p, _ := onARing(t, 8, 6)
	for _, share := range []float64{1, 0.7} {
		v := variational.NewEnsembleVar()
		v.Window, v.Share, v.Covariance = 2, share, "identity"
		want := cycled(t, v, p)
		v.Radius = 1e9
		got := cycled(t, v, p)
		for i := range want {
			if d := furthest(want[i].Ensemble, got[i].Ensemble); d > 1e-10 {
				t.Fatalf("share %v, %v of state %d: members are %g apart", share, want[i].Stage, want[i].Index, d)
			}
		}
	}
}

func TestLocalisationSavesSmallEnsembles(t *testing.T) {
	p, truth := onARing(t, 12, 120)
	errors := func(radius float64) float64 {
		v := variational.NewEnsembleVar()
		v.Window, v.Share, v.Inflation, v.Radius = 2, 1, 1.06, radius
		var sum, count float64
		err := v.Cycle(context.Background(), p, func(e assimilate.Estimate) error {
			if e.Stage == assimilate.Analysis && e.Index >= 40 {
				for i, m := range e.Mean {
					sum += (m - truth[e.Index][i]) * (m - truth[e.Index][i])
					count++
				}
			}
			return nil
		})
		if err != nil {
			return math.Inf(1)
		}
		return math.Sqrt(sum / count)
	}
	local, whole := errors(3), errors(0)
	t.Logf("error %.3f with localisation, %.3f without", local, whole)
	if local > 0.8 || whole < 2*local {
		t.Errorf("error %.3f with localisation, %.3f without", local, whole)
	}
}

func TestLocalisationNeedsPlaces(t *testing.T) {
	v := variational.NewEnsembleVar()
	v.Radius = 3
	for model, want := range map[string]string{"lorenz63": "no axis with coordinates"} {
		if err := v.Check(build(t, lorenz.NewLorenz63())); err == nil || !fault.IsInput(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", model, err)
		}
	}
	v.Radius = -1
	if err := v.Check(build(t, lorenz.NewLorenz96())); err == nil || !fault.IsInput(err) {
		t.Errorf("got %v", err)
	}
}

func TestMembersStartWhereTheyAreTold(t *testing.T) {
	p, _ := onARing(t, 3, 2)
	p.Observations.Observations = nil
	p.InitialEnsemble = make([]float64, 3*40)
	r := rng.Stream(2, "given")
	for i := range p.InitialEnsemble {
		p.InitialEnsemble[i] = r.NormFloat64()
	}
	v := variational.NewEnsembleVar()
	v.Covariance = "identity"
	for name, m := range map[string]assimilate.Sequential{"free-run": variational.FreeRun{}, "4denvar": v} {
		if first := cycled(t, m, p)[0]; !slices.Equal(first.Ensemble, p.InitialEnsemble) {
			t.Errorf("%s starts elsewhere", name)
		}
	}
	p.InitialEnsemble = p.InitialEnsemble[1:]
	if err := (variational.FreeRun{}).Cycle(context.Background(), p, nil); err == nil || !fault.IsInput(err) {
		t.Errorf("an ensemble of the wrong size: %v", err)
	}
}
