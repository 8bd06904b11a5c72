package dynamics_test

import (
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/dynamics"
	"retrace/internal/fault"
)

func TestAR1HasTheAutocovarianceOfItsDefinition(t *testing.T) {
	m, err := (&dynamics.AR1{N: 2, Rho: 0.9, Variance: 3}).Build()
	if err != nil {
		t.Fatal(err)
	}
	const length = 33
	_, covariance := m.(gaussian).Moments(length)
	for lag := range length {
		for i := range 2 {
			for j := range 2 {
				want := 0.0
				if i == j {
					want = 3 * math.Pow(0.9, float64(lag))
				}
				if got := covariance.At(2*lag+i, j); math.Abs(got-want) > 1e-14 {
					t.Errorf("lag %d, components %d and %d: covariance %v, want %v", lag, i, j, got, want)
				}
			}
		}
	}
}

func TestAdvectionCarriesTheFieldAlong(t *testing.T) {
	for _, speed := range []int{0, 1, 3, -1, -7, 23} {
		m, err := (&dynamics.Advection{N: 10, Speed: speed, Damping: 0.5, Variance: 1, Length: 2}).Build()
		if err != nil {
			t.Fatal(err)
		}
		x := draw(10, "state")
		moved := append([]float64(nil), x...)
		m.(dynamics.Linearisable).TangentLinear(nil, moved)
		for i, v := range x {
			to := ((i+speed)%10 + 10) % 10
			if moved[to] != v/2 {
				t.Errorf("speed %d: point %d does not arrive at %d", speed, i, to)
			}
		}
	}
}

func TestAdvectionNoiseIsHomogeneousWithTheLengthAskedFor(t *testing.T) {
	m, err := (&dynamics.Advection{N: 60, Speed: 1, Damping: 0.98, Variance: 2, Length: 6}).Build()
	if err != nil {
		t.Fatal(err)
	}
	c := m.(gaussian).Law().Initial
	for i := range 60 {
		for j := range 60 {
			if math.Abs(c.At(i, j)-c.At((i+17)%60, (j+17)%60)) > 1e-13 {
				t.Fatalf("covariance of %d and %d changes under a shift", i, j)
			}
		}
	}
	// Far from the antipode the chord is the distance along the ring.
	want := 2 * (1 + math.Sqrt(3)) * math.Exp(-math.Sqrt(3))
	if got := c.At(0, 6); math.Abs(got/want-1) > 0.02 {
		t.Errorf("covariance at the correlation length is %v, want about %v", got, want)
	}
}

func TestDampedSpringIsTheExactSolution(t *testing.T) {
	const w, c, dt = 2.0, 0.3, 0.7
	m, err := (&dynamics.DampedSpring{Frequency: w, Damping: c, Variance: 1.5, Dt: dt}).Build()
	if err != nil {
		t.Fatal(err)
	}
	// The underdamped oscillator from unit position, and from unit velocity.
	damped := w * math.Sqrt(1-c*c)
	decay, cos, sin := math.Exp(-c*w*dt), math.Cos(damped*dt), math.Sin(damped*dt)
	want := mat.NewDense(2, 2, []float64{
		decay * (cos + c*w/damped*sin), decay * sin / damped,
		-decay * w * w / damped * sin, decay * (cos - c*w/damped*sin),
	})
	law := m.(gaussian).Law()
	if !mat.EqualApprox(law.Transition, want, 1e-13) {
		t.Errorf("transition is\n%v, want\n%v", mat.Formatted(law.Transition), mat.Formatted(want))
	}
	// Q = P - F P F^T, since P is stationary.
	p := mat.NewDiagDense(2, []float64{1.5, 1.5 * w * w})
	var half, q mat.Dense
	half.Mul(want, p)
	q.Mul(&half, want.T())
	q.Sub(p, &q)
	if !mat.EqualApprox(law.Noise, &q, 1e-13) {
		t.Errorf("noise is\n%v, want\n%v", mat.Formatted(law.Noise), mat.Formatted(&q))
	}
}

func TestDampedSpringNoiseIsAccurateForShortIntervals(t *testing.T) {
	// To leading order Q = s^2 [dt^3/3, dt^2/2; dt^2/2, dt].
	const w, c, dt = 1.0, 0.1, 1e-3
	m, err := (&dynamics.DampedSpring{Frequency: w, Damping: c, Variance: 1, Dt: dt}).Build()
	if err != nil {
		t.Fatal(err)
	}
	s2 := 4 * c * w * w * w
	q := m.(gaussian).Law().Noise
	for _, e := range []struct {
		i, j int
		want float64
	}{{0, 0, s2 * dt * dt * dt / 3}, {0, 1, s2 * dt * dt / 2}, {1, 1, s2 * dt}} {
		if got := q.At(e.i, e.j); math.Abs(got/e.want-1) > 1e-3 {
			t.Errorf("Q[%d,%d] is %v, want about %v", e.i, e.j, got, e.want)
		}
	}
}

