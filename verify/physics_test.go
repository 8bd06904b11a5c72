package verify_test

import (
	"math"
	"strings"
	"testing"

	"retrace/dynamics"
	"retrace/qg"
	"retrace/trajectory"
	"retrace/verify"
)

// flow simulates a small quasi-geostrophic trajectory.
func flow(t *testing.T) (dynamics.Model, []float32) {
	t.Helper()
	p := qg.New("eddy")
	p.Nx, p.Ny, p.Channels = 16, 16, []string{"q1", "u1", "v1", "q2", "u2", "v2"}
	model, err := p.Build()
	if err != nil {
		t.Fatal(err)
	}
	set, err := trajectory.Simulate(t.Context(), model, trajectory.Plan{Count: 1, Length: 6, SpinUp: 60, Seed: 3, Purpose: "test"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return model, set.Trajectory(0)
}

func TestPhysicsOfATrueFlowHolds(t *testing.T) {
	model, truth := flow(t)
	p, ok := verify.NewPhysics(model)
	if !ok {
		t.Fatal("a flow has no fields")
	}
	inversion := p.InversionResidual(truth)
	if len(inversion) != 4 || inversion[0].Part != "u1" {
		t.Fatalf("inversion residuals %v", inversion)
	}
	for _, q := range inversion {
		if q.Value > 1e-5 {
			t.Errorf("the inversion residual of %s is %.2g", q.Part, q.Value)
		}
	}
	for _, q := range p.ModelResidual(truth, nil) {
		if q.Value > 1e-2 {
			t.Errorf("the model residual of %s is %.2g", q.Part, q.Value)
		}
	}
	var total float64
	for _, q := range p.Energy(truth) {
		total += q.Value
	}
	if !(total > 0) || !strings.Contains(p.EnergyUnits(), "m2") {
		t.Errorf("energy %v %s", total, p.EnergyUnits())
	}
}

func TestPhysicsNoticesWhatIsWrong(t *testing.T) {
	model, truth := flow(t)
	p, _ := verify.NewPhysics(model)
	n := p.Cells()
	wrong := make([]float32, len(truth))
	copy(wrong, truth)
	for i := range wrong {
		if i/n%6 == 1 { // u1
			wrong[i] *= 1.1
		}
	}
	if got := p.InversionResidual(wrong)[0].Value; math.Abs(got-0.1/1.1) > 1e-3 {
		t.Errorf("velocities 10 %% too large have a residual of %v", got)
	}
	if got := p.InversionResidual(wrong)[1].Value; got > 1e-5 {
		t.Errorf("v1 has a residual of %v, though nothing is wrong with it", got)
	}
	// A trajectory that stands still is not one of the model; one whose states come in
	// another order neither.
	still := make([]float32, 0, len(truth))
	for range 6 {
		still = append(still, truth[:6*n]...)
	}
	honest, frozen := p.ModelResidual(truth, nil)[0].Value, p.ModelResidual(still, nil)[0].Value
	if frozen < 5*honest {
		t.Errorf("the model residual of a still flow is %.2g, of a true one %.2g", frozen, honest)
	}
	if got := p.ModelResidual(truth[:6*n], nil); got != nil {
		t.Errorf("a single state has the model residual %v", got)
	}
}

func TestBandsCompareSpectra(t *testing.T) {
	truth := []float64{9, 1, 2, 2, 4, 4, 4, 4, 8}
	same := verify.Band{First: 1, Last: 7}.Unlike(truth, truth)
	if same != 0 {
		t.Errorf("a spectrum is unlike itself by %v", same)
	}
	power := []float64{0, 1, 2, 2, 3, 3, 3, 3, 0}
	low := verify.Band{First: 1, Last: 7}
	if got := low.Unlike(power, truth); math.Abs(got-0.25) > 1e-12 {
		t.Errorf("unlike by %v, want 0.25", got)
	}
	if got := low.Sum(truth); got != 21 {
		t.Errorf("sum %v, want 21", got)
	}
	p, ok := verify.NewPhysics(sine{})
	if !ok {
		t.Fatal("a line has no field")
	}
	spectra := p.Spectra(sineTrajectory())
	if len(spectra) != 1 || math.Abs(spectra[0][2]-0.5) > 1e-6 {
		t.Errorf("spectrum %v", spectra)
	}
	if p.Energy(sineTrajectory()) != nil || p.InversionResidual(sineTrajectory()) != nil {
		t.Error("a line has neither energy nor channels that follow from others")
	}
}

// sine is a line on which nothing happens.
type sine struct{ dynamics.Model }

func (sine) Space() dynamics.Space {
	return dynamics.Space{Variable: "u", Axes: []dynamics.Axis{coordinates(16, 1, true)}}
}

// sineTrajectory is two states of two waves along it.
func sineTrajectory() []float32 {
	var x []float32
	for i := range 32 {
		x = append(x, float32(math.Sin(2*math.Pi*2*float64(i)/16)))
	}
	return x
}
