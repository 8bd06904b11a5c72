package dynamics_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/dynamics"
	"retrace/internal/rng"
)

// flowing is a model with a flow, its derivative and the transpose of that.
type flowing interface {
	dynamics.Linearisable
	Flow(x []float64)
}

// flows are the models of this package that have one, small where size is a parameter.
func flows(t testing.TB) map[string]flowing {
	flame := dynamics.NewKuramotoSivashinsky()
	flame.N, flame.Length = 32, 22
	odd := *flame
	odd.Steps, odd.Dt = 1, 0.5
	gyre := dynamics.NewGyre()
	gyre.N = 17
	strong := *gyre
	strong.Nonlinearity, strong.Viscosity, strong.Steps = 1e-3, 2e-9, 6
	pendulum := dynamics.NewDoublePendulum()
	pendulum.Mass1, pendulum.Length2, pendulum.Dt, pendulum.Steps = 1.3, 0.7, 0.2, 20
	waves := dynamics.NewAdvection()
	waves.N, waves.Waves, waves.Speed = 20, 3, -3
	all := map[string]flowing{}
	for name, b := range map[string]dynamics.Builder{
		"kuramoto-sivashinsky": flame, "kuramoto-sivashinsky, one step": &odd,
		"gyre": gyre, "gyre, strong": &strong, "double-pendulum": pendulum,
		"lotka-volterra": dynamics.NewLotkaVolterra(), "ikeda": dynamics.NewIkeda(),
		"waves": waves, "random-walk": &dynamics.RandomWalk{N: 3, Variance: 2, InitialVariance: 1},
	} {
		m, err := b.Build()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = m.(flowing)
	}
	return all
}

// reached is a state that a model reaches.
func reached(m dynamics.Model, index uint64) []float64 {
	r := rng.Stream(1, "reached", index)
	x := make([]float64, m.Space().Size())
	m.Initial(x, r)
	for range min(m.SpinUp(), 30) {
		m.Step(x, r)
	}
	return x
}

func length(a []float64) float64 { return math.Sqrt(dot(a, a)) }

// along is x + a y.
func along(x []float64, a float64, y []float64) []float64 {
	z := make([]float64, len(x))
	for i := range z {
		z[i] = x[i] + a*y[i]
	}
	return z
}

func TestAdjointsAreTransposes(t *testing.T) {
	for name, m := range flows(t) {
		x, n := reached(m, 0), m.Space().Size()
		dx, v := draw(n, "direction", 0), draw(n, "direction", 1)
		image, pulled := along(dx, 0, dx), along(v, 0, v)
		before := along(x, 0, x)
		m.TangentLinear(x, image)
		m.Adjoint(x, pulled)
		if a, b := dot(image, v), dot(dx, pulled); math.Abs(a-b) > 1e-12*length(image)*length(v) {
			t.Errorf("%s: <M dx, v> = %v, <dx, M^T v> = %v", name, a, b)
		}
		if distance(x, before) != 0 {
			t.Errorf("%s: the state was changed", name)
		}
	}
}

func TestTangentsAreDerivatives(t *testing.T) {
	for name, m := range flows(t) {
		x := reached(m, 0)
		dx := draw(len(x), "direction", 0)
		for i := range dx { // to the scale of the state
			dx[i] *= length(x) / length(dx) * 0.1
		}
		if name == "gyre" || name == "gyre, strong" { // rough fields are damped, and tell nothing
			other := reached(m, 1)
			dx = along(other, -1, x)
		}
		image := along(dx, 0, dx)
		m.TangentLinear(x, image)
		remainder := func(h float64) float64 {
			y, base := along(x, h, dx), along(x, 0, x)
			m.Flow(y)
			m.Flow(base)
			return length(along(along(y, -1, base), -h, image))
		}
		// The remainder of a Taylor expansion is quadratic, or rounding if the flow is
		// linear.
		if r := remainder(1e-2); r < 1e-12*length(image) {
			continue
		}
		if order := math.Log2(remainder(1e-2) / remainder(5e-3)); math.Abs(order-2) > 0.05 {
			t.Errorf("%s: Taylor remainder is of order %.3f", name, order)
		}
	}
}

