package fft_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/dsp/fourier"

	"retrace/internal/fft"
	"retrace/internal/kernel"
)

// shapes are ny, nx: sizes for the assembly, and others.
var shapes = [][2]int{
	{1, 1}, {1, 6}, {5, 1}, {2, 2}, {3, 5}, {8, 8}, {7, 11}, {6, 10}, {13, 8}, {9, 30},
	{16, 16}, {16, 24}, {40, 16}, {32, 64}, {48, 80}, {64, 64}, {120, 16}, {128, 32}, {16, 256}, {26, 64},
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

// noise is a complex Gaussian field.
func noise(n int, seed uint64) fft.Planes {
	r := rand.New(rand.NewPCG(seed, 0))
	z := fft.NewPlanes(n)
	for i := range n {
		z.Re[i], z.Im[i] = r.NormFloat64(), r.NormFloat64()
	}
	return z
}

func at(z fft.Planes, i int) complex128 { return complex(z.Re[i], z.Im[i]) }

func set(z fft.Planes, i int, to complex128) { z.Re[i], z.Im[i] = real(to), imag(to) }

// distance is the root mean square of a - b, relative to that of b.
func distance(a, b fft.Planes) float64 {
	d, s := 0.0, 0.0
	for i := range b.Re {
		d += math.Pow(a.Re[i]-b.Re[i], 2) + math.Pow(a.Im[i]-b.Im[i], 2)
		s += math.Pow(b.Re[i], 2) + math.Pow(b.Im[i], 2)
	}
	return math.Sqrt(d / s)
}

func below(t *testing.T, what string, got, bound float64) {
	t.Helper()
	if !(got <= bound) {
		t.Errorf("%s: %.3g, want at most %.3g", what, got, bound)
	}
}

func forward(p *fft.Plan, field fft.Planes) fft.Planes {
	spectrum := fft.NewPlanes(p.Len())
	p.Forward(spectrum, field)
	return spectrum
}

func inverse(p *fft.Plan, spectrum fft.Planes) fft.Planes {
	field := fft.NewPlanes(p.Len())
	p.Inverse(field, spectrum)
	return field
}

// byGonum is the transform of a field by rows and columns.
func byGonum(ny, nx int, field fft.Planes) fft.Planes {
	rows, columns := fourier.NewCmplxFFT(nx), fourier.NewCmplxFFT(ny)
	half := make([]complex128, ny*nx)
	row := make([]complex128, nx)
	for y := range ny {
		for x := range nx {
			row[x] = at(field, y*nx+x)
		}
		rows.Coefficients(half[y*nx:(y+1)*nx], row)
	}
	spectrum := fft.NewPlanes(ny * nx)
	column := make([]complex128, ny)
	for kx := range nx {
		for y := range ny {
			column[y] = half[y*nx+kx]
		}
		for ky, z := range columns.Coefficients(nil, column) {
			set(spectrum, kx*ny+ky, z)
		}
	}
	return spectrum
}
