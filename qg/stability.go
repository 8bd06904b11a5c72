package qg

import (
	"math/cmplx"
)

// Baroclinic instability (Phillips 1951): a wave psi_n exp(i (k x + l y - omega t))
// on the background flow obeys, without its own advection and the filter,
//
//	omega Q psi = (k U Q + k B + i r K2 e2 e2^T) psi,
//
// Q being the matrix that gives its potential vorticity (see tables.go). With
// q = Q psi this is the eigenvalue problem omega q = A q of the 2 x 2 matrix
// A = k U + (k B + i r K2 e2 e2^T) Q^-1.

// Wave is a wave of the linear problem.
type Wave struct {
	// Frequency omega, 1/s: the imaginary part is the growth rate, the real
	// part over k the phase speed.
	Frequency complex128
	// PV are the amplitudes of potential vorticity, the larger being 1.
	PV [2]complex128
}

// Waves returns the two waves of wavenumber (k, l), 1/m, not both zero, the
// faster growing one first.
func (m *Model) Waves(k, l float64) [2]Wave {
	t := m.tables
	k2 := k*k + l*l
	p11, p12, p22 := t.inverse(k2)
	p21 := t.delta * p12
	drag := complex(0, t.drag*k2)
	b1, b2 := complex(k*t.gradient[0], 0), complex(k*t.gradient[1], 0)+drag
	a11 := complex(k*t.background[0], 0) + b1*complex(p11, 0)
	a12 := b1 * complex(p12, 0)
	a21 := b2 * complex(p21, 0)
	a22 := complex(k*t.background[1], 0) + b2*complex(p22, 0)
	mean, half := (a11+a22)/2, (a11-a22)/2
	root := cmplx.Sqrt(half*half + a12*a21)
	if imag(root) < 0 {
		root = -root
	}
	var waves [2]Wave
	for i, omega := range [2]complex128{mean + root, mean - root} {
		// Either row of A - omega gives the vector; the larger is the sounder.
		q := [2]complex128{a12, omega - a11}
		if other := [2]complex128{omega - a22, a21}; size(other) > size(q) {
			q = other
		}
		if scale := q[0]; size(q) > 0 {
			if cmplx.Abs(q[1]) > cmplx.Abs(scale) {
				scale = q[1]
			}
			q[0], q[1] = q[0]/scale, q[1]/scale
		}
		waves[i] = Wave{Frequency: omega, PV: q}
	}
	return waves
}

func size(q [2]complex128) float64 { return cmplx.Abs(q[0]) + cmplx.Abs(q[1]) }
