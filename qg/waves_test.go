package qg_test

import (
	"math"
	"math/cmplx"
	"testing"

	"retrace/qg"
)

const oneDay = 86400.

// TestPhillipsGrowthRates has the rows of the eddy and jet sets at l = 0.
func TestPhillipsGrowthRates(t *testing.T) {
	for _, c := range []struct {
		preset string
		drag   bool
		n      float64
		growth float64 // 1/s with drag, 1/day without
		speed  float64 // m/s
	}{
		{"eddy", true, 3, -2.11952e-8, -2.79825e-5},
		{"eddy", true, 5, 4.22331e-8, 1.42435e-3},
		{"eddy", true, 7, 7.79504e-8, 5.15766e-3},
		{"eddy", true, 8, 7.42248e-8, 6.95460e-3},
		{"eddy", true, 16, 5.03218e-9, 1.72422e-2},
		{"eddy", false, 5, 6.7501610905e-3 / oneDay, -2.61709e-3},
		{"eddy", false, 7, 1.4515273494e-2 / oneDay, 2.22159e-3},
		{"eddy", false, 8, 1.0858500030e-2 / oneDay, 3.67406e-3},
		{"jet", true, 5, 3.03009e-8, math.NaN()},
		{"jet", true, 6, 4.46357e-8, math.NaN()},
		{"jet", false, 6, 1.3221626014e-3 / oneDay, math.NaN()},
	} {
		p := qg.New(c.preset)
		if !c.drag {
			p.Drag = 0
		}
		k := 2 * math.Pi * c.n / p.LengthX
		fastest := build(t, p).Waves(k, 0)[0].Frequency
		if got := imag(fastest); math.Abs(got/c.growth-1) > 4e-6 {
			t.Errorf("%s, n = %v: growth %.6g, want %.6g", c.preset, c.n, got, c.growth)
		}
		if got := real(fastest) / k; !math.IsNaN(c.speed) && math.Abs(got/c.speed-1) > 4e-6 {
			t.Errorf("%s, n = %v: speed %.6g, want %.6g", c.preset, c.n, got, c.speed)
		}
	}
	for n := 2.0; n < 5; n += 0.79 { // without drag, outside the band, none grows
		p := qg.New("eddy")
		p.Drag = 0
		if got := imag(build(t, p).Waves(2*math.Pi*n/p.LengthX, 0)[0].Frequency); n < 4.797 && math.Abs(got) > 1e-20 {
			t.Errorf("n = %v grows at %g", n, got)
		}
	}
}

// mode is the amplitude of a wavenumber of a layer.
func mode(field []float64, n, kx, ky int) complex128 {
	sum := 0i
	for i, v := range field {
		sum += complex(v, 0) * cmplx.Exp(complex(0, -2*math.Pi*float64(kx*(i%n)+ky*(i/n))/float64(n)))
	}
	return sum
}

// TestUnstableWaveGrowsInTheFullModel starts an eigenvector at an amplitude
// where it does not feel itself.
func TestUnstableWaveGrowsInTheFullModel(t *testing.T) {
	p := qg.New("eddy")
	p.Dt, p.Interval = 7200, 7200
	m := build(t, p)
	k := 2 * math.Pi * 7 / p.LengthX
	wave := m.Waves(k, 0)[0]
	q := make([]float64, 2*64*64)
	for i := range q {
		angle := k * (float64(i%64) + 0.5) * p.LengthX / 64
		q[i] = 1e-14 * real(wave.PV[i/(64*64)]*cmplx.Exp(complex(0, angle)))
	}
	s := m.Start(q)
	for range 100 { // lets the start's other branch of the scheme die
		s.Step(nil)
	}
	s.PV(q)
	before := mode(q[:64*64], 64, 7, 0)
	const steps = 1000
	for range steps {
		s.Step(nil)
	}
	s.PV(q)
	ratio := cmplx.Log(mode(q[:64*64], 64, 7, 0) / before)
	if got := real(ratio) / (steps * p.Dt); math.Abs(got/imag(wave.Frequency)-1) > 1e-4 {
		t.Errorf("growth %.8g, want %.8g", got, imag(wave.Frequency))
	}
	turned := -real(wave.Frequency) * steps * p.Dt
	if off := cmplx.Abs(cmplx.Exp(complex(0, imag(ratio)-turned)) - 1); off > 1e-4*math.Abs(turned) {
		t.Errorf("the phase is off by %g after %g", off, turned)
	}
}

