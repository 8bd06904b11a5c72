package qg_test

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/rng"
	"retrace/qg"
)

var six = []string{"q1", "u1", "v1", "q2", "u2", "v2"}

// small are parameters that make a day a few quick steps.
func small(nx, ny int, channels ...string) *qg.TwoLayer {
	p := qg.New("eddy")
	p.Nx, p.Ny = nx, ny
	p.LengthX, p.LengthY = 1e6*float64(nx)/64, 1e6*float64(ny)/64
	p.Dt = 14400
	if channels != nil {
		p.Channels = channels
	}
	return p
}

func TestTranslationCommutesWithTime(t *testing.T) {
	m := build(t, small(32, 48))
	x := make([]float64, m.Space().Size())
	m.Initial(x, rng.Stream(1, "start"))
	moved := make([]float64, len(x))
	shift := qg.Symmetry{North: 5, East: -7}
	m.Transform(moved, x, shift)
	a, b := m.Continue(x), m.Continue(moved)
	for range 17 { // 102 steps
		advance(t, a)
		advance(t, b)
	}
	a.State(x)
	b.State(moved)
	want := make([]float64, len(x))
	m.Transform(want, x, shift)
	if off := distance(moved, want); off > 1e-13*largest(want) {
		t.Errorf("a shifted start ends %.2g of the maximum off", off/largest(want))
	}
}

func advance(t testing.TB, s dynamics.Stepper) {
	t.Helper()
	if err := s.Advance(nil); err != nil {
		t.Fatal(err)
	}
}

func TestReflectionWithSignsCommutesWithTime(t *testing.T) {
	p := small(32, 32, "q1", "u1", "v1", "psi1", "q2", "u2", "v2", "psi2")
	p.WindStress, p.Coarsen, p.Nx, p.Ny = 0.1, 2, 64, 64
	m := build(t, p)
	r := rng.Stream(4, "symmetry")
	reflected := 0
	for range 8 {
		symmetry := m.DrawSymmetry(r)
		if symmetry.North != 0 {
			t.Fatal("a shift along the wind's variation is no symmetry")
		}
		if !symmetry.Reflect {
			continue
		}
		reflected++
		a := m.Begin(rng.Stream(1, "start"))
		x, moved, want := make([]float64, m.Space().Size()), make([]float64, m.Space().Size()), make([]float64, m.Space().Size())
		for range 3 {
			advance(t, a)
		}
		a.State(x)
		m.Transform(moved, x, symmetry)
		m.Step(x, nil)
		m.Step(moved, nil)
		m.Transform(want, x, symmetry)
		n := len(x) / 8
		for c := range 8 {
			if off := distance(moved[c*n:(c+1)*n], want[c*n:(c+1)*n]); off > 1e-12*largest(want[c*n:(c+1)*n]) {
				t.Errorf("channel %d of a reflected state ends %.2g off", c, off)
			}
		}
		plain := slices.Clone(want[:n])
		for i := range plain {
			plain[i] = -plain[i]
		}
		if distance(plain, want[:n]) < largest(want[:n]) {
			t.Error("the sign of potential vorticity does not matter")
		}
		single, singleMoved := make([]float32, len(x)), make([]float32, len(x))
		for i, v := range x {
			single[i] = float32(v)
		}
		m.Transform32(singleMoved, single, symmetry)
		for i, v := range want {
			if singleMoved[i] != float32(v) {
				t.Fatal("the image in single precision is another")
			}
		}
	}
	if reflected == 0 {
		t.Error("no draw reflects")
	}
}

