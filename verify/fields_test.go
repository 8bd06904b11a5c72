package verify_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"retrace/dynamics"
	"retrace/trajectory"
	"retrace/verify"
)

// coordinates is an axis of n points, periodic or not.
func coordinates(n int, step float64, periodic bool) dynamics.Axis {
	a := dynamics.Axis{Name: "x"}
	for i := range n {
		a.Coordinates = append(a.Coordinates, step*(float64(i)+0.5))
	}
	if periodic {
		a.Period = step * float64(n)
	}
	return a
}

// layered are states of two channels on a plane.
func layered(ny, nx int) dynamics.Space {
	return dynamics.Space{Variable: "flow", Axes: []dynamics.Axis{
		{Name: "channel", Labels: []string{"q", "u"}}, coordinates(ny, 1, true), coordinates(nx, 1, true),
	}}
}

func TestFieldsAreFoundInASpace(t *testing.T) {
	for name, c := range map[string]struct {
		axes     []dynamics.Axis
		ok       bool
		channels int
	}{
		"channels on a plane": {layered(8, 16).Axes, true, 2},
		"a plane":             {layered(8, 16).Axes[1:], true, 1},
		"a line":              {layered(8, 16).Axes[2:], true, 1},
		"components":          {[]dynamics.Axis{{Labels: []string{"x", "y", "z"}}}, false, 0},
		"a few numbers":       {[]dynamics.Axis{coordinates(3, 1, false)}, false, 0},
		"a volume":            {[]dynamics.Axis{coordinates(8, 1, false), coordinates(8, 1, false), coordinates(8, 1, false)}, false, 0},
		"nothing":             {nil, false, 0},
	} {
		f, ok := verify.FieldsOf(dynamics.Space{Variable: "v", Axes: c.axes})
		if ok != c.ok || ok && len(f.Channels) != c.channels {
			t.Errorf("%s: %v with %d channels", name, ok, len(f.Channels))
		}
	}
}

