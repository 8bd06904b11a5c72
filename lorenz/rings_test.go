package lorenz_test

import (
	"math"
	"testing"

	"retrace/lorenz"
)

// sum adds the values of x.
func sum(x []float64) float64 {
	var total float64
	for _, v := range x {
		total += v
	}
	return total
}

// rolled moves every value of x by so many places along the ring.
func rolled(x []float64, places int) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[(i+places)%len(x)] = v
	}
	return y
}

// energyRate is d/dt |x|^2/2.
func energyRate(m interface{ Tendency(dst, x []float64) }, x []float64) float64 {
	dx := make([]float64, len(x))
	m.Tendency(dx, x)
	return dot(x, dx)
}

func TestLorenz84QuadraticTermsConserveEnergy(t *testing.T) {
	p := lorenz.NewLorenz84()
	m := build(t, p)
	x := state(m, 0)
	want := -p.A*x[0]*x[0] - x[1]*x[1] - x[2]*x[2] + p.A*p.F*x[0] + p.G*x[1]
	if got := energyRate(m, x); math.Abs(got-want) > 1e-12 {
		t.Errorf("energy changes at %v, want %v", got, want)
	}
}

func TestLorenz84ZonalFlowIsAFixedPoint(t *testing.T) {
	// Without eddies and asymmetric forcing the current relaxes to F.
	p := lorenz.NewLorenz84()
	p.G = 0
	m := build(t, p)
	x := []float64{p.F, 0, 0}
	m.Flow(x)
	if x[0] != p.F || x[1] != 0 || x[2] != 0 {
		t.Errorf("zonal flow moves to %v", x)
	}
}

func TestLorenz96AgreesWithAnIndependentCode(t *testing.T) {
	// From a numpy implementation: x = 8 but for x_19 = 8.01, dt = 0.05.
	m := build(t, lorenz.NewLorenz96())
	x := make([]float64, 40)
	for i := range x {
		x[i] = 8
	}
	x[19] = 8.01
	for step := 1; step <= 100; step++ {
		m.Flow(x)
		for _, want := range []struct {
			step       int
			rms, first float64
		}{{20, 7.990752603131, 7.394363711280}, {100, 3.948900344803, -2.278219517767}} {
			if step != want.step {
				continue
			}
			rms := norm(x) / math.Sqrt(40)
			if math.Abs(rms-want.rms) > 1e-11 || math.Abs(x[0]-want.first) > 1e-11 {
				t.Errorf("after %d steps rms %.12f and x_0 %.12f, want %.12f and %.12f", step, rms, x[0], want.rms, want.first)
			}
		}
	}
}

func TestLorenz96QuadraticTermConservesEnergy(t *testing.T) {
	for _, n := range []int{4, 5, 40} {
		m := build(t, &lorenz.Lorenz96{N: n, F: 8, Dt: 0.05, Steps: 1})
		x := direction(m, 0)
		if got, want := energyRate(m, x), 8*sum(x)-dot(x, x); math.Abs(got-want) > 1e-12*float64(n) {
			t.Errorf("n = %d: energy changes at %v, want %v", n, got, want)
		}
	}
}

func TestLorenz96IsEquivariantUnderShifts(t *testing.T) {
	for _, n := range []int{4, 5, 40} {
		m := build(t, &lorenz.Lorenz96{N: n, F: 8, Dt: 0.05, Steps: 1})
		for _, places := range []int{1, 2, n - 1} {
			x := state(m, 0)
			moved := rolled(x, places)
			m.Flow(x)
			m.Flow(moved)
			if d := relative(moved, rolled(x, places)); d != 0 {
				t.Errorf("n = %d, shift %d: flow of the shifted state differs by %g", n, places, d)
			}
		}
	}
}

