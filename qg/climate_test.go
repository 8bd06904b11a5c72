package qg_test

import (
	"math"
	"testing"

	"retrace/internal/rng"
	"retrace/qg"
)

// TestRegressionOfPyqg is the two-layer test of pyqg, 32 x 32 for three years of
// 360 days; early sums are those of the independent numpy model.
func TestRegressionOfPyqg(t *testing.T) {
	p := qg.New("eddy")
	p.Nx, p.Ny, p.DeformationRadius, p.VelocityUpper, p.Filter = 32, 32, 30e3, 0.05, 18.4
	p.Dt, p.Interval = 12800, 12800
	m := build(t, p)
	q := both(onGrid(32, 32, func(a, b float64) float64 { return 1e-6*math.Cos(5*a) + 1e-7*math.Cos(5*b) }), make([]float64, 32*32))
	s := m.Start(q)
	const year = 2430
	early := map[int][2]float64{
		1: {5.171393497372e-10, 3.327320576310e-16}, 10: {5.170642703726e-10, 3.115650250233e-14},
		100: {5.179576996931e-10, 1.690110819860e-12}, 1000: {1.123158476280e-9, 6.230101825780e-12},
	}
	kinetic, samples := 0.0, 0
	var budget qg.Budget
	for step := 1; step <= 3*year; step++ {
		if step > year && step%10 == 0 {
			b := s.Budget(1, nil)
			budget.Background += b.Background
			budget.Drag += b.Drag
			s.PV(q)
			e := m.Fields(q).Energy()
			kinetic += e.Kinetic[0]/0.2 + e.Kinetic[1]/0.8
			samples++
		} else {
			s.Step(nil)
		}
		if want, listed := early[step]; listed {
			s.PV(q)
			for layer, want := range want {
				part := q[layer*32*32 : (layer+1)*32*32]
				if got := dot(part, part); math.Abs(got/want-1) > 1e-9 {
					t.Errorf("step %d: the squares of q%d sum to %.13g, want %.13g", step, layer+1, got, want)
				}
			}
		}
	}
	s.PV(q)
	near(t, "sum of q1^2", dot(q[:32*32], q[:32*32]), 9.56143e-8, 0.01)
	near(t, "kinetic energy of the layers", kinetic/float64(samples), 8.33994e-3, 0.01)
	near(t, "generation", budget.Background/float64(samples), 2.46343e-10, 0.01)
	near(t, "drag loss", budget.Drag/float64(samples), 1.44597e-10, 0.01)
}

// climate is the mean over years of a run.
type climate struct {
	ke1, ke2, ape, q1, q2, generation, drag, filter, fastest float64
	budget                                                   qg.Budget
}

func climateOf(t *testing.T, p *qg.TwoLayer, spinUp, years int) climate {
	m := build(t, p)
	s := m.Begin(rng.Stream(1, "climate")).(*qg.Simulation)
	perDay := int(86400 / m.TimeStep())
	for range spinUp * 360 * perDay {
		s.Step(nil)
	}
	w1 := p.ThicknessRatio / (1 + p.ThicknessRatio)
	var c climate
	n := float64(years * 36)
	for range years * 36 {
		b := s.Budget(10*perDay, nil)
		f := m.Fields(pvOf(m, s))
		e := f.Energy()
		c.ke1 += e.Kinetic[0] / w1 / n
		c.ke2 += e.Kinetic[1] / (1 - w1) / n
		c.ape += e.Potential / n
		c.q1 += 2 * e.Enstrophy[0] / w1 / n
		c.q2 += 2 * e.Enstrophy[1] / (1 - w1) / n
		c.generation += b.Background / n
		c.drag += b.Drag / n
		c.filter += b.Filter / n
		fastest := 0.0
		for i, u := range f.U[0] {
			fastest = max(fastest, math.Hypot(u+p.VelocityUpper, f.V[0][i]))
		}
		c.fastest += fastest / n
		c.budget.Change += b.Change / n
	}
	c.q1, c.q2 = math.Sqrt(c.q1), math.Sqrt(c.q2)
	t.Logf("KE %.3g %.3g, APE %.3g, q std %.3g %.3g, generation %.3g, drag/gen %.3f, filter/gen %.3f, fastest %.3f m/s, residual/gen %.4f",
		c.ke1, c.ke2, c.ape, c.q1, c.q2, c.generation, c.drag/c.generation, c.filter/c.generation, c.fastest,
		(c.generation-c.drag-c.filter-c.budget.Change)/c.generation)
	return c
}

