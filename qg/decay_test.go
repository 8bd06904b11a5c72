package qg_test

import (
	"math"
	"testing"

	"retrace/qg"
)

const hours = 3600.

// free are the parameters of unforced flow without filter, from the start of the
// reference.
func free(dt float64, truncate bool) *qg.TwoLayer {
	p := qg.New("eddy")
	p.VelocityUpper, p.Drag, p.Filter, p.Truncate = 0, 0, 0, truncate
	p.Dt, p.Interval = dt, 86400
	return p
}

// energies of a trajectory from the reference's start, at the days listed.
func energies(t *testing.T, p *qg.TwoLayer, days ...int) []qg.Energy {
	t.Helper()
	m := build(t, p)
	s := m.Start(referenceStart(64, 64))
	q := make([]float64, 2*64*64)
	var list []qg.Energy
	at := 0
	for _, day := range days {
		for ; at < day*int(86400/p.Dt); at++ {
			s.Step(nil)
		}
		s.PV(q)
		list = append(list, m.Fields(q).Energy())
	}
	return list
}

func enstrophy(e qg.Energy) float64 { return e.Enstrophy[0] + e.Enstrophy[1] }

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got/want-1) <= tolerance) {
		t.Errorf("%s is %.4g: want %.4g within %.2g %%", what, got, want, 100*tolerance)
	}
}

func TestConservationErrorIsThatOfTheScheme(t *testing.T) {
	wantEnergy := []float64{2.07e-5, 5.19e-6, 1.30e-6}
	wantEnstrophy := []float64{3.60e-5, 9.05e-6, 2.27e-6}
	for i, dt := range []float64{2 * hours, 1 * hours, 0.5 * hours} {
		e := energies(t, free(dt, true), 0, 10)
		near(t, "energy drift", e[1].Total()/e[0].Total()-1, wantEnergy[i], 0.05)
		near(t, "enstrophy drift", enstrophy(e[1])/enstrophy(e[0])-1, wantEnstrophy[i], 0.05)
	}
}

func TestLaterDriftIsOfThirdOrder(t *testing.T) {
	for i, dt := range []float64{2 * hours, 1 * hours} {
		e := energies(t, free(dt, true), 10, 120)
		near(t, "energy drift after day 10", e[1].Total()/e[0].Total()-1, []float64{-1.5e-5, -1.9e-6}[i], 0.15)
	}
}

func TestLayersExchangeEnstrophyOnTheBetaPlaneOnly(t *testing.T) {
	e := energies(t, free(2*hours, true), 0, 10)
	near(t, "enstrophy change of the upper layer", e[1].Enstrophy[0]/e[0].Enstrophy[0]-1, -0.013, 0.05)
	near(t, "enstrophy change of the lower layer", e[1].Enstrophy[1]/e[0].Enstrophy[1]-1, 0.10, 0.05)
	p := free(2*hours, true)
	p.Beta = 0
	e = energies(t, p, 0, 10)
	near(t, "enstrophy drift of the upper layer", e[1].Enstrophy[0]/e[0].Enstrophy[0]-1, 3.7e-5, 0.05)
	near(t, "enstrophy drift of the lower layer", e[1].Enstrophy[1]/e[0].Enstrophy[1]-1, 1.4e-5, 0.05)
}

func TestWithoutFilterEnstrophyPilesUp(t *testing.T) {
	e := energies(t, free(2*hours, false), 0, 60)
	near(t, "enstrophy", enstrophy(e[1])/enstrophy(e[0]), 8.6, 0.02)
	near(t, "energy", e[1].Total()/e[0].Total(), 0.98, 0.01)
}

func TestFilterDissipates(t *testing.T) {
	p := free(0.5*hours, false)
	p.Filter = 23.6
	e := energies(t, p, 0, 10, 30, 60)
	near(t, "energy lost by day 30", 1-e[2].Total()/e[0].Total(), 1.5e-3, 0.05)
	near(t, "energy lost by day 60", 1-e[3].Total()/e[0].Total(), 7.6e-3, 0.05)
	near(t, "enstrophy lost by day 30", 1-enstrophy(e[2])/enstrophy(e[0]), 0.019, 0.05)
	near(t, "enstrophy lost by day 60", 1-enstrophy(e[3])/enstrophy(e[0]), 0.092, 0.05)
	if !(e[3].Total() < e[2].Total() && e[2].Total() < e[1].Total()) {
		t.Error("energy does not decay")
	}
}