func TestRossbyWavesTravelExactly(t *testing.T) {
	const n = 32
	for _, c := range []struct {
		baroclinic bool
		kx, ky     int
		omega      float64
		speed      float64
	}{
		{false, 3, 2, -5.509210e-7, -2.922726e-2},
		{false, 1, 0, -2.387324e-6, -3.799544e-1},
		{false, 5, 4, -2.911371e-7, -9.267181e-3},
		{true, 3, 2, -5.703157e-8, -3.025619e-3},
		{true, 1, 0, -2.101905e-8, -3.345285e-3},
		{true, 5, 4, -7.772295e-8, -2.473998e-3},
	} {
		p := qg.New("eddy")
		p.VelocityUpper, p.Drag = 0, 0
		p.Nx, p.Ny = n, n
		p.Dt, p.Interval = 7200, oneDay
		m := build(t, p)
		k, l := 2*math.Pi*float64(c.kx)/p.LengthX, 2*math.Pi*float64(c.ky)/p.LengthY
		omega, lower := c.omega, 1.0
		if c.baroclinic {
			lower = -p.ThicknessRatio
		}
		found := false
		for _, wave := range m.Waves(k, l) {
			found = found || math.Abs(real(wave.Frequency)/omega-1) < 1e-6
		}
		if !found {
			t.Errorf("(%d,%d): frequencies %v, want %g", c.kx, c.ky, m.Waves(k, l), omega)
		}
		const days = 100
		field := func(time float64) []float64 {
			psi := make([]float64, 2*n*n)
			for i := range psi {
				amplitude := 1000.0
				if i >= n*n {
					amplitude *= lower
				}
				x, y := float64(i%n)+0.5, float64(i/n%n)+0.5
				psi[i] = amplitude * math.Cos(2*math.Pi*(float64(c.kx)*x+float64(c.ky)*y)/n-omegaOf(m, k, l, omega)*time)
			}
			q := make([]float64, len(psi))
			m.Invert(q, psi)
			return q
		}
		s := m.Start(field(0))
		for range days * 12 {
			s.Step(nil)
		}
		q := make([]float64, 2*n*n)
		s.PV(q)
		want := field(days * oneDay)
		if off := distance(q, want) / largest(want); off > 0.75*math.Pow(omega*p.Dt, 2) {
			t.Errorf("(%d,%d), baroclinic %v: off by %.2g after %d days, omega dt is %.2g", c.kx, c.ky, c.baroclinic, off, days, omega*p.Dt)
		}
	}
}

// omegaOf is the frequency nearest to a rounded one.
func omegaOf(m *qg.Deterministic, k, l, omega float64) float64 {
	waves := m.Waves(k, l)
	a, b := real(waves[0].Frequency), real(waves[1].Frequency)
	if math.Abs(a-omega) < math.Abs(b-omega) {
		return a
	}
	return b
}

// TestDipoleTravelsAtItsSpeed is the Lamb dipole; its periodic images slow it
// down by the factor 1 - pi (a/L)^2.
func TestDipoleTravelsAtItsSpeed(t *testing.T) {
	const n = 128
	p := qg.New("eddy")
	p.Nx, p.Ny, p.LengthX, p.LengthY = n, n, 2*math.Pi, 2*math.Pi
	p.Beta, p.VelocityUpper, p.Drag, p.DeformationRadius = 0, 0, 0, 1
	p.Dt, p.Interval = 0.005, 0.5
	m := build(t, p)
	const speed = 1.0
	radius := 0.12 * 2 * math.Pi
	kappa := 3.8317059702075125 / radius
	dipole := func(x, y float64) float64 {
		r := math.Hypot(x, y)
		if r >= radius || r == 0 {
			return 0
		}
		return -2 * speed * kappa * math.J1(kappa*r) / math.J0(3.8317059702075125) * y / r
	}
	q := onGrid(n, n, func(a, b float64) float64 { return dipole(a-math.Pi, b-math.Pi) })
	s := m.Start(both(q, q))
	before := m.Fields(both(q, q)).Energy()
	state := make([]float64, 2*n*n)
	position := func() float64 {
		s.PV(state)
		// The phase of the gravest wave along x of the squared vorticity.
		sum := 0i
		for i := range n * n {
			sum += complex(state[i]*state[i], 0) * cmplx.Exp(complex(0, 2*math.Pi*(float64(i%n)+0.5)/n))
		}
		return cmplx.Phase(sum)
	}
	for range 100 { // lets the edge settle
		s.Step(nil)
	}
	start := position()
	const steps = 200
	for range steps {
		s.Step(nil)
	}
	travelled := math.Mod(position()-start+4*math.Pi, 2*math.Pi)
	want := speed * (1 - math.Pi*0.12*0.12) * steps * p.Dt
	if math.Abs(travelled/want-1) > 1e-3 {
		t.Errorf("the dipole has travelled %.5f: want %.5f", travelled, want)
	}
	if off := distance(state[:n*n], state[n*n:]); off > 1e-13*largest(state) {
		t.Errorf("the layers differ by %.2g", off)
	}
	after := m.Fields(state).Energy()
	if drift := after.Total()/before.Total() - 1; math.Abs(drift) > 2e-4 {
		t.Errorf("the energy changes by %.2g", drift)
	}
}
