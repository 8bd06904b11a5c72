package twolayer_test

import (
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"retrace/internal/fft"
	"retrace/internal/kernel"
	"retrace/internal/twolayer"
)

var background = [2]float64{0.3, -0.1}

// coefficients are those of a flow in a box of 2 pi with unusual values.
func coefficients(ny, nx int) twolayer.Coefficients {
	c := twolayer.Coefficients{
		Nx: nx, Delta: 0.25, Drag: 0.03, Gradient: [2]float64{1.7, -0.4},
	}
	for i := range nx/2 + 1 {
		c.Kx = append(c.Kx, float64(i))
	}
	for j := range ny {
		c.Ky = append(c.Ky, 1.25*float64(fft.Wavenumber(j, ny)))
	}
	const f1, f2 = 12, 3
	for _, k := range c.Kx {
		for _, l := range c.Ky {
			k2 := k*k + l*l
			d := k2 * (k2 + f1 + f2)
			a, b, e := -(k2+f2)/d, -f1/d, -(k2+f1)/d
			if k2 == 0 {
				a, b, e = 0, 0, 0
			}
			c.P11, c.P12, c.P22 = append(c.P11, a), append(c.P12, b), append(c.P22, e)
			c.Filter = append(c.Filter, 1/(1+k2/1e6))
		}
	}
	return c
}

func planes(n int) [2]fft.Planes { return [2]fft.Planes{fft.NewPlanes(n), fft.NewPlanes(n)} }

func at(p fft.Planes, i int) complex128 { return complex(p.Re[i], p.Im[i]) }

func set(p fft.Planes, i int, z complex128) { p.Re[i], p.Im[i] = real(z), imag(z) }

func random(p *fft.Plan, seed uint64) [2]fft.Planes {
	r := rand.New(rand.NewPCG(seed, 1))
	f, s, q := fft.NewPlanes(p.Len()), fft.NewPlanes(p.Len()), planes(p.HalfLen())
	for i := range f.Re {
		f.Re[i], f.Im[i] = r.NormFloat64(), r.NormFloat64()
	}
	p.Forward(s, f)
	p.Split(q[0], q[1], s)
	return q
}

// field is the real field of the Hermitian part of a half spectrum.
func field(p *fft.Plan, half func(i int) complex128) []float64 {
	ny, nx := p.Shape()
	s, f := fft.NewPlanes(p.Len()), fft.NewPlanes(p.Len())
	for kx := range nx/2 + 1 {
		for ky := range ny {
			i, j := kx*ny+ky, fft.Partner(kx, nx)*ny+fft.Partner(ky, ny)
			set(s, i, at(s, i)+half(i)/2)
			set(s, j, at(s, j)+cmplx.Conj(half(i))/2)
			if fft.Partner(kx, nx) != kx {
				set(s, i, half(i))
				set(s, j, cmplx.Conj(half(i)))
			}
		}
	}
	p.Inverse(f, s)
	return f.Re
}

// streamFunctions are those of both layers, as functions of the element of a
// half spectrum.
func streamFunctions(c twolayer.Coefficients, s *twolayer.State) [2]func(i int) complex128 {
	return [2]func(i int) complex128{
		func(i int) complex128 { return complex(c.P11[i], 0)*at(s.Q[0], i) + complex(c.P12[i], 0)*at(s.Q[1], i) },
		func(i int) complex128 {
			return complex(c.Delta*c.P12[i], 0)*at(s.Q[0], i) + complex(c.P22[i], 0)*at(s.Q[1], i)
		},
	}
}

// flow is the flow of a stream function on the grid.
func flow(p *fft.Plan, c twolayer.Coefficients, psi func(i int) complex128) (u, v []float64) {
	ny, _ := p.Shape()
	u = field(p, func(i int) complex128 { return -1i * complex(c.Ky[i%ny], 0) * psi(i) })
	v = field(p, func(i int) complex128 { return 1i * complex(c.Kx[i/ny], 0) * psi(i) })
	return u, v
}

// advance is a step by its definition.
func advance(p *fft.Plan, c twolayer.Coefficients, s *twolayer.State, weights [3]float64) {
	ny, nx := p.Shape()
	k := func(i int) complex128 { return complex(c.Kx[i/ny], 0) }
	l := func(i int) complex128 { return complex(c.Ky[i%ny], 0) }
	psi := streamFunctions(c, s)
	var tendency [2][]complex128
	for layer := range tendency {
		u, v := flow(p, c, psi[layer])
		q := field(p, func(i int) complex128 { return at(s.Q[layer], i) })
		f, g := fft.NewPlanes(p.Len()), fft.NewPlanes(p.Len())
		for i := range q {
			f.Re[i], f.Im[i] = (u[i]+background[layer])*q[i], v[i]*q[i]
		}
		p.Forward(g, f)
		split := planes(p.HalfLen())
		p.Split(split[0], split[1], g)
		for i := range (nx/2 + 1) * ny {
			t := -1i*k(i)*at(split[0], i) - 1i*l(i)*at(split[1], i) - 1i*k(i)*complex(c.Gradient[layer], 0)*psi[layer](i)
			if layer == 1 {
				t += complex(c.Drag, 0) * (k(i)*k(i) + l(i)*l(i)) * psi[1](i)
			}
			tendency[layer] = append(tendency[layer], t)
		}
	}
	for layer, t := range tendency {
		for i, t := range t {
			q := at(s.Q[layer], i) + complex(weights[0], 0)*t + complex(weights[1], 0)*at(s.Last[layer], i) +
				complex(weights[2], 0)*at(s.Previous[layer], i)
			set(s.Q[layer], i, complex(c.Filter[i], 0)*q)
			set(s.Previous[layer], i, at(s.Last[layer], i))
			set(s.Last[layer], i, t)
		}
	}
}

func distance(a, b [2]fft.Planes) float64 {
	worst, largest := 0.0, 0.0
	for layer := range a {
		for i := range a[layer].Re {
			worst = max(worst, cmplx.Abs(at(a[layer], i)-at(b[layer], i)))
			largest = max(largest, cmplx.Abs(at(b[layer], i)))
		}
	}
	return worst / largest
}

// atLevels runs a test at every level of this processor.
func atLevels(t *testing.T, test func(t *testing.T)) {
	before := kernel.Level()
	defer func() {
		if err := kernel.Use(before); err != nil {
			t.Fatal(err)
		}
	}()
	for _, level := range []string{kernel.Generic, kernel.AVX2, kernel.AVX512} {
		t.Run(level, func(t *testing.T) {
			if err := kernel.Use(level); err != nil {
				t.Skip(err)
			}
			test(t)
		})
	}
}

func below(t *testing.T, what string, got, bound float64) {
	t.Helper()
	if !(got <= bound) {
		t.Errorf("%s: %.3g, want at most %.3g", what, got, bound)
	}
}
