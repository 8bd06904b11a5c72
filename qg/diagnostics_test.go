package qg_test

import (
	"math"
	"testing"

	"retrace/internal/rng"
	"retrace/qg"
)

// layered are the parameters of GeophysicalFlows' tests: thicknesses, reduced
// gravity and a Coriolis parameter of 1 on a plane of period 2 pi.
func layered(n int, upper, lower, gravity float64) *qg.TwoLayer {
	p := unit(n)
	p.Thickness, p.ThicknessRatio = upper, upper/lower
	p.DeformationRadius = 1 / math.Sqrt(1/(gravity*upper)*(1+upper/lower))
	return p
}

// stirred is potential vorticity that has spun up for a while on a small grid.
func stirred(t testing.TB, p *qg.TwoLayer, steps int) (*qg.Deterministic, *qg.Simulation) {
	t.Helper()
	m := build(t, p)
	s := m.Begin(rng.Stream(1, "stirred")).(*qg.Simulation)
	for range steps {
		s.Step(nil)
	}
	return m, s
}

func pvOf(m *qg.Deterministic, s *qg.Simulation) []float64 {
	p := m.Parameters()
	q := make([]float64, 2*p.Nx*p.Ny)
	s.PV(q)
	return q
}

func TestEnergiesOfKnownFlow(t *testing.T) {
	m := build(t, layered(32, 2.5, 7.5, 0.5))
	psi1 := onGrid(32, 32, func(a, b float64) float64 { return math.Cos(2*a) * math.Cos(2*b) })
	psi := both(psi1, psi1)
	for i := range psi1 {
		psi[len(psi1)+i] /= 2
	}
	q := make([]float64, len(psi))
	m.Invert(q, psi)
	f := m.Fields(q)
	e := f.Energy()
	for _, v := range []struct{ got, want float64 }{
		{e.Kinetic[0], 1. / 4}, {e.Kinetic[1], 3. / 16}, {e.Potential, 1. / 160},
		{e.Total(), -(0.25*dot(f.Psi[0], f.PV[0]) + 0.75*dot(f.Psi[1], f.PV[1])) / 2 / (32 * 32)},
		// The relative vorticity is -8 psi: the mean squares are 16 and 4.
		{f.EddyTurnoverTime(), 2 * math.Pi / math.Sqrt((0.25*16+0.75*4)/2)},
	} {
		if math.Abs(v.got-v.want) > 1e-12 {
			t.Errorf("%.15g, want %.15g", v.got, v.want)
		}
	}
}

func TestFluxesOfKnownFlow(t *testing.T) {
	const n = 128
	m := build(t, layered(n, 0.2, 0.8, 0.2))
	psi := both(
		onGrid(n, n, func(a, b float64) float64 { return math.Cos(a)*math.Cos(b) + math.Sin(a) }),
		onGrid(n, n, func(a, b float64) float64 { return math.Cos(a+math.Pi/10) * math.Cos(b) }))
	q := make([]float64, len(psi))
	m.Invert(q, psi)
	// The jet lies where psi has its phase 0; angles are in [0, 2 pi).
	jet := onGrid(n, n, func(_, b float64) float64 {
		if b > math.Pi {
			b -= 2 * math.Pi
		}
		c := 1 / math.Cosh(5*b)
		return c * c
	})
	lateral, vertical := m.Fields(q).Fluxes([2][]float64{jet, make([]float64, n*n)})
	for _, v := range []struct{ got, want float64 }{{lateral[0], 0.00626267}, {lateral[1], 0}, {vertical, -0.196539}} {
		if math.Abs(v.got-v.want) > 1e-6 {
			t.Errorf("flux %.8g, want %.8g", v.got, v.want)
		}
	}
}

// TestAForcedFlowStandsStill chooses a flow and adds the constant tendency that
// holds it, with everything switched on.
func TestAForcedFlowStandsStill(t *testing.T) {
	p := qg.New("eddy")
	p.Nx, p.Ny, p.Filter = 64, 32, 0
	p.VelocityLower, p.HillHeight = -0.01, 20
	p.Dt, p.Interval = 1800, 1800
	n := p.Nx * p.Ny
	psi := both(
		onGrid(64, 32, func(a, b float64) float64 { return 2000 * math.Cos(a+2*b) * math.Sin(b) }),
		onGrid(64, 32, func(a, b float64) float64 { return 800*math.Sin(2*a) + 500*math.Cos(3*b-a) }))
	m := build(t, p)
	q, tendency := make([]float64, 2*n), make([]float64, 2*n)
	m.Invert(q, psi)
	m.Tendency(tendency, q)
	p.Tendency = [2][]float64{make([]float64, n), make([]float64, n)}
	for i, v := range tendency {
		p.Tendency[i/n][i%n] = -v
	}
	s := build(t, p).Start(q)
	for range 200 {
		s.Step(nil)
	}
	after := make([]float64, 2*n)
	s.PV(after)
	if off := distance(after, q); off > 1e-10*largest(q) {
		t.Errorf("after 200 steps the flow is off by %.2g of its maximum", off/largest(q))
	}
}

func TestSpectraSumToTheVariance(t *testing.T) {
	for _, shape := range [][2]int{{16, 16}, {16, 24}, {15, 9}} {
		ny, nx := shape[0], shape[1]
		field := normal(ny*nx, "spectrum")
		squares := dot(field, field) / float64(ny*nx)
		sum := 0.0
		for _, v := range qg.Isotropic(field, ny, nx, 2e6, 1e6) {
			sum += v
		}
		if math.Abs(sum/squares-1) > 1e-13 {
			t.Errorf("%v: the spectrum sums to %v, the mean square is %v", shape, sum, squares)
		}
	}
	wave := onGrid(32, 32, func(a, b float64) float64 { return 1 + 2*math.Cos(3*a-4*b) })
	for n, v := range qg.Isotropic(wave, 32, 32, 1e6, 1e6) {
		want := map[int]float64{0: 1, 5: 2}[n]
		if math.Abs(v-want) > 1e-14 {
			t.Errorf("element %d is %g, want %g", n, v, want)
		}
	}
}

func TestBudgetClosesAsTheTimeStepShrinks(t *testing.T) {
	residual := func(dt float64) float64 {
		p := qg.New("eddy")
		p.Nx, p.Ny, p.Dt, p.Interval = 32, 32, dt, 86400
		p.WindStress, p.HillHeight = 0.05, 30
		_, s := stirred(t, p, int(20*86400/dt))
		b := s.Budget(int(10*86400/dt), nil)
		if !(b.Drag > 0 && b.Filter > 0 && b.Forcing != 0) {
			t.Errorf("dt %v: %+v", dt, b)
		}
		return b.Residual() / b.Drag
	}
	coarse, fine := residual(7200), residual(1800)
	if math.Abs(coarse) > 0.05 || math.Abs(fine) > 0.4*math.Abs(coarse) {
		t.Errorf("the residual is %.2g of the drag with 7200 s, %.2g with 1800 s", coarse, fine)
	}
}

func TestBackgroundPowerIsTheConversionOfItsPotentialEnergy(t *testing.T) {
	p := qg.New("eddy")
	p.Dt, p.Interval = 60, 60
	m, s := stirred(t, p, 200)
	f := m.Fields(pvOf(m, s))
	weight, f1 := 0.2, 1/(15e3*15e3*1.25)
	want := weight * f1 * 0.025 * dot(f.Psi[0], f.V[1]) / (64 * 64)
	if got := s.Budget(1, nil).Background; math.Abs(got/want-1) > 1e-10 {
		t.Errorf("background power %.12g, conversion %.12g", got, want)
	}
}