func TestDampedSpringIntervalsCompose(t *testing.T) {
	// Two intervals of dt/2 are one of dt, also when dt is many periods.
	for _, p := range []dynamics.DampedSpring{
		{Frequency: 1, Damping: 0.1, Variance: 1, Dt: 0.1},
		{Frequency: 1e3, Damping: 1e-3, Variance: 1e12, Dt: 1},
		{Frequency: 1e3, Damping: 1e3, Variance: 1e-12, Dt: 1e3},
		{Frequency: 1e-3, Damping: 1, Variance: 1, Dt: 1e-3},
	} {
		whole, err := p.Build()
		if err != nil {
			t.Fatalf("%+v: %v", p, err)
		}
		p.Dt /= 2
		if p.Dt < 1e-3 {
			p.Dt = 1e-3
			continue
		}
		half, err := p.Build()
		if err != nil {
			t.Fatalf("%+v: %v", p, err)
		}
		_, one := whole.(gaussian).Moments(2)
		_, two := half.(gaussian).Moments(3)
		for i := range 2 {
			for j := range 2 {
				scale := math.Sqrt(one.At(i, i) * one.At(j, j))
				if got, want := two.At(4+i, j)/scale, one.At(2+i, j)/scale; math.Abs(got-want) > 1e-8 {
					t.Errorf("%+v: covariance [%d,%d] over an interval is %v, over two halves %v", p, i, j, want, got)
				}
			}
		}
	}
}

func TestBadParametersAreInputErrorsThatNameTheKey(t *testing.T) {
	for _, c := range []struct {
		builder dynamics.Builder
		want    string
	}{
		{&dynamics.AR1{N: 0, Rho: 0.9, Variance: 1}, "n = 0: must be between 1 and 2000"},
		{&dynamics.AR1{N: 1, Rho: 1, Variance: 1}, "rho = 1: must be between -0.999999 and 0.999999"},
		{&dynamics.AR1{N: 1, Rho: math.NaN(), Variance: 1}, "rho = NaN"},
		{&dynamics.AR1{N: 1, Rho: 0, Variance: math.Inf(1)}, "variance = +Inf"},
		{&dynamics.DampedSpring{Frequency: -1, Damping: 1, Variance: 1, Dt: 1}, "frequency = -1"},
		{&dynamics.DampedSpring{Frequency: 1, Damping: 1, Variance: 1}, "dt = 0"},
		{&dynamics.Advection{N: 1, Damping: 0.9, Variance: 1}, "n = 1"},
		{&dynamics.Advection{N: 5, Damping: 1, Variance: 1}, "damping = 1"},
		{&dynamics.Advection{N: 5, Damping: 0.9, Variance: 1, Length: -1}, "length = -1"},
		{&dynamics.Advection{N: 6, Damping: 0.9, Variance: 1, Waves: 3}, "waves = 3: 6 points resolve 2 waves at most"},
		{&dynamics.RandomWalk{N: 1, Variance: 0, InitialVariance: 1}, "variance = 0"},
		{&dynamics.KuramotoSivashinsky{N: 9, Length: 22, Dt: 1, Steps: 1}, "n = 9: must be even"},
		{&dynamics.KuramotoSivashinsky{N: 16, Length: 22, Dt: 3, Steps: 1}, "set steps to at least 3"},
		{&dynamics.DoublePendulum{Mass1: 1, Mass2: 1, Length1: 1, Length2: 1, Dt: 0.2, Steps: 1}, "set steps to at least 4"},
		{&dynamics.LotkaVolterra{Dt: 1}, "steps = 0"},
		{&dynamics.Ikeda{U: 1}, "u = 1: must be between 0 and 0.99"},
		{&dynamics.Gyre{N: 8, Dt: 5, Steps: 4}, "n = 8: must be between 9 and 2049"},
	} {
		_, err := c.builder.Build()
		if err == nil || !strings.Contains(err.Error(), c.want) || !fault.IsInput(err) {
			t.Errorf("%+v: error is %v, want an input error with %q", c.builder, err, c.want)
		}
	}
}

func TestExtremeParametersAreAccepted(t *testing.T) {
	for _, builder := range []dynamics.Builder{
		&dynamics.AR1{N: 1, Rho: -0.999999, Variance: 1e-12},
		&dynamics.DampedSpring{Frequency: 1e3, Damping: 1e3, Variance: 1e12, Dt: 1e3},
		&dynamics.DampedSpring{Frequency: 1e-3, Damping: 1e-3, Variance: 1e-12, Dt: 1e-3},
		&dynamics.DampedSpring{Frequency: 1e3, Damping: 1e-3, Variance: 1, Dt: 1e3},
		&dynamics.DampedSpring{Frequency: 1e-3, Damping: 1e3, Variance: 1, Dt: 1e3},
		&dynamics.Advection{N: 2, Speed: 2000, Damping: 0, Variance: 1e12},
		&dynamics.Advection{N: 200, Speed: 1, Damping: 0.999999, Variance: 1, Length: 500},
	} {
		m, err := builder.Build()
		if err != nil {
			t.Errorf("%+v: %v", builder, err)
			continue
		}
		for _, v := range simulate(m, 10, 0) {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Errorf("%+v: state is not finite", builder)
				break
			}
		}
	}
}
