package dynamics_test

import (
	"math"
	"testing"

	"retrace/dynamics"
	"retrace/internal/rng"
)

var (
	clock = dynamics.Clock{Interval: 0.2, Units: "1"}

	_ dynamics.AdditiveNoise     = (*dynamics.ODE)(nil)
	_ dynamics.Linearisable      = (*dynamics.ODE)(nil)
	_ dynamics.AdditiveNoise     = (*dynamics.Noisy)(nil)
	_ dynamics.Linearisable      = (*dynamics.Noisy)(nil)
	_ dynamics.TransitionDensity = (*dynamics.Noisy)(nil)
)

func TestOnlyANoisySystemHasADensity(t *testing.T) {
	ode := dynamics.NewODE(tumbling, clock, 2, 7)
	if _, ok := any(ode).(dynamics.TransitionDensity); ok {
		t.Error("a deterministic system offers a density")
	}
	if ode.SpinUp() != 7 || ode.Clock() != clock || ode.Space().Size() != 3 {
		t.Error("description is lost")
	}
	x := draw(3, "state")
	y := append([]float64(nil), x...)
	ode.Step(x, nil)
	ode.Flow(y)
	if distance(x, y) != 0 || distance(ode.NoiseSd(), make([]float64, 3)) != 0 {
		t.Error("a deterministic system steps unlike its flow")
	}
}

func TestNoisyStepIsFlowPlusNoise(t *testing.T) {
	sd := []float64{0.1, 0.2, 3}
	noisy := dynamics.NewODE(tumbling, clock, 2, 0).WithNoise(sd)
	x := draw(3, "state")
	flowed := append([]float64(nil), x...)
	noisy.Flow(flowed)

	const draws = 20000
	var sum, squares, product [3]float64
	for k := range uint64(draws) {
		y := append([]float64(nil), x...)
		noisy.Step(y, rng.Stream(1, "noise", k))
		var z [3]float64
		for i := range y {
			z[i] = (y[i] - flowed[i]) / sd[i]
			sum[i] += z[i]
			squares[i] += z[i] * z[i]
		}
		for i := range z {
			product[i] += z[i] * z[(i+1)%3]
		}
	}
	for i := range sd {
		if z := sum[i] / math.Sqrt(draws); math.Abs(z) > 4 {
			t.Errorf("component %d: mean of noise is %.1f standard errors off", i, z)
		}
		if z := (squares[i]/draws - 1) * math.Sqrt(draws/2); math.Abs(z) > 4 {
			t.Errorf("component %d: variance of noise is %.1f standard errors off", i, z)
		}
		if z := product[i] / math.Sqrt(draws); math.Abs(z) > 4 {
			t.Errorf("components %d and %d of the noise are correlated, %.1f standard errors", i, (i+1)%3, z)
		}
	}
}

func TestLogTransitionIsTheGaussianDensity(t *testing.T) {
	sd := []float64{0.1, 0.2, 3}
	noisy := dynamics.NewODE(tumbling, clock, 2, 0).WithNoise(sd)
	x, next := draw(3, "state"), draw(3, "next")
	flowed := append([]float64(nil), x...)
	noisy.Flow(flowed)
	want := 1.0
	for i, s := range sd {
		z := (next[i] - flowed[i]) / s
		want *= math.Exp(-z*z/2) / (s * math.Sqrt(2*math.Pi))
	}
	if got := noisy.LogTransition(x, next); math.Abs(got-math.Log(want)) > 1e-12*math.Abs(got) {
		t.Errorf("log-density is %v, want %v", got, math.Log(want))
	}
}

func TestLogGaussianAddsComponents(t *testing.T) {
	x, mean, sd := []float64{1, -2}, []float64{0.5, 1}, []float64{2, 0.3}
	whole := dynamics.LogGaussian(x, mean, sd)
	parts := dynamics.LogGaussian(x[:1], mean[:1], sd[:1]) + dynamics.LogGaussian(x[1:], mean[1:], sd[1:])
	if math.Abs(whole-parts) > 1e-14 {
		t.Errorf("%v together, %v apart", whole, parts)
	}
	if got := dynamics.LogGaussian(x, mean, []float64{2, 0}); !math.IsInf(got, -1) {
		t.Errorf("a component without noise gives %v", got)
	}
	// The standard normal at its mode.
	if got := dynamics.LogGaussian([]float64{0}, []float64{0}, []float64{1}); math.Abs(got+0.9189385332046727) > 1e-15 {
		t.Errorf("standard normal at zero gives %v", got)
	}
}

func TestODEIsSharedSafelyAndDoesNotAllocate(t *testing.T) {
	noisy := dynamics.NewODE(tumbling, clock, 2, 0).WithNoise([]float64{0.1, 0.2, 0.3})
	checkConcurrent(t, func(worker uint64) []float64 {
		x, dx := draw(3, "state", worker), draw(3, "perturbation", worker)
		noisy.TangentLinear(x, dx)
		noisy.Adjoint(x, dx)
		dx = append(dx, noisy.LogTransition(x, dx))
		noisy.Step(x, rng.Stream(1, "noise", worker))
		return append(x, dx...)
	})
	x, dx, r := draw(3, "state"), draw(3, "perturbation"), rng.Stream(1, "noise")
	var sink float64
	for what, f := range map[string]func(){
		"Step":          func() { noisy.Step(x, r) },
		"LogTransition": func() { sink += noisy.LogTransition(x, x) },
		"TangentLinear": func() { noisy.TangentLinear(x, dx) },
		"Adjoint":       func() { noisy.Adjoint(x, dx) },
	} {
		checkNoAllocation(t, what, f)
	}
}

func TestNoiseMustBePositive(t *testing.T) {
	for _, sd := range [][]float64{{1, 1, 0}, {1, math.NaN(), 1}, {1, 1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("sd %v: no panic", sd)
				}
			}()
			dynamics.NewODE(tumbling, clock, 2, 0).WithNoise(sd)
		}()
	}
}
