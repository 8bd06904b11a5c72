package lorenz_test

import (
	"math"
	"testing"

	"retrace/dynamics"
	"retrace/internal/rng"
	"retrace/lorenz"
)

func TestLorenz63FixedPointsStay(t *testing.T) {
	p := convection()
	m := build(t, p)
	a := math.Sqrt(p.Beta * (p.Rho - 1))
	for _, fixed := range [][]float64{{0, 0, 0}, {a, a, p.Rho - 1}, {-a, -a, p.Rho - 1}} {
		x := copied(fixed)
		m.Flow(x)
		if d := norm(shifted(x, -1, fixed)); d > 1e-13 {
			t.Errorf("%v moves by %g", fixed, d)
		}
	}
}

func TestLorenz63IsSymmetric(t *testing.T) {
	m := build(t, convection())
	x := state(m, 0)
	mirrored := []float64{-x[0], -x[1], x[2]}
	for range 100 {
		m.Flow(x)
		m.Flow(mirrored)
	}
	if mirrored[0] != -x[0] || mirrored[1] != -x[1] || mirrored[2] != x[2] {
		t.Errorf("flow of the mirror image is %v, mirror image of the flow of %v", mirrored, x)
	}
}

func TestLorenz63ContractsVolumeAtAConstantRate(t *testing.T) {
	p := convection()
	m := build(t, p)
	rate := -(p.Sigma + 1 + p.Beta)
	for index := range uint64(5) {
		x := state(m, index)
		var trace float64
		var columns [3][]float64
		for i := range columns {
			unit, image := make([]float64, 3), make([]float64, 3)
			unit[i] = 1
			m.Tangent(image, x, unit)
			trace += image[i]
			m.TangentLinear(x, unit)
			columns[i] = unit
		}
		if math.Abs(trace-rate) > 1e-12 {
			t.Errorf("divergence at %v is %v, want %v", x, trace, rate)
		}
		a, b, c := columns[0], columns[1], columns[2]
		volume := a[0]*(b[1]*c[2]-b[2]*c[1]) - a[1]*(b[0]*c[2]-b[2]*c[0]) + a[2]*(b[0]*c[1]-b[1]*c[0])
		if want := math.Exp(rate * p.Dt); math.Abs(volume/want-1) > 1e-3 {
			t.Errorf("volume at %v becomes %v, want %v", x, volume, want)
		}
	}
}

func TestLorenz63DefaultIsTheNoisySystemOfThePaper(t *testing.T) {
	m, err := lorenz.NewLorenz63().Build()
	if err != nil {
		t.Fatal(err)
	}
	noisy, ok := m.(*dynamics.Noisy)
	if !ok {
		t.Fatalf("%T has no noise", m)
	}
	if m.SpinUp() != 1024 || m.Clock().Interval != 0.025 {
		t.Errorf("spin-up %d, clock %v", m.SpinUp(), m.Clock())
	}
	for i, sd := range noisy.NoiseSd() {
		if math.Abs(sd*sd-0.025) > 1e-16 {
			t.Errorf("component %d has noise of sd %v", i, sd)
		}
	}
	// Expected log-density of 64 transitions, 192 (-log(2 pi e 0.025)/2) = 81.7.
	x, r := state(m, 0), rng.Stream(1, "transitions")
	const transitions = 20000
	var sum float64
	for range transitions {
		next := copied(x)
		m.Step(next, r)
		sum += noisy.LogTransition(x, next)
		x = next
	}
	want := -1.5 * math.Log(2*math.Pi*math.E*0.025)
	// A transition's log-density is a constant less half a chi-squared of 3.
	if z := (sum/transitions - want) / math.Sqrt(1.5/transitions); math.Abs(z) > 4 {
		t.Errorf("mean log-density is %v, want %v (%.1f standard errors)", sum/transitions, want, z)
	}
}

func TestLorenz63InitialLaw(t *testing.T) {
	m := build(t, convection())
	want := [3][3]float64{{64, 50, 0}, {50, 81, 0}, {0, 0, 75}}
	const draws = 40000
	var mean [3]float64
	var covariance [3][3]float64
	x := make([]float64, 3)
	for k := range uint64(draws) {
		m.Initial(x, rng.Stream(2, "initial", k))
		x[2] -= 25
		for i := range x {
			mean[i] += x[i] / draws
			for j := range x {
				covariance[i][j] += x[i] * x[j] / draws
			}
		}
	}
	for i := range want {
		if z := mean[i] / math.Sqrt(want[i][i]/draws); math.Abs(z) > 4 {
			t.Errorf("mean of component %d is %.1f standard errors off", i, z)
		}
		for j, c := range want[i] {
			sd := math.Sqrt((want[i][i]*want[j][j] + c*c) / draws)
			if z := (covariance[i][j] - c) / sd; math.Abs(z) > 4 {
				t.Errorf("covariance of %d and %d is %.1f standard errors off", i, j, z)
			}
		}
	}
}

func TestLorenz63LeadingLyapunovExponent(t *testing.T) {
	if !*long {
		t.Skip("slow statistical test; run with -long")
	}
	// 0.9056 (Sprott 2003, Chaos and Time-Series Analysis, table A.5).
	m := build(t, convection())
	x, v := state(m, 0), direction(m, 0)
	const intervals = 400_000
	var growth float64
	for range intervals {
		m.TangentLinear(x, v)
		m.Flow(x)
		length := norm(v)
		growth += math.Log(length)
		for i := range v {
			v[i] /= length
		}
	}
	if exponent := growth / (intervals * m.Clock().Interval); math.Abs(exponent-0.9056) > 0.02 {
		t.Errorf("leading Lyapunov exponent is %.4f, want 0.9056", exponent)
	}
}
