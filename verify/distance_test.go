package verify_test

import (
	"math"
	"testing"

	"retrace/internal/rng"
	"retrace/verify"
)

func TestSlicedWassersteinOfAShiftIsItsMeanProjection(t *testing.T) {
	// In n dimensions E|t_1| of a unit vector is Gamma(n/2)/(sqrt(pi) Gamma((n+1)/2)).
	r := rng.Stream(1, "test")
	a := sample(t, 30, 4, 1, normal(r, 0, 1))
	shifted := make([][]float64, 30)
	for m := range shifted {
		for i, x := range a.Member(m) {
			shift := 0.
			if i == 0 {
				shift = 8
			}
			shifted[m] = append(shifted[m], float64(x)+shift)
		}
	}
	want := 8 * math.Gamma(2) / (math.Sqrt(math.Pi) * math.Gamma(2.5))
	near(t, "distance", verify.SlicedWasserstein(a, fixed(t, shifted...), 4000, 1), want, 0.1)
}

func TestSlicedWassersteinInOneDimensionIsExact(t *testing.T) {
	a, b := fixed(t, []float64{0}, []float64{1}, []float64{5}), fixed(t, []float64{1}, []float64{1}, []float64{4})
	near(t, "distance", verify.SlicedWasserstein(a, b, 3, 1), 2./3, 1e-12)
	c := fixed(t, []float64{0}, []float64{6})
	near(t, "distance of unequal sizes", verify.SlicedWasserstein(a, c, 1, 1), (2./6*0+1./6*1+1./6*5+1./3*1)/1, 1e-12)
}

func TestSinkhornLiesBetweenTransportAndEnergyDistance(t *testing.T) {
	r := rng.Stream(2, "test")
	a, b := sample(t, 40, 2, 1, normal(r, 0, 1)), sample(t, 40, 2, 1, normal(r, 1, 1))
	near(t, "little blur", verify.Sinkhorn(a, b, 0.002), verify.Wasserstein(a, b).Distance, 0.01)
	energy := func(x, y *verify.Sample) (sum float64) {
		for i := range x.Members {
			for j := range y.Members {
				u, v := x.Member(i), y.Member(j)
				sum += math.Hypot(float64(u[0]-v[0]), float64(u[1]-v[1])) / float64(x.Members*y.Members)
			}
		}
		return sum
	}
	near(t, "much blur", verify.Sinkhorn(a, b, 1e4), energy(a, b)-energy(a, a)/2-energy(b, b)/2, 1e-3)
	near(t, "of a sample to itself", verify.Sinkhorn(a, a, 0.1), 0, 1e-9)
}

func TestFloorsAreAboutReachedBySamplesOfOneLaw(t *testing.T) {
	r := rng.Stream(3, "test")
	draw := func(sd float64) *verify.Sample { return sample(t, 200, 2, 1, normal(r, 0, sd)) }
	reference, again := draw(1), draw(1)
	sliced := func(a, b *verify.Sample) float64 { return verify.SlicedWasserstein(a, b, 50, 1) }
	if f := verify.WithFloor(sliced, draw(1), reference, again); f.Ratio() > 2 {
		t.Errorf("the same law is %v floors away", f.Ratio())
	}
	if f := verify.WithFloor(sliced, draw(2), reference, again); f.Ratio() < 3 {
		t.Errorf("twice the spread is only %v floors away", f.Ratio())
	}
}

func TestMMDIsItsDefinition(t *testing.T) {
	a, b := fixed(t, []float64{0}, []float64{1}), fixed(t, []float64{3}, []float64{4})
	// The distances of the pool are 1, 3, 4, 2, 3, 1: median 2.5.
	k := func(d float64) (sum float64) {
		for _, h := range []float64{0.25, 0.5, 1, 2, 4} {
			sum += math.Exp(-d*d/(2.5*2.5)/(2*h*h)) / 5
		}
		return sum
	}
	near(t, "MMD^2", verify.MMD(a, b, 0, 1).Statistic, k(1)+k(1)-2*(k(3)+k(4)+k(2)+k(3))/4, 1e-12)
}

func TestDistanceTestsHoldTheirLevelAndFindADefect(t *testing.T) {
	for name, c := range map[string]struct {
		test  func(a, b *verify.Sample, seed int64) verify.Check
		spoil func(x float64) float64
	}{
		"MMD finds a shift": {func(a, b *verify.Sample, seed int64) verify.Check { return verify.MMD(a, b, 99, seed) },
			func(x float64) float64 { return x + 1 }},
		"PQMass finds a missing mode": {func(a, b *verify.Sample, seed int64) verify.Check { return verify.PQMass(a, b, 10, 99, seed) },
			math.Abs},
	} {
		const repeats = 60
		alarms, caught := 0, 0
		for k := range uint64(repeats) {
			r := rng.Stream(4, "test", k)
			modes := func() float64 { return 3*math.Copysign(1, r.Float64()-0.5) + r.NormFloat64() }
			a, b := sample(t, 60, 1, 1, modes), sample(t, 60, 1, 1, modes)
			wrong := sample(t, 60, 1, 1, func() float64 { return c.spoil(modes()) })
			if c.test(a, b, int64(k)).Fails(0.05) {
				alarms++
			}
			if c.test(a, wrong, int64(k)).Fails(0.05) {
				caught++
			}
		}
		if alarms > 9 { // P(more) = 0.002 at 5 %
			t.Errorf("%s: %d false alarms in %d", name, alarms, repeats)
		}
		if name == "PQMass finds a missing mode" && caught < 57 {
			t.Errorf("%s: %d of %d", name, caught, repeats)
		}
		if name == "MMD finds a shift" && caught < 20 {
			t.Errorf("%s: %d of %d", name, caught, repeats)
		}
	}
}

func TestSpectrumOfAWaveIsOneLine(t *testing.T) {
	const ny, nx = 16, 16
	field := make([]float32, ny*nx)
	for i := range field {
		field[i] = float32(3 + 2*math.Cos(2*math.Pi*float64(3*(i%nx)+4*(i/nx))/nx))
	}
	power := verify.Spectrum(field, ny, nx)
	for k, p := range power {
		want := map[int]float64{0: 9, 5: 2}[k] // mean squared; amplitude^2/2 at |(3, 4)|
		near(t, "power", p, want, 1e-6)
	}
	if bands := verify.Octaves(8); len(bands) != 4 || bands[2] != (verify.Band{First: 4, Last: 7}) {
		t.Errorf("octaves are %v", bands)
	}
	half := make([]float64, len(power))
	for k, p := range power {
		half[k] = p / 2
	}
	near(t, "ratio", verify.BandRatios(half, power, []verify.Band{{First: 4, Last: 7}})[0], 0.5, 1e-12)
}

func TestOnePointLawsOfScaledValues(t *testing.T) {
	r := rng.Stream(6, "test")
	truth, members := make([]float32, 40000), make([]float32, 40000)
	for i := range truth {
		truth[i], members[i] = float32(r.NormFloat64()), float32(1+0.5*r.NormFloat64())
	}
	c := verify.CompareValues(members, truth)
	near(t, "mean", c.Mean, 1, 0.03)
	near(t, "sd", c.Sd, 0.5, 0.02)
	near(t, "kurtosis", c.Kurtosis[1], 3, 0.2)
	near(t, "skewness", c.Skewness[0], 0, 0.1)
	near(t, "distance to itself", verify.CompareValues(truth, truth).Transport, 0, 1e-12)
}