func TestResumedTrajectoryHasTheSameBits(t *testing.T) {
	m := build(t, small(32, 32))
	whole := m.Begin(rng.Stream(1, "start")).(*qg.Simulation)
	for _, at := range []int{0, 1, 2, 50} {
		for whole.Steps() < at {
			whole.Step(nil)
		}
		b, err := whole.Checkpoint().MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var c qg.Checkpoint
		if err := c.UnmarshalBinary(b); err != nil {
			t.Fatal(err)
		}
		resumed, err := m.Restore(&c)
		if err != nil || resumed.Steps() != at {
			t.Fatalf("%v, %d steps", err, resumed.Steps())
		}
		other := m.Begin(rng.Stream(1, "start")).(*qg.Simulation)
		for other.Steps() < at+50 {
			other.Step(nil)
		}
		for range 50 {
			resumed.Step(nil)
		}
		if !slices.Equal(pvOf(m, resumed), pvOf(m, other)) {
			t.Errorf("resumed after %d steps, a trajectory has other bits", at)
		}
	}
	if _, err := build(t, small(32, 64)).Restore(whole.Checkpoint()); !fault.IsInput(err) {
		t.Errorf("a checkpoint of another grid: %v", err)
	}
}

func FuzzCheckpoint(f *testing.F) {
	m := build(f, small(8, 8))
	good, _ := m.Begin(rng.Stream(1, "start")).(*qg.Simulation).Checkpoint().MarshalBinary()
	f.Add(good)
	f.Add(good[:len(good)-9])
	f.Add([]byte("retrace two-layer checkpoint 1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var c qg.Checkpoint
		if err := c.UnmarshalBinary(b); err != nil {
			if !errors.Is(err, qg.ErrCheckpoint) || !fault.IsInput(err) {
				t.Errorf("%v", err)
			}
			return
		}
		again, _ := c.MarshalBinary()
		if !bytes.Equal(again, b) {
			t.Error("what was read is written differently")
		}
		if s, err := m.Restore(&c); err == nil {
			s.Step(nil)
		}
	})
}

// TestStepIsCloseToTheTrajectory: restarts keep the third order of the scheme,
// but for what the filter does to the smallest scales (where it is of second).
func TestStepIsCloseToTheTrajectory(t *testing.T) {
	off := map[float64]float64{}
	for _, dt := range []float64{7200, 3600} {
		p := small(64, 64)
		p.Dt, p.Filter, p.Truncate = dt, 0, true
		m := build(t, p)
		s := m.Begin(rng.Stream(1, "start"))
		for range 10 {
			advance(t, s)
		}
		x := make([]float64, m.Space().Size())
		s.State(x)
		y := slices.Clone(x)
		for range 4 {
			advance(t, s)
			m.Step(y, nil)
		}
		s.State(x)
		off[dt] = distance(x, y) / largest(x)
	}
	if off[7200] > 1e-3 || off[3600] > off[7200]/6 || off[3600] == 0 {
		t.Errorf("four steps end %.2g and %.2g of the maximum from the trajectory", off[7200], off[3600])
	}
}

// TestCoarseStatesGoBackAndForth: a smooth field is known from its block means.
func TestCoarseStatesGoBackAndForth(t *testing.T) {
	for _, coarsen := range []int{1, 2, 3} {
		p := small(48, 96, six...)
		p.LengthX, p.LengthY, p.Coarsen = p.LengthX/2, p.LengthY/2, coarsen
		m := build(t, p)
		x := make([]float64, m.Space().Size())
		m.Initial(x, rng.Stream(1, "start"))
		q := make([]float64, 2*48*96)
		m.PV(q, x)
		y := make([]float64, len(x))
		m.Start(q).State(y)
		n := len(x) / 6
		for c, name := range six {
			// The coarse Nyquist wavenumber, which does not come back, is weak.
			if off := distance(x[c*n:(c+1)*n], y[c*n:(c+1)*n]); off > 2e-3*largest(x) && off > 1e-3*largest(x[c*n:(c+1)*n]) {
				t.Errorf("coarsened by %d, %s comes back %.2g off", coarsen, name, off/largest(x[c*n:(c+1)*n]))
			}
		}
	}
}

