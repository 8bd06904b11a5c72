package lorenz_test

import (
	"flag"
	"math"
	"sync"
	"testing"

	"retrace/dynamics"
	"retrace/internal/rng"
	"retrace/lorenz"
)

var long = flag.Bool("long", false, "run slow statistical tests")

// build makes a deterministic system.
func build(t testing.TB, p dynamics.Builder) *dynamics.ODE {
	t.Helper()
	m, err := p.Build()
	if err != nil {
		t.Fatal(err)
	}
	ode, ok := m.(*dynamics.ODE)
	if !ok {
		t.Fatalf("%T is not deterministic", m)
	}
	return ode
}

// convection is the Lorenz 63 system without noise.
func convection() *lorenz.Lorenz63 {
	p := lorenz.NewLorenz63()
	p.NoiseVariance = 0
	return p
}

// smallTwoScale has rings short enough that every index wraps.
func smallTwoScale() *lorenz.TwoScale {
	return &lorenz.TwoScale{N: 4, J: 1, H: 0.7, B: 8, C: 5, F: 12, Dt: 0.02, Steps: 4}
}

// systems are the deterministic systems of this package.
func systems(t testing.TB) map[string]*dynamics.ODE {
	return map[string]*dynamics.ODE{
		"lorenz63":         build(t, convection()),
		"lorenz84":         build(t, lorenz.NewLorenz84()),
		"lorenz96":         build(t, lorenz.NewLorenz96()),
		"lorenz96, four":   build(t, &lorenz.Lorenz96{N: 4, F: 8, Dt: 0.1, Steps: 3}),
		"lorenz2005, II":   build(t, &lorenz.Lorenz2005{N: 17, K: 4, F: 15, B: 1, Dt: 0.05, Steps: 2}),
		"lorenz2005, III":  build(t, &lorenz.Lorenz2005{N: 24, K: 5, F: 15, I: 3, B: 4, C: 1.5, Dt: 0.02, Steps: 4}),
		"two scales":       build(t, lorenz.NewTwoScale()),
		"two scales, four": build(t, smallTwoScale()),
	}
}

// state is a point near the attractor.
func state(m dynamics.Model, index uint64) []float64 {
	r := rng.Stream(1, "state", index)
	x := make([]float64, m.Space().Size())
	m.Initial(x, r)
	for range m.SpinUp() / 4 {
		m.Step(x, r)
	}
	return x
}

// direction is a vector of standard normal numbers.
func direction(m dynamics.Model, index uint64) []float64 {
	r := rng.Stream(1, "direction", index)
	x := make([]float64, m.Space().Size())
	for i := range x {
		x[i] = r.NormFloat64()
	}
	return x
}

