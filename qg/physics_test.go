package qg_test

import (
	"math"
	"testing"

	"retrace/internal/fft"
	"retrace/qg"
)

// unit are parameters of a model without background, on a plane of period
// 2 pi, with a time step of 1 s.
func unit(n int) *qg.TwoLayer {
	p := qg.New("eddy")
	p.Nx, p.Ny, p.LengthX, p.LengthY = n, n, 2*math.Pi, 2*math.Pi
	p.Beta, p.VelocityUpper, p.Drag, p.Filter = 0, 0, 0, 0
	p.DeformationRadius = 1
	p.Interval, p.Dt = 1, 1
	return p
}

// onGrid evaluates a function of angles at the points of a grid.
func onGrid(nx, ny int, f func(a, b float64) float64) []float64 {
	field := make([]float64, nx*ny)
	for i := range field {
		field[i] = f(2*math.Pi*(float64(i%nx)+0.5)/float64(nx), 2*math.Pi*(float64(i/nx)+0.5)/float64(ny))
	}
	return field
}

func both(first, second []float64) []float64 {
	return append(append([]float64(nil), first...), second...)
}

// noise is a random field of ny rows of nx values with the wavenumbers below n/3
// along each axis, and without a mean.
func noise(nx, ny int, purpose string) []float64 {
	plan := fft.NewPlan(ny, nx)
	field, spectrum := fft.NewPlanes(nx*ny), fft.NewPlanes(nx*ny)
	copy(field.Re, normal(nx*ny, purpose))
	plan.Forward(spectrum, field)
	for i := range spectrum.Re {
		kx, ky := fft.Wavenumber(i/ny, nx), fft.Wavenumber(i%ny, ny)
		if i == 0 || 3*max(kx, -kx) >= nx || 3*max(ky, -ky) >= ny {
			spectrum.Re[i], spectrum.Im[i] = 0, 0
		}
	}
	plan.Inverse(field, spectrum)
	return field.Re
}

func TestInversionIsUndone(t *testing.T) {
	p := qg.New("eddy")
	p.Nx, p.Ny, p.LengthX = 96, 64, 1.5e6
	m := build(t, p)
	psi := both(noise(96, 64, "upper"), noise(96, 64, "lower"))
	q := make([]float64, len(psi))
	m.Invert(q, psi)
	f := m.Fields(q)
	if got := distance(both(f.Psi[0], f.Psi[1]), psi); got > 1e-12*largest(psi) {
		t.Errorf("stream functions come back %.2g of their maximum off", got/largest(psi))
	}
}

func TestBarotropicInversion(t *testing.T) {
	p := unit(32)
	p.LengthX, p.LengthY = 2*math.Pi*3, 2*math.Pi*2
	m := build(t, p)
	const k, l = 2. / 3, 5. / 2
	q := onGrid(32, 32, func(a, b float64) float64 { return math.Cos(2*a) + math.Sin(5*b) })
	f := m.Fields(both(q, q))
	for name, c := range map[string]struct {
		got  [2][]float64
		want func(a, b float64) float64
	}{
		"psi": {f.Psi, func(a, b float64) float64 { return -math.Cos(2*a)/(k*k) - math.Sin(5*b)/(l*l) }},
		"u":   {f.U, func(_, b float64) float64 { return math.Cos(5*b) / l }},
		"v":   {f.V, func(a, _ float64) float64 { return math.Sin(2*a) / k }},
	} {
		want := onGrid(32, 32, c.want)
		for layer, got := range c.got {
			if off := distance(got, want); off > 1e-13*largest(want) {
				t.Errorf("%s of layer %d is off by %.2g", name, layer, off)
			}
		}
	}
}

func TestAPlaneWaveDoesNotAdvectItself(t *testing.T) {
	m := build(t, unit(32))
	for _, wave := range [][2]float64{{1, 0}, {0, 3}, {2, 5}, {7, -4}, {10, 10}} {
		for layer := range 2 {
			var fields [2][]float64
			fields[layer] = onGrid(32, 32, func(a, b float64) float64 { return math.Cos(wave[0]*a + wave[1]*b + 0.3) })
			fields[1-layer] = make([]float64, 32*32)
			q := both(fields[0], fields[1])
			tendency := make([]float64, len(q))
			m.Tendency(tendency, q)
			sum := 0.0
			for _, v := range tendency {
				sum += math.Abs(v)
			}
			if mean := sum / float64(len(q)); mean > 1e-13 {
				t.Errorf("wave %v in layer %d: mean tendency %.2g", wave, layer, mean)
			}
		}
	}
}