// stacked makes a sample of trajectories of a space, filled by value.
func stacked(t *testing.T, space dynamics.Space, members, length int, value func(i int) float64) *verify.Sample {
	t.Helper()
	set := trajectory.New(space, dynamics.Clock{Interval: 1}, []trajectory.Dimension{{Name: "member", Len: members}}, length)
	for i := range set.Data {
		set.Data[i] = float32(value(i))
	}
	s, err := verify.NewSample(set)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestChannelIsAPartOfEachState(t *testing.T) {
	space := layered(8, 8)
	f, _ := verify.FieldsOf(space)
	s := stacked(t, space, 3, 2, func(i int) float64 { return float64(i) })
	u := f.Channel(s, 1)
	if u.Members != 3 || u.Length != 2 || u.Size != 64 {
		t.Fatalf("%d members of %d states of %d values", u.Members, u.Length, u.Size)
	}
	for m := range 3 {
		for i, v := range u.Member(m) {
			want := float32((m*2+i/64)*128 + 64 + i%64)
			if v != want {
				t.Fatalf("member %d, value %d is %v, want %v", m, i, v, want)
			}
		}
	}
	if whole := u.Part(0, 64); whole != u {
		t.Error("all of a sample is another one")
	}
}

func TestCorrelationsHaveTheirClosedForms(t *testing.T) {
	space := layered(8, 8)
	r := rand.New(rand.NewPCG(1, 2))
	const n = 40 * 128
	y, noise := make([]float64, n), make([]float64, n)
	for i := range y {
		y[i], noise[i] = r.NormFloat64(), r.NormFloat64()
	}
	truth := stacked(t, space, 1, 40, func(i int) float64 { return 5 + y[i] })
	near := func(got, want, tolerance float64) {
		t.Helper()
		if !(math.Abs(got-want) <= tolerance) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	near(verify.Deviation(truth), 1, 0.02)
	same := stacked(t, space, 1, 40, func(i int) float64 { return 2*y[i] - 7 })
	near(verify.Correlation(same, truth), 1, 1e-6)
	opposite := stacked(t, space, 1, 40, func(i int) float64 { return -y[i] })
	near(verify.Correlation(opposite, truth), -1, 1e-6)
	blurred := stacked(t, space, 1, 40, func(i int) float64 { return y[i] + noise[i] })
	near(verify.Correlation(blurred, truth), 1/math.Sqrt2, 0.03)
	constant := stacked(t, space, 2, 40, func(int) float64 { return 3 })
	if got := verify.Correlation(constant, truth); !math.IsNaN(got) {
		t.Errorf("a constant correlates with %v", got)
	}
	// Of the anomalies from 5 the offset counts as well.
	climate := make([]float64, 128)
	for i := range climate {
		climate[i] = 5
	}
	shifted := stacked(t, space, 1, 40, func(i int) float64 { return 6 + y[i] })
	near(verify.AnomalyCorrelation(shifted, truth, climate), 1/math.Sqrt2, 0.03)
	if got := verify.AnomalyCorrelation(stacked(t, space, 2, 40, func(int) float64 { return 5 }), truth, climate); !math.IsNaN(got) {
		t.Errorf("no anomaly correlates with %v", got)
	}
}

func TestSpectrometerFindsAWaveInItsRing(t *testing.T) {
	for name, c := range map[string]struct {
		axes    []dynamics.Axis
		wave    func(i int) float64
		ring    int
		nyquist int
	}{
		"along a line": {[]dynamics.Axis{coordinates(32, 1, true)}, func(i int) float64 { return math.Cos(2 * math.Pi * 5 * float64(i) / 32) }, 5, 16},
		"on a square":  {layered(16, 16).Axes[1:], func(i int) float64 { return math.Cos(2 * math.Pi * (3*float64(i%16) + 4*float64(i/16)) / 16) }, 5, 8},
		// Two cycles in the shorter side are as many as four in the longer one.
		"on an oblong": {layered(8, 16).Axes[1:], func(i int) float64 { return math.Cos(2 * math.Pi * 2 * float64(i/16) / 8) }, 4, 8},
		"on coarser columns": {[]dynamics.Axis{coordinates(16, 1, true), coordinates(8, 2, true)},
			func(i int) float64 { return math.Cos(2 * math.Pi * 3 * float64(i%8) / 8) }, 3, 4},
	} {
		s := verify.NewSpectrometer(c.axes)
		n := 1
		for _, a := range c.axes {
			n *= a.Len()
		}
		field := make([]float32, n)
		for i := range field {
			field[i] = float32(2 * c.wave(i))
		}
		power := s.Power(nil, field, 1)
		if s.Nyquist() != c.nyquist || len(power) != c.nyquist+1 {
			t.Errorf("%s: Nyquist %d, %d rings", name, s.Nyquist(), len(power))
		}
		for ring, p := range power {
			want := 0.0
			if ring == c.ring {
				want = 2 // half the squared amplitude
			}
			if math.Abs(p-want) > 1e-6 {
				t.Errorf("%s: %v in ring %d, want %v", name, p, ring, want)
			}
		}
	}
}

func TestSpectrometerAgreesWithSpectrumAndKeepsVariance(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	field := make([]float32, 32*32)
	for i := range field {
		field[i] = float32(r.NormFloat64())
	}
	periodic := verify.NewSpectrometer(layered(32, 32).Axes[1:])
	for ring, p := range verify.Spectrum(field, 32, 32) {
		if got := periodic.Power(nil, field, 0.5); math.Abs(got[ring]-p/2) > 1e-9 {
			t.Fatalf("ring %d: %v, want %v", ring, got[ring], p/2)
		}
	}
	// A window changes single values and not, on average, the variance.
	ends := verify.NewSpectrometer([]dynamics.Axis{coordinates(32, 1, false), coordinates(32, 1, false)})
	var windowed, whole float64
	for range 40 {
		for i := range field {
			field[i] = float32(r.NormFloat64())
		}
		a, b := ends.Power(nil, field, 1), periodic.Power(nil, field, 1)
		for ring := 1; ring < len(a); ring++ {
			windowed, whole = windowed+a[ring], whole+b[ring]
		}
	}
	if ratio := windowed / whole; math.Abs(ratio-1) > 0.05 {
		t.Errorf("the window changes the variance by a factor of %v", ratio)
	}
	// A ramp, whose ends do not meet, has little in the small scales behind a window.
	for i := range field {
		field[i] = float32(i % 32)
	}
	low, high := ends.Bands()
	sum := func(power []float64, b verify.Band) (total float64) {
		for k := b.First; k <= b.Last; k++ {
			total += power[k]
		}
		return total
	}
	if a, b := ends.Power(nil, field, 1), periodic.Power(nil, field, 1); sum(a, high)/sum(a, low) > 0.01*sum(b, high)/sum(b, low) {
		t.Errorf("small scales of a ramp: %.2g with a window, %.2g without", sum(a, high)/sum(a, low), sum(b, high)/sum(b, low))
	}
}