func within(t *testing.T, what string, got, low, high float64) {
	t.Helper()
	if !(got >= low && got <= high) {
		t.Errorf("%s is %.4g, want %.4g to %.4g", what, got, low, high)
	}
}

// TestSteadyStates compares with compiled pyqg's.
func TestSteadyStates(t *testing.T) {
	if !*long {
		t.Skip("minutes; use -long")
	}
	t.Run("eddy 64", func(t *testing.T) {
		p := qg.New("eddy")
		p.Dt = 14400
		c := climateOf(t, p, 4, 10)
		within(t, "KE1", c.ke1, 2.05e-3, 2.40e-3)
		within(t, "KE2", c.ke2, 5.4e-5, 6.8e-5)
		within(t, "APE", c.ape, 5.7e-4, 6.7e-4)
		within(t, "q1 std", c.q1, 7.9e-6, 8.6e-6)
		within(t, "q2 std", c.q2, 1.00e-6, 1.13e-6)
		within(t, "filter/generation", c.filter/c.generation, 0.17, 0.21)
		within(t, "drag/generation", c.drag/c.generation, 0.78, 0.87)
		within(t, "fastest flow", c.fastest, 0.20, 0.22)
	})
	t.Run("eddy 64, default step, from pyqg's start", func(t *testing.T) {
		p := qg.New("eddy")
		p.Initial = "pyqg"
		c := climateOf(t, p, 4, 8)
		within(t, "KE1", c.ke1, 2.05e-3, 2.40e-3)
		within(t, "KE2", c.ke2, 5.4e-5, 6.8e-5)
	})
	t.Run("eddy 128", func(t *testing.T) {
		p := qg.New("eddy")
		p.Nx, p.Ny, p.Dt = 128, 128, 7200
		c := climateOf(t, p, 3, 6)
		within(t, "KE1", c.ke1, 2.45e-3, 2.90e-3)
		within(t, "KE2", c.ke2, 7.2e-5, 9.2e-5)
		within(t, "filter/generation", c.filter/c.generation, 0.04, 0.065)
	})
	t.Run("jet 64", func(t *testing.T) {
		c := climateOf(t, qg.New("jet"), 10, 10)
		within(t, "KE1", c.ke1, 1.1e-3, 1.6e-3)
		within(t, "q2 std", c.q2, 2.7e-7, 3.4e-7)
	})
}

func TestEnergyBudgetOfAYear(t *testing.T) {
	if !*long {
		t.Skip("minutes; use -long")
	}
	p := qg.New("eddy")
	p.Dt = 7200
	m, s := stirred(t, p, 4*360*12)
	b := s.Budget(360*12, nil)
	t.Logf("%+v, residual %.4f of the generation", b, b.Residual()/b.Background)
	within(t, "residual/generation", b.Residual()/b.Background, -0.03, 0.0)

	// Advection alone neither makes nor takes energy.
	still := qg.New("eddy")
	still.Beta, still.VelocityUpper, still.Drag = 0, 0, 0
	q := pvOf(m, s)
	tendency := make([]float64, len(q))
	build(t, still).Tendency(tendency, q)
	f := m.Fields(q)
	sum := 0.2*dot(f.Psi[0], tendency[:64*64]) + 0.8*dot(f.Psi[1], tendency[64*64:])
	if share := math.Abs(sum/(64*64)) / b.Background; share > 1e-14 {
		t.Errorf("advection changes the energy by %.2g of the generation", share)
	}
}
