package qg_test

import (
	"math"
	"testing"
)

func TestFieldsAtTheStartAreThoseOfTheReference(t *testing.T) {
	r := readReference(t)
	for name, c := range r.Cases {
		m := build(t, c.parameters())
		q := referenceStart(c.N, c.N)
		f := m.Fields(q)
		tendency := make([]float64, len(q))
		m.Tendency(tendency, q)
		n := c.N * c.N
		for field, got := range map[string][2][]float64{
			"q": f.PV, "psi": f.Psi, "u": f.U, "v": f.V, "dqdt": {tendency[:n], tendency[n:]},
		} {
			for layer, want := range c.Step0[field] {
				r.compare(t, name+" "+field, got[layer], c.N, want, 1e-12)
			}
		}
		e := f.Energy()
		for _, v := range []struct{ got, want float64 }{
			{e.Kinetic[0], c.Energy0.Ke[0]}, {e.Kinetic[1], c.Energy0.Ke[1]}, {e.Potential, c.Energy0.Ape},
			{e.Enstrophy[0], c.Energy0.Ens[0]}, {e.Enstrophy[1], c.Energy0.Ens[1]},
		} {
			if math.Abs(v.got/v.want-1) > 1e-11 {
				t.Errorf("%s: energy or enstrophy %.15g, want %.12g", name, v.got, v.want)
			}
		}
	}
}

func TestEnergiesAlongTheTrajectoryAreThoseOfTheReference(t *testing.T) {
	c := readReference(t).Cases["eddy64_dt7200"]
	m := build(t, c.parameters())
	s := m.Start(referenceStart(c.N, c.N))
	q := make([]float64, 2*c.N*c.N)
	for range 100 {
		s.Step(nil)
	}
	s.PV(q)
	e, want := m.Fields(q).Energy(), c.Steps["100"]
	for _, v := range []struct{ got, want float64 }{
		{e.Kinetic[0], want.Ke[0]}, {e.Kinetic[1], want.Ke[1]}, {e.Potential, want.Ape}, {e.Enstrophy[1], want.Ens[1]},
	} {
		if math.Abs(v.got/v.want-1) > 1e-11 {
			t.Errorf("energy or enstrophy %.15g, want %.12g", v.got, v.want)
		}
	}
}

// TestFilterIsThatOfTheReference reads the filter off single waves: without
// flow, gradient and drag, a step does nothing but filter.
func TestFilterIsThatOfTheReference(t *testing.T) {
	c := readReference(t).Cases["eddy64_dt7200"]
	p := c.parameters()
	p.Beta, p.VelocityUpper, p.Drag = 0, 0, 0
	m := build(t, p)
	for name, wave := range map[string][2]int{
		"kx20_ky0": {20, 0}, "kx21_ky0": {21, 0}, "kx25_ky0": {25, 0},
		"kx15_ky15": {15, 15}, "kx20_ky20": {20, 20},
	} {
		q := make([]float64, 2*64*64)
		for i := range 64 * 64 {
			q[i] = 1e-6 * math.Cos(2*math.Pi*float64(wave[0]*(i%64)+wave[1]*(i/64))/64)
		}
		s := m.Start(q)
		s.Step(nil)
		after := make([]float64, len(q))
		s.PV(after)
		if got := after[0] / q[0]; math.Abs(got-c.Filter[name]) > 1e-12 {
			t.Errorf("%s: the filter is %.15g, want %.12g", name, got, c.Filter[name])
		}
	}
}