func TestModelsAreSharedSafely(t *testing.T) {
	for name, m := range flows(t) {
		t.Run(name, func(t *testing.T) {
			start := reached(m, 0)
			checkConcurrent(t, func(worker uint64) []float64 {
				v := draw(len(start), "direction", worker)
				x := along(start, 1e-3, v)
				m.Flow(x)
				m.TangentLinear(x, v)
				m.Adjoint(x, v)
				return append(x, v...)
			})
		})
	}
}

func TestFlowsDoNotAllocate(t *testing.T) {
	for name, m := range flows(t) {
		x, v, r := reached(m, 0), draw(m.Space().Size(), "direction", 0), rng.Stream(1, "noise")
		checkNoAllocation(t, name+": Step", func() { m.Step(x, r) })
		m.Initial(x, r)
		checkNoAllocation(t, name+": TangentLinear", func() { m.TangentLinear(x, v) })
		checkNoAllocation(t, name+": Adjoint", func() { m.Adjoint(x, v) })
	}
}

func TestKuramotoSivashinskyAgreesWithAnIndependentCode(t *testing.T) {
	// From a numpy implementation of Kassam & Trefethen's program with steps of 0.25:
	// u = cos(x/16) (1 + sin(x/16)) at x = L j/n, j = 1..n.
	for _, steps := range []int{40, 160} {
		m := dynamics.NewKuramotoSivashinsky()
		m.Dt, m.Steps = 10, steps
		flow := built(t, m).(flowing)
		x := make([]float64, 128)
		for i := range x {
			angle := 2 * math.Pi * float64(i+1) / 128
			x[i] = math.Cos(angle) * (1 + math.Sin(angle))
		}
		for time := 10; time <= 50; time += 10 {
			flow.Flow(x)
			for _, want := range []struct {
				time       int
				rms, first float64
				tolerance  float64
			}{{10, 0.846266, 0.621423, 2e-5}, {50, 1.2272, -0.1924, 1e-3}} {
				if time != want.time {
					continue
				}
				rms := length(x) / math.Sqrt(128)
				if math.Abs(rms-want.rms) > want.tolerance || math.Abs(x[0]-want.first) > want.tolerance {
					t.Errorf("%d steps, time %d: rms %.6f and u_1 %.6f, want %v and %v", steps, time, rms, x[0], want.rms, want.first)
				}
			}
		}
	}
}

