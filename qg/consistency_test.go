package qg_test

import (
	"math"
	"slices"
	"testing"

	"retrace/internal/rng"
	"retrace/qg"
)

func TestConsistentLeavesTheModelsStatesAloneAndFindsOthers(t *testing.T) {
	p := qg.New("eddy")
	p.Nx, p.Ny = 16, 16
	p.Channels = []string{"q1", "u1", "v1", "q2", "u2", "psi2"}
	built, err := p.Build()
	if err != nil {
		t.Fatal(err)
	}
	model := built.(*qg.Deterministic)
	x := make([]float64, model.Space().Size())
	model.Initial(x, rng.Stream(1, "test"))
	model.Step(x, nil)
	y := make([]float64, len(x))
	model.Consistent(y, x)
	for i := range x {
		if scale := slices.Max(x[i/256*256 : (i/256+1)*256]); math.Abs(x[i]-y[i]) > 1e-12*scale {
			t.Fatalf("value %d of a state of the model changes from %v to %v", i, x[i], y[i])
		}
	}
	wrong := slices.Clone(x)
	for i := 256; i < 512; i++ {
		wrong[i] *= 1.5
	}
	model.Consistent(y, wrong)
	for i := range x {
		if scale := slices.Max(x[i/256*256 : (i/256+1)*256]); math.Abs(x[i]-y[i]) > 1e-12*scale {
			t.Fatalf("value %d is %v, want %v whatever u1 says", i, y[i], x[i])
		}
	}
}

func TestEnergiesOfAStateAreThoseOfItsFields(t *testing.T) {
	p := qg.New("eddy")
	p.Nx, p.Ny = 16, 16
	built, err := p.Build()
	if err != nil {
		t.Fatal(err)
	}
	model := built.(*qg.Deterministic)
	x := make([]float64, model.Space().Size())
	model.Initial(x, rng.Stream(2, "test"))
	names, units := model.EnergyParts()
	parts := make([]float64, len(names))
	model.Energies(parts, x)
	want := model.Fields(x).Energy() // the state is q1 and q2 on the grid
	if got := parts[0] + parts[1] + parts[2]; math.Abs(got-want.Total()) > 1e-12*want.Total() || units != "m2 s-2" {
		t.Errorf("total %v %s, want %v", got, units, want.Total())
	}
	for i, c := range []struct{ name, units string }{{"potential vorticity", "s-1"}, {"potential vorticity", "s-1"}} {
		if name, units := model.Quantity(i); name != c.name || units != c.units {
			t.Errorf("channel %d is a %s in %s", i, name, units)
		}
	}
}