func TestStatesAreBlockMeansOfTheFields(t *testing.T) {
	p := small(32, 32, "v2", "q2", "psi1", "q1")
	p.Coarsen = 2
	m := build(t, p)
	s := m.Begin(rng.Stream(1, "start")).(*qg.Simulation)
	for range 9 {
		s.Step(nil)
	}
	q := pvOf(m, s)
	f := m.Fields(q)
	x := make([]float64, m.Space().Size())
	s.State(x)
	for c, field := range [][]float64{f.V[1], f.PV[1], f.Psi[0], f.PV[0]} {
		for y := range 16 {
			for xx := range 16 {
				i := 2*y*32 + 2*xx
				want := (field[i] + field[i+1] + field[i+32] + field[i+33]) / 4
				if got := x[(c*16+y)*16+xx]; math.Abs(got-want) > 1e-13*largest(field) {
					t.Fatalf("channel %d at (%d,%d) is %g, want %g", c, y, xx, got, want)
				}
			}
		}
	}
	// Looking does not change the trajectory.
	s.Step(nil)
	again := m.Begin(rng.Stream(1, "start")).(*qg.Simulation)
	for range 10 {
		again.Step(nil)
	}
	if !slices.Equal(pvOf(m, s), pvOf(m, again)) {
		t.Error("State changes what comes after it")
	}
}

// TestDerivativesAreExact compares with finite differences and checks the
// transpose, with every term switched on.
func TestDerivativesAreExact(t *testing.T) {
	for name, change := range map[string]func(p *qg.TwoLayer){
		"plain":         func(*qg.TwoLayer) {},
		"one step":      func(p *qg.TwoLayer) { p.Interval = p.Dt },
		"six, coarse":   func(p *qg.TwoLayer) { p.Channels, p.Coarsen = six, 2 },
		"psi, truncate": func(p *qg.TwoLayer) { p.Channels, p.Truncate = []string{"psi2", "q2", "q1", "u2"}, true },
		"terms":         func(p *qg.TwoLayer) { p.HillHeight, p.WindStress, p.VelocityLower = 50, 0.1, -0.01 },
		"no filter":     func(p *qg.TwoLayer) { p.Filter = 0 },
	} {
		p := small(32, 16)
		change(p)
		m := build(t, p)
		size := m.Space().Size()
		s := m.Begin(rng.Stream(1, "start"))
		for range 5 {
			advance(t, s)
		}
		x := make([]float64, size)
		s.State(x)
		for i := range x { // with all wavenumbers
			x[i] *= 1 + 0.01*normal(size, "roughness")[i%97]
		}
		dx, v := normal(size, "perturbation"), normal(size, "cotangent")
		balance(m, dx, 1e-7)
		balance(m, v, 1)
		image, pulled := slices.Clone(dx), slices.Clone(v)
		m.TangentLinear(x, image)
		m.Adjoint(x, pulled)
		forward, backward := dot(image, v), dot(dx, pulled)
		if scale := math.Sqrt(dot(image, image) * dot(v, v)); math.Abs(forward-backward) > 1e-12*scale || forward == 0 {
			t.Errorf("%s: <M dx, v> is %.15g, <dx, M^T v> is %.15g, of norms %g", name, forward, backward, scale)
		}
		// Centred differences of a quadratic map err only by its cubic part.
		plus, minus := make([]float64, size), make([]float64, size)
		for i := range x {
			plus[i], minus[i] = x[i]+dx[i], x[i]-dx[i]
		}
		m.Flow(plus)
		m.Flow(minus)
		n := size / len(p.Channels)
		for c := range p.Channels {
			part := make([]float64, n)
			for i := range part {
				part[i] = (plus[c*n+i] - minus[c*n+i]) / 2
			}
			if off := distance(part, image[c*n:(c+1)*n]); off > 1e-3*largest(part) {
				t.Errorf("%s, %s: the tangent-linear map is %.2g off", name, p.Channels[c], off/largest(part))
			}
		}
	}
}

// balance scales the channels of white noise to comparable parts.
func balance(m *qg.Deterministic, x []float64, scale float64) {
	names := m.Parameters().Channels
	n := len(x) / len(names)
	for c, name := range names {
		factor := map[byte]float64{'q': 1, 'p': 1e9, 'u': 1e5, 'v': 1e5}[name[0]] * scale
		if scale == 1 { // a cotangent has inverse units
			factor = 1 / factor
		}
		for i := range n {
			x[c*n+i] *= factor
		}
	}
}