func built(t testing.TB, b dynamics.Builder) dynamics.Model {
	t.Helper()
	m, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestETDRK4IsOfFourthOrder(t *testing.T) {
	// On few points, whose damping the steps resolve: stiff terms reduce the order.
	at := func(steps int) []float64 {
		m := dynamics.NewKuramotoSivashinsky()
		m.N, m.Length, m.Dt, m.Steps = 16, 22, 2, steps
		x := reached(built(t, &dynamics.KuramotoSivashinsky{N: 16, Length: 22, Dt: 1, Steps: 8}), 0)
		built(t, m).(flowing).Flow(x)
		return x
	}
	exact := at(1024)
	for _, steps := range []int{32, 64} {
		order := math.Log2(distance(exact, at(steps)) / distance(exact, at(2*steps)))
		if math.Abs(order-4) > 0.3 {
			t.Errorf("from %d to %d steps the order is %.2f", steps, 2*steps, order)
		}
	}
}

func TestKuramotoSivashinskyConservesTheMeanAndShifts(t *testing.T) {
	m := built(t, dynamics.NewKuramotoSivashinsky()).(flowing)
	x := reached(m, 0)
	shifted := append(append([]float64(nil), x[7:]...), x[:7]...)
	before := sum(x)
	m.Flow(x)
	m.Flow(shifted)
	if d := math.Abs(sum(x) - before); d > 1e-11 {
		t.Errorf("the sum changed by %g", d)
	}
	if d := distance(append(append([]float64(nil), x[7:]...), x[:7]...), shifted); d > 1e-12 {
		t.Errorf("the flow of the shifted state differs by %g", d)
	}
}

func sum(x []float64) (total float64) {
	for _, v := range x {
		total += v
	}
	return total
}

func TestDoublePendulumConservesEnergy(t *testing.T) {
	p := dynamics.NewDoublePendulum()
	p.Mass1, p.Length2, p.Steps = 1.3, 0.7, 4
	m := built(t, p).(flowing)
	energy := func(x []float64) float64 {
		mass := p.Mass1 + p.Mass2
		return mass*p.Length1*p.Length1*x[1]*x[1]/2 + p.Mass2*p.Length2*p.Length2*x[3]*x[3]/2 +
			p.Mass2*p.Length1*p.Length2*x[1]*x[3]*math.Cos(x[0]-x[2]) -
			mass*p.Gravity*p.Length1*math.Cos(x[0]) - p.Mass2*p.Gravity*p.Length2*math.Cos(x[2])
	}
	x := []float64{2, 0.3, -1, 1}
	start := energy(x)
	for range 200 {
		m.Flow(x)
	}
	if d := math.Abs(energy(x) - start); d > 1e-6 {
		t.Errorf("energy changed by %g of %g", d, start)
	}
}

func TestDoublePendulumWithoutALowerMassIsAPendulum(t *testing.T) {
	p := dynamics.NewDoublePendulum()
	p.Mass2, p.Dt = 1e-3, 0.01
	m := built(t, p).(flowing)
	x := []float64{0.01, 0, 0.01, 0}
	for range 100 {
		m.Flow(x)
	}
	// Small swings: cos(sqrt(g) t), to the order of the mass ratio.
	if want := 0.01 * math.Cos(math.Sqrt(9.8)); math.Abs(x[0]-want) > 2e-4 {
		t.Errorf("the angle is %v, want about %v", x[0], want)
	}
}

func TestLotkaVolterraRestsAtItsEquilibrium(t *testing.T) {
	m := built(t, dynamics.NewLotkaVolterra()).(flowing)
	// Where every species has filled its capacity; Vano et al. 2006, equation 5.
	x := []float64{0.3013, 0.4586, 0.1307, 0.3557}
	before := along(x, 0, x)
	m.Flow(x)
	if d := distance(x, before); d > 2e-4 {
		t.Errorf("the equilibrium moves by %g", d)
	}
	y := reached(m, 0)
	for range 300 {
		m.Flow(y)
		for i, v := range y {
			if !(v > 0 && v < 1.2) {
				t.Fatalf("population %d is %v", i, v)
			}
		}
	}
}

func TestIkedaMapContractsAreas(t *testing.T) {
	m := built(t, dynamics.NewIkeda()).(flowing)
	x := []float64{0.3, -0.7}
	a, b := []float64{1, 0}, []float64{0, 1}
	m.TangentLinear(x, a)
	m.TangentLinear(x, b)
	if area := a[0]*b[1] - a[1]*b[0]; math.Abs(area-0.81) > 1e-12 {
		t.Errorf("a unit of area becomes %v, want 0.81", area)
	}
}

func TestGyreInvertsItsHelmholtzOperator(t *testing.T) {
	// Without wind and nonlinear terms a sine of both directions is an eigenvector of
	// everything but the slope; twice the slope cancels in the flow there and back.
	p := dynamics.NewGyre()
	p.N, p.Nonlinearity, p.Viscosity, p.Dt, p.Steps = 33, 0, 0, 0.001, 1
	basin := built(t, p).(*dynamics.ODE)
	n := 31
	psi, tendency := make([]float64, n*n), make([]float64, n*n)
	h := 1.0 / 32
	for j := range n {
		for i := range n {
			psi[j*n+i] = math.Sin(2*math.Pi*float64(i+1)*h) * math.Sin(3*math.Pi*float64(j+1)*h)
		}
	}
	basin.Tendency(tendency, psi)
	// H tendency must be -psi_x + wind, by differences.
	for j := 1; j < n-1; j++ {
		for i := 1; i < n-1; i++ {
			at := j*n + i
			image := (tendency[at-1]+tendency[at+1]+tendency[at-n]+tendency[at+n]-4*tendency[at])/(h*h) - p.Stretching*tendency[at]
			want := -(psi[at+1]-psi[at-1])/(2*h) + 2*math.Pi*math.Sin(2*math.Pi*float64(j+1)*h)
			if math.Abs(image-want) > 1e-10 {
				t.Fatalf("at row %d, column %d: H f(p) is %v, want %v", j, i, image, want)
			}
		}
	}
}

func TestGyreAdvectionConservesEnergyAndEnstrophy(t *testing.T) {
	calm, moved := dynamics.NewGyre(), dynamics.NewGyre()
	calm.N, calm.Nonlinearity, calm.Viscosity = 17, 0, 0
	moved.N, moved.Nonlinearity, moved.Viscosity = 17, 1, 0
	n := 15
	psi := draw(n*n, "psi")
	without, with := make([]float64, n*n), make([]float64, n*n)
	built(t, calm).(*dynamics.ODE).Tendency(without, psi)
	built(t, moved).(*dynamics.ODE).Tendency(with, psi)
	// The advection is H^-1 of -J(p, q): its product with H q, and with H p, vanishes.
	advection := along(with, -1, without)
	helmholtz := func(x []float64) []float64 {
		at := func(j, i int) float64 {
			if j < 0 || i < 0 || j == n || i == n {
				return 0
			}
			return x[j*n+i]
		}
		y := make([]float64, n*n)
		for j := range n {
			for i := range n {
				y[j*n+i] = (at(j-1, i)+at(j+1, i)+at(j, i-1)+at(j, i+1)-4*at(j, i))*16*16 - 1600*at(j, i)
			}
		}
		return y
	}
	jacobian, q := helmholtz(advection), helmholtz(psi)
	scale := length(jacobian)
	if work := dot(psi, jacobian); math.Abs(work) > 1e-12*scale*length(psi) {
		t.Errorf("advection does work %g on the flow", work)
	}
	if work := dot(q, jacobian); math.Abs(work) > 1e-12*scale*length(q) {
		t.Errorf("advection changes enstrophy by %g", work)
	}
}

func TestWavesHaveTheLawTheyTell(t *testing.T) {
	p := dynamics.NewAdvection()
	p.N, p.Waves, p.Speed, p.Damping, p.Variance = 24, 3, 5, 0.6, 2
	m := built(t, p).(*dynamics.Waves)
	law := m.Law()
	// F P F^T + Q = P, and the variance is that asked for.
	var half, stationary mat.Dense
	half.Mul(law.Transition, law.Initial)
	stationary.Mul(&half, law.Transition.T())
	stationary.Add(&stationary, law.Noise)
	if !mat.EqualApprox(&stationary, law.Initial, 1e-13) || math.Abs(law.Initial.At(3, 3)-2) > 1e-13 {
		t.Error("the initial law is not stationary, or not of the variance asked for")
	}
	// Draws of a transition have the covariance of the noise.
	const draws = 20000
	x := make([]float64, 24)
	r := rng.Stream(1, "waves")
	var near, far float64
	for range draws {
		clear(x)
		m.Step(x, r)
		near += x[4] * x[5] / draws
		far += x[4] * x[16] / draws
	}
	for _, c := range []struct{ got, want float64 }{{near, law.Noise.At(4, 5)}, {far, law.Noise.At(4, 16)}} {
		if math.Abs(c.got-c.want) > 5*law.Noise.At(0, 0)/math.Sqrt(draws) {
			t.Errorf("a covariance of the noise is %v, want %v", c.got, c.want)
		}
	}
}

func TestNoiseOfAMapIsThatOfItsDensity(t *testing.T) {
	p := dynamics.NewIkeda()
	p.NoiseVariance = 0.04
	m := built(t, p).(*dynamics.Noisy)
	x := []float64{0.3, -0.7}
	mean, next := along(x, 0, x), along(x, 0, x)
	m.Flow(mean)
	m.Step(next, rng.Stream(1, "noise"))
	want := dynamics.LogGaussian(next, mean, []float64{0.2, 0.2})
	if got := m.LogTransition(x, next); math.Abs(got-want) > 1e-12 {
		t.Errorf("log density %v, want %v", got, want)
	}
}