func TestTwoScaleAgreesWithAnIndependentCode(t *testing.T) {
	// From a numpy implementation: X_k = k/2, Y_m = 0.01 sin m, dt = 0.001.
	p := lorenz.NewTwoScale()
	p.Dt, p.Steps = 0.001, 1
	m := build(t, p)
	x := make([]float64, p.N*(p.J+1))
	for k := range p.N {
		x[k*(p.J+1)] = float64(k) / 2
		for j := range p.J {
			x[k*(p.J+1)+1+j] = 0.01 * math.Sin(float64(k*p.J+j))
		}
	}
	for range 1000 {
		m.Flow(x)
	}
	var squares float64
	for k := range p.N {
		squares += x[k*(p.J+1)] * x[k*(p.J+1)]
	}
	rms := math.Sqrt(squares / float64(p.N))
	if math.Abs(rms-7.4999284) > 1e-7 || math.Abs(x[0]-8.3317362) > 1e-7 {
		t.Errorf("after 1000 steps rms %.7f and X_0 %.7f, want 7.4999284 and 8.3317362", rms, x[0])
	}
}

func TestTwoScaleConservesEnergyButForDragAndForcing(t *testing.T) {
	for _, p := range []*lorenz.TwoScale{lorenz.NewTwoScale(), smallTwoScale()} {
		m := build(t, p)
		x := direction(m, 0)
		var want float64
		for i, v := range x {
			if i%(p.J+1) == 0 {
				want += p.F*v - v*v
			} else {
				want -= p.C * v * v
			}
		}
		if got := energyRate(m, x); math.Abs(got-want) > 1e-11*math.Abs(want) {
			t.Errorf("n = %d: energy changes at %v, want %v", p.N, got, want)
		}
	}
}

func TestTwoScaleIsEquivariantUnderShiftsOfSectors(t *testing.T) {
	for _, p := range []*lorenz.TwoScale{lorenz.NewTwoScale(), smallTwoScale()} {
		m := build(t, p)
		x := state(m, 0)
		moved := rolled(x, p.J+1)
		m.Flow(x)
		m.Flow(moved)
		if d := relative(moved, rolled(x, p.J+1)); d != 0 {
			t.Errorf("n = %d: flow of the shifted state differs by %g", p.N, d)
		}
	}
}

func TestTwoScaleWithoutCouplingIsLorenz96(t *testing.T) {
	p := lorenz.NewTwoScale()
	p.H, p.F, p.Dt, p.Steps = 0, 8, 0.01, 1
	coupled := build(t, p)
	alone := build(t, &lorenz.Lorenz96{N: p.N, F: 8, Dt: 0.01, Steps: 1})
	x := direction(coupled, 0)
	slow := make([]float64, p.N)
	for k := range slow {
		slow[k] = x[k*(p.J+1)]
	}
	coupled.Flow(x)
	alone.Flow(slow)
	for k, want := range slow {
		if got := x[k*(p.J+1)]; math.Abs(got-want) > 1e-14 {
			t.Errorf("X_%d is %v, in Lorenz 96 %v", k, got, want)
		}
	}
}

func TestSlowAndFastVariablesAreNamed(t *testing.T) {
	m := build(t, &lorenz.TwoScale{N: 5, J: 2, H: 1, B: 10, C: 10, F: 8, Dt: 0.01, Steps: 1})
	axes := m.Space().Axes
	if len(axes) != 2 || axes[0].Len() != 5 || axes[1].Len() != 3 || m.Space().Size() != 15 {
		t.Fatalf("space is %+v", m.Space())
	}
	if l := axes[1].Labels; l[0] != "X" || l[1] != "Y0" || l[2] != "Y1" {
		t.Errorf("labels are %v", l)
	}
}

func TestLorenz96Climate(t *testing.T) {
	if !*long {
		t.Skip("slow statistical test; run with -long")
	}
	// Mean 2.34 and standard deviation 3.64, over sites and time.
	m := build(t, lorenz.NewLorenz96())
	x := state(m, 0)
	const steps = 100_000
	var total, squares float64
	for range steps {
		m.Flow(x)
		total += sum(x)
		squares += dot(x, x)
	}
	mean := total / (steps * 40)
	sd := math.Sqrt(squares/(steps*40) - mean*mean)
	if math.Abs(mean-2.34) > 0.02 || math.Abs(sd-3.64) > 0.02 {
		t.Errorf("mean %.3f and standard deviation %.3f, want 2.34 and 3.64", mean, sd)
	}
}