// TestProductsOfWavesAreWaves checks the Jacobian J(psi, q) where it is known:
// with psi = cos a cos b + cos 2a in both layers, q = -2 cos a cos b - 4 cos 2a
// and dq/dt = -J = 2 J(cos a cos b, cos 2a) = -2 (sin a + sin 3a) sin b.
func TestProductsOfWavesAreWaves(t *testing.T) {
	m := build(t, unit(32))
	q := onGrid(32, 32, func(a, b float64) float64 { return -2*math.Cos(a)*math.Cos(b) - 4*math.Cos(2*a) })
	want := onGrid(32, 32, func(a, b float64) float64 { return -2 * (math.Sin(a) + math.Sin(3*a)) * math.Sin(b) })
	tendency := make([]float64, 2*32*32)
	m.Tendency(tendency, both(q, q))
	for layer := range 2 {
		if off := distance(tendency[layer*32*32:(layer+1)*32*32], want); off > 1e-13 {
			t.Errorf("layer %d: the Jacobian is off by %.2g", layer, off)
		}
	}
	// A flow of the upper layer alone, along its own potential vorticity: F1 is
	// 0.8 and F2 0.2.
	psi := onGrid(32, 32, func(a, b float64) float64 { return math.Cos(3*a) * math.Cos(b) })
	still := both(psi, psi)
	for i, v := range psi {
		still[i], still[len(psi)+i] = -10.8*v, 0.2*v
	}
	m.Tendency(tendency, still)
	if off := largest(tendency); off > 1e-13*largest(still) {
		t.Errorf("a flow along its own potential vorticity changes it by %.2g", off)
	}
}

func TestMultistepWeightsSumToOne(t *testing.T) {
	p := unit(16)
	p.Interval, p.Dt = 5, 0.5
	wave := onGrid(16, 16, func(a, _ float64) float64 { return math.Cos(3 * a) })
	p.Tendency[0], p.Tendency[1] = wave, onGrid(16, 16, func(a, _ float64) float64 { return 2 * math.Cos(3*a) })
	m := build(t, p)
	s := m.Start(make([]float64, 2*16*16))
	q := make([]float64, 2*16*16)
	for step := 1; step <= 5; step++ {
		s.Step(nil)
		s.PV(q)
		for i, v := range wave {
			if off := math.Abs(q[i] - float64(step)*0.5*v); off > 4e-15 {
				t.Fatalf("after %d steps q1 is off by %.2g", step, off)
			}
			if off := math.Abs(q[16*16+i] - float64(step)*v); off > 8e-15 {
				t.Fatalf("after %d steps q2 is off by %.2g", step, off)
			}
		}
	}
}

func TestDragActsOnTheLowerLayerOnly(t *testing.T) {
	p := unit(16)
	p.Drag = 0.125
	m := build(t, p)
	wave := onGrid(16, 16, func(a, b float64) float64 { return math.Cos(2*a - b) })
	q := both(wave, wave) // psi is -q/5 in both layers
	for i, v := range wave {
		q[i], q[len(wave)+i] = -5*v, -5*v
	}
	tendency := make([]float64, len(q))
	m.Tendency(tendency, q)
	for i, v := range wave {
		if math.Abs(tendency[i]) > 1e-13 || math.Abs(tendency[len(wave)+i]-0.125*5*v) > 1e-13 {
			t.Fatalf("tendencies %g and %g: want 0 and %g", tendency[i], tendency[len(wave)+i], 0.125*5*v)
		}
	}
}

func TestAdvectionConservesEnergyAndEnstrophy(t *testing.T) {
	p := qg.New("eddy")
	p.Nx, p.Ny = 48, 48
	p.Beta, p.VelocityUpper, p.Drag, p.Filter = 0, 0, 0, 0
	m := build(t, p)
	white := normal(2*48*48, "white")
	for name, c := range map[string]struct {
		q         []float64
		enstrophy bool
	}{
		"cut":     {both(noise(48, 48, "q1"), noise(48, 48, "q2")), true},
		"aliased": {white, false},
	} {
		q := c.q
		for i := range q {
			q[i] *= 1e-6
		}
		f := m.Fields(q)
		tendency := make([]float64, len(q))
		m.Tendency(tendency, q)
		n := 48 * 48
		weights := [2]float64{0.2, 0.8}
		energy, energyScale := 0.0, 0.0
		for layer := range 2 {
			enstrophy, scale := 0.0, 0.0
			for i := range n {
				tq := tendency[layer*n+i]
				energy += weights[layer] * f.Psi[layer][i] * tq
				energyScale += math.Abs(weights[layer] * f.Psi[layer][i] * tq)
				enstrophy += f.PV[layer][i] * tq
				scale += math.Abs(f.PV[layer][i] * tq)
			}
			if share := math.Abs(enstrophy) / scale; c.enstrophy != (share < 1e-15) {
				t.Errorf("%s: advection changes the enstrophy of layer %d by %.2g of its terms", name, layer, share)
			}
		}
		if share := math.Abs(energy) / energyScale; share > 1e-15 {
			t.Errorf("%s: advection changes the energy by %.2g of its terms", name, share)
		}
	}
}