func dot(a, b []float64) float64 {
	var sum float64
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func norm(a []float64) float64 { return math.Sqrt(dot(a, a)) }

// shifted returns x + a y.
func shifted(x []float64, a float64, y []float64) []float64 {
	z := make([]float64, len(x))
	for i := range z {
		z[i] = x[i] + a*y[i]
	}
	return z
}

func copied(x []float64) []float64 { return append([]float64(nil), x...) }

// relative is the distance of two vectors over the length of the first.
func relative(a, b []float64) float64 { return norm(shifted(a, -1, b)) / norm(a) }

func TestFlowIsOfFourthOrder(t *testing.T) {
	for name, p := range map[string]func(steps int) dynamics.Builder{
		"lorenz63": func(steps int) dynamics.Builder {
			p := convection()
			p.Dt, p.Steps = 0.2, steps
			return p
		},
		"lorenz84": func(steps int) dynamics.Builder {
			p := lorenz.NewLorenz84()
			p.Dt, p.Steps = 0.4, steps
			return p
		},
		"lorenz96": func(steps int) dynamics.Builder {
			p := lorenz.NewLorenz96()
			p.Dt, p.Steps = 0.4, steps
			return p
		},
		"two scales": func(steps int) dynamics.Builder {
			p := lorenz.NewTwoScale()
			p.Dt, p.Steps = 0.04, steps
			return p
		},
	} {
		start := state(build(t, p(16)), 0)
		end := func(steps int) []float64 {
			x := copied(start)
			build(t, p(steps)).Flow(x)
			return x
		}
		exact := end(2048)
		for _, steps := range []int{16, 32} {
			order := math.Log2(relative(exact, end(steps)) / relative(exact, end(2*steps)))
			if math.Abs(order-4) > 0.4 {
				t.Errorf("%s: from %d to %d steps the order is %.2f", name, steps, 2*steps, order)
			}
		}
	}
}

func TestTangentIsTheDerivativeOfTheTendency(t *testing.T) {
	for name, m := range systems(t) {
		x, dx := state(m, 0), direction(m, 0)
		n := len(x)
		plus, minus, got := make([]float64, n), make([]float64, n), make([]float64, n)
		// Tendencies are quadratic, so the central difference is exact for any h.
		m.Tendency(plus, shifted(x, 1, dx))
		m.Tendency(minus, shifted(x, -1, dx))
		for i := range plus {
			plus[i] = (plus[i] - minus[i]) / 2
		}
		m.Tangent(got, x, dx)
		if d := relative(plus, got); d > 1e-12 {
			t.Errorf("%s: tangent differs from finite differences by %g", name, d)
		}
	}
}

func TestCotangentIsTheTransposeOfTangent(t *testing.T) {
	for name, m := range systems(t) {
		x, dx, v := state(m, 0), direction(m, 0), direction(m, 1)
		image, pulled := make([]float64, len(x)), make([]float64, len(x))
		m.Tangent(image, x, dx)
		m.Cotangent(pulled, x, v)
		if a, b := dot(image, v), dot(dx, pulled); math.Abs(a-b) > 1e-13*norm(image)*norm(v) {
			t.Errorf("%s: <J dx, v> = %v, <dx, J^T v> = %v", name, a, b)
		}
	}
}

func TestTangentLinearIsTheDerivativeOfTheFlow(t *testing.T) {
	for name, m := range systems(t) {
		x, dx := state(m, 0), direction(m, 0)
		// The remainder of a Taylor expansion is quadratic: it falls by four
		// when the perturbation is halved.
		image := copied(dx)
		m.TangentLinear(x, image)
		remainder := func(h float64) float64 {
			y, base := shifted(x, h, dx), copied(x)
			m.Flow(y)
			m.Flow(base)
			return norm(shifted(shifted(y, -1, base), -h, image))
		}
		if order := math.Log2(remainder(1e-3) / remainder(5e-4)); math.Abs(order-2) > 0.05 {
			t.Errorf("%s: Taylor remainder is of order %.3f", name, order)
		}
		if r := remainder(1e-5) / (1e-5 * norm(image)); r > 1e-3 {
			t.Errorf("%s: relative remainder is %g", name, r)
		}
	}
}

func TestAdjointIsTheTransposeOfTangentLinear(t *testing.T) {
	for name, m := range systems(t) {
		x, dx, v := state(m, 0), direction(m, 0), direction(m, 1)
		image, pulled := copied(dx), copied(v)
		m.TangentLinear(x, image)
		m.Adjoint(x, pulled)
		if a, b := dot(image, v), dot(dx, pulled); math.Abs(a-b) > 1e-12*norm(image)*norm(v) {
			t.Errorf("%s: <M dx, v> = %v, <dx, M^T v> = %v", name, a, b)
		}
	}
}

func TestSystemsAreSharedSafely(t *testing.T) {
	for name, m := range systems(t) {
		sd := make([]float64, m.Space().Size())
		for i := range sd {
			sd[i] = 0.1
		}
		noisy := m.WithNoise(sd)
		run := func(worker uint64) float64 {
			x, v := state(m, worker), direction(m, worker)
			noisy.TangentLinear(x, v)
			noisy.Adjoint(x, v)
			r := rng.Stream(1, "noise", worker)
			noisy.Step(x, r)
			return norm(x) + norm(v)
		}
		const workers = 4
		var together [workers]float64
		var group sync.WaitGroup
		for w := range together {
			group.Go(func() { together[w] = run(uint64(w)) })
		}
		group.Wait()
		for w, got := range together {
			if want := run(uint64(w)); got != want {
				t.Errorf("%s: worker %d gets %v, alone %v", name, w, got, want)
			}
		}
	}
}

func TestStepsDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("allocations are not counted under the race detector")
	}
	for name, m := range systems(t) {
		sd := make([]float64, m.Space().Size())
		for i := range sd {
			sd[i] = 0.1
		}
		noisy := m.WithNoise(sd)
		x, v, r := state(m, 0), direction(m, 0), rng.Stream(1, "noise")
		var sink float64
		for what, f := range map[string]func(){
			"Initial":       func() { m.Initial(x, r) },
			"Step":          func() { m.Step(x, r) },
			"noisy Step":    func() { noisy.Step(x, r) },
			"LogTransition": func() { sink += noisy.LogTransition(x, x) },
			"TangentLinear": func() { m.TangentLinear(x, v) },
			"Adjoint":       func() { m.Adjoint(x, v) },
		} {
			m.Initial(x, r) // keeps the state finite
			if n := testing.AllocsPerRun(20, f); n != 0 {
				t.Errorf("%s: %s allocates %v times", name, what, n)
			}
		}
	}
}

func BenchmarkStep(b *testing.B) {
	for name, p := range map[string]dynamics.Builder{
		"lorenz63": lorenz.NewLorenz63(),
		"lorenz84": lorenz.NewLorenz84(),
		"lorenz96": lorenz.NewLorenz96(),
		"twoscale": lorenz.NewTwoScale(),
	} {
		m, err := p.Build()
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			x, r := state(m, 0), rng.Stream(1, "noise")
			b.ReportAllocs()
			for b.Loop() {
				m.Step(x, r)
			}
		})
	}
}