func TestDerivedFieldsAreThoseOfTheFlow(t *testing.T) {
	for _, coarsen := range []int{1, 2} {
		p := small(32, 32)
		p.Coarsen = coarsen
		m := build(t, p)
		x := make([]float64, m.Space().Size())
		m.Initial(x, rng.Stream(1, "start"))
		q := make([]float64, 2*32*32)
		m.PV(q, x)
		f := m.Fields(q)
		fields := map[string][]float64{"psi1": f.Psi[0], "psi2": f.Psi[1], "u1": f.U[0], "u2": f.U[1], "v1": f.V[0], "v2": f.V[1]}
		n := len(x) / 2
		side := 32 / coarsen
		if len(m.Space().Derived) != len(fields) {
			t.Fatalf("%d derived fields", len(m.Space().Derived))
		}
		for _, d := range m.Space().Derived {
			got := make([]float64, n)
			d.Apply(got, x)
			for i, v := range got {
				want := 0.0
				for k := range coarsen * coarsen {
					want += fields[d.Name][(i/side*coarsen+k/coarsen)*32+i%side*coarsen+k%coarsen] / float64(coarsen*coarsen)
				}
				if math.Abs(v-want) > 1e-13*largest(fields[d.Name]) {
					t.Fatalf("%s at %d is %g, want %g", d.Name, i, v, want)
				}
			}
			z, v := normal(len(x), "state"), normal(n, "cotangent")
			d.Apply(got, z)
			pulled := make([]float64, len(x))
			d.Transpose(pulled, v)
			if a, b := dot(got, v), dot(z, pulled); math.Abs(a-b) > 1e-12*math.Sqrt(dot(got, got)*dot(v, v)) {
				t.Errorf("%s: %.15g against %.15g", d.Name, a, b)
			}
			d.Transpose(pulled, v) // adds
			if a, b := 2*dot(got, v), dot(z, pulled); math.Abs(a-b) > 1e-12*math.Sqrt(dot(got, got)*dot(v, v)) {
				t.Errorf("%s: the transpose does not add", d.Name)
			}
		}
	}
}

func TestRandomForcingHasItsPowerWhateverTheTimeStep(t *testing.T) {
	const rate = 1e-9
	for _, dt := range []float64{7200, 1800} {
		p := small(16, 16)
		p.LengthX, p.LengthY = 1e6, 1e6
		p.Dt, p.Interval, p.ForcingRate, p.ForcingWavenumber = dt, 86400, rate, 3
		p.VelocityUpper, p.Beta, p.Drag = 0, 0, 0
		model, err := p.Build()
		if err != nil {
			t.Fatal(err)
		}
		m := model.(*qg.Model)
		if _, ok := model.(dynamics.AdditiveNoise); ok {
			t.Error("noise at every time step is not additive noise at the end")
		}
		sum := 0.0
		const runs = 40
		for run := range runs {
			s := m.Start(make([]float64, 2*16*16))
			sum += s.Budget(int(5*86400/dt), rng.Stream(1, "forcing", uint64(run))).Noise
		}
		if got := sum / runs; math.Abs(got/rate-1) > 0.1 {
			t.Errorf("dt %v: the forcing puts in %.3g, want %.3g", dt, got, rate)
		}
	}
}

func TestTooFastFlowNamesATimeStepThatWorks(t *testing.T) {
	p := small(64, 64)
	p.InitialRms = []float64{1e-4, 1e-5}
	for range 3 {
		m := build(t, p)
		s := m.Begin(rng.Stream(1, "start"))
		var err error
		for day := 0; day < 30 && err == nil; day++ {
			err = s.Advance(nil)
		}
		if err == nil {
			if p.Dt == 14400 {
				t.Error("a flow far too fast goes on")
			}
			return
		}
		courant, ok := errors.AsType[*qg.CourantError](err)
		if !ok || !fault.IsInput(err) || !strings.Contains(err.Error(), "set dt to at most") {
			t.Fatalf("%v", err)
		}
		p.Dt = courant.Cure
	}
	t.Error("the cures do not work")
}

func TestALongTimeStepBlowsUpWithAnError(t *testing.T) {
	p := qg.New("eddy")
	p.Nx, p.Ny, p.Dt = 128, 128, 43200
	s := build(t, p).Begin(rng.Stream(1, "start"))
	var err error
	for day := 0; day < 1000 && err == nil; day++ {
		err = s.Advance(nil)
	}
	if courant, ok := errors.AsType[*qg.CourantError](err); !ok || courant.Cure >= 43200 {
		t.Errorf("%v", err)
	}
	// Step has no error to return: the state says it.
	m := build(t, p)
	x := make([]float64, m.Space().Size())
	m.Initial(x, rng.Stream(1, "start"))
	for i := range x {
		x[i] *= 1e200
	}
	m.Step(x, nil)
	if !math.IsNaN(x[0]) {
		t.Errorf("an overflow gives %g", x[0])
	}
}

func TestBadParametersAreInputErrors(t *testing.T) {
	for want, change := range map[string]func(p *qg.TwoLayer){
		"nx = 65: must be even":                  func(p *qg.TwoLayer) { p.Nx = 65 },
		"ny = 4: must be between":                func(p *qg.TwoLayer) { p.Ny = 4 },
		"coarsen = 3: must divide":               func(p *qg.TwoLayer) { p.Coarsen = 3 },
		"beta = NaN":                             func(p *qg.TwoLayer) { p.Beta = math.NaN() },
		`unknown field "q3"; did you mean`:       func(p *qg.TwoLayer) { p.Channels = []string{"q1", "q3"} },
		`"q1" is listed twice`:                   func(p *qg.TwoLayer) { p.Channels = []string{"q1", "q1", "q2"} },
		`"q2" is missing`:                        func(p *qg.TwoLayer) { p.Channels = []string{"q1", "u1"} },
		"does not divide interval":               func(p *qg.TwoLayer) { p.Dt = 7000 },
		"dt = 90000: must be between":            func(p *qg.TwoLayer) { p.Dt = 90000 },
		"initial = \"warm\": valid are":          func(p *qg.TwoLayer) { p.Initial = "warm" },
		"initial_rms has 1 numbers":              func(p *qg.TwoLayer) { p.InitialRms = p.InitialRms[:1] },
		"no wavenumber of the grid":              func(p *qg.TwoLayer) { p.ForcingRate, p.ForcingWavenumber = 1, 900 },
		"background flow crosses":                func(p *qg.TwoLayer) { p.VelocityUpper, p.Dt = 10, 7200 },
		"preset = \"storm\": valid are":          func(p *qg.TwoLayer) { p.Preset = "storm" },
		"Tendency[1] has 3 values":               func(p *qg.TwoLayer) { p.Tendency[1] = make([]float64, 3) },
		"wind_waves = 40: must be between 1 and": func(p *qg.TwoLayer) { p.WindWaves = 40 },
		"steps of an interval, at most":          func(p *qg.TwoLayer) { p.Dt, p.Interval = 1e-3, 1e9 },
	} {
		p := qg.New("eddy")
		change(p)
		_, err := p.Build()
		if !fault.IsInput(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestPresetsBuild(t *testing.T) {
	for preset, want := range map[string]struct {
		size, spinUp int
		dt           float64
	}{
		"eddy": {2 * 64 * 64, 540, 86400. / 7}, "jet": {2 * 64 * 64, 3600, 86400. / 7}, "sda": {6 * 256 * 256, 1800, 900},
	} {
		m := build(t, qg.New(preset))
		if m.Space().Size() != want.size || m.SpinUp() != want.spinUp || m.TimeStep() != want.dt {
			t.Errorf("%s: size %d, spin-up %d, time step %v", preset, m.Space().Size(), m.SpinUp(), m.TimeStep())
		}
		if x := m.Space().Axes[2]; x.Period != 1e6 || math.Abs(x.Coordinates[0]-1e6/float64(x.Len())/2) > 1e-6 {
			t.Errorf("%s: axis x has the period %v and starts at %v", preset, x.Period, x.Coordinates[0])
		}
	}
	for n, want := range map[int]float64{64: 86400. / 7, 128: 86400. / 14, 256: 86400. / 28} {
		p := qg.New("eddy")
		p.Nx, p.Ny = n, n
		if got := build(t, p).TimeStep(); got != want {
			t.Errorf("at %d the time step is %v, want %v", n, got, want)
		}
	}
}

func TestInitialLaws(t *testing.T) {
	rms := func(q []float64) float64 { return math.Sqrt(dot(q, q) / float64(len(q))) }
	for _, n := range []int{64, 128} {
		p := small(n, n)
		p.LengthX, p.LengthY = 1e6, 1e6
		m := build(t, p)
		x := make([]float64, m.Space().Size())
		m.Initial(x, rng.Stream(1, "start"))
		q1, q2 := x[:n*n], x[n*n:]
		if math.Abs(rms(q1)/8e-6-1) > 1e-12 || math.Abs(rms(q2)/1e-6-1) > 1e-12 {
			t.Errorf("rms %g and %g", rms(q1), rms(q2))
		}
		sum := 0.0
		for _, v := range q1 {
			sum += v
		}
		if math.Abs(sum) > 1e-12 {
			t.Errorf("the sum of q1 is %g", sum)
		}
		spectrum := qg.Isotropic(q1, n, n, 1e6, 1e6)
		if spectrum[6] < spectrum[2] || spectrum[6] < spectrum[11] {
			t.Errorf("the spectrum is %v", spectrum[:12])
		}
	}
	p := small(32, 32)
	p.Initial = "pyqg"
	m := build(t, p)
	x := make([]float64, m.Space().Size())
	m.Initial(x, rng.Stream(1, "start"))
	mean := 0.0
	for _, v := range x[:32*32] {
		mean += v / (32 * 32)
		if v < 0 || v > 1.1e-6 {
			t.Fatalf("pyqg's start has q1 = %g", v)
		}
	}
	if math.Abs(mean/5.5e-7-1) > 0.3 || largest(x[32*32:]) > 1e-20 {
		t.Errorf("pyqg's start has the mean %g", mean)
	}
	// The start does not depend on resolution, but for its values' places.
	fine := small(64, 64)
	fine.LengthX, fine.LengthY = 1e6, 1e6
	coarse := small(64, 64)
	coarse.LengthX, coarse.LengthY, coarse.Nx, coarse.Ny, coarse.Coarsen = 1e6, 1e6, 128, 128, 2
	a, b := make([]float64, 2*64*64), make([]float64, 2*64*64)
	build(t, fine).Initial(a, rng.Stream(1, "start"))
	build(t, coarse).Initial(b, rng.Stream(1, "start"))
	if correlation := dot(a, b) / math.Sqrt(dot(a, a)*dot(b, b)); correlation < 0.999 {
		t.Errorf("starts at two resolutions correlate by %v", correlation)
	}
}

func TestModelIsSharedSafely(t *testing.T) {
	m := build(t, small(16, 16, six...))
	x := make([]float64, m.Space().Size())
	m.Initial(x, rng.Stream(1, "start"))
	want := slices.Clone(x)
	m.Step(want, nil)
	results := make(chan []float64)
	for range 4 {
		go func() {
			y := slices.Clone(x)
			m.Step(y, nil)
			dx := slices.Clone(x)
			m.Adjoint(x, dx)
			results <- y
		}()
	}
	for range 4 {
		if !slices.Equal(<-results, want) {
			t.Error("steps side by side differ")
		}
	}
}

func TestStepsDoNotAllocate(t *testing.T) {
	m := build(t, small(32, 32))
	s := m.Begin(rng.Stream(1, "start")).(*qg.Simulation)
	if n := testing.AllocsPerRun(10, func() { s.Step(nil) }); n > 0 {
		t.Errorf("a step allocates %v times", n)
	}
}
