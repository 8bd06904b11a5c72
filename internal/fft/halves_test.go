package fft_test

import (
	"math/cmplx"
	"testing"

	"retrace/internal/fft"
)

// real returns two real fields as a complex one, and each alone.
func realFields(n int) (both, first, second fft.Planes) {
	both = noise(n, 20)
	first, second = fft.NewPlanes(n), fft.NewPlanes(n)
	copy(first.Re, both.Re)
	copy(second.Re, both.Im)
	return both, first, second
}

func TestSplitSeparatesRealFields(t *testing.T) {
	for _, shape := range shapes {
		p := fft.NewPlan(shape[0], shape[1])
		both, first, second := realFields(p.Len())
		halves := [2]fft.Planes{fft.NewPlanes(p.HalfLen()), fft.NewPlanes(p.HalfLen())}
		p.Split(halves[0], halves[1], forward(p, both))
		for i, field := range []fft.Planes{first, second} {
			whole := forward(p, field)
			whole.Re, whole.Im = whole.Re[:p.HalfLen()], whole.Im[:p.HalfLen()]
			below(t, "half spectrum", distance(halves[i], whole), 1e-15)
		}
	}
}

func TestMergeIsTheInverseOfSplit(t *testing.T) {
	for _, shape := range shapes {
		p := fft.NewPlan(shape[0], shape[1])
		both, _, _ := realFields(p.Len())
		spectrum, back := forward(p, both), fft.NewPlanes(p.Len())
		first, second := fft.NewPlanes(p.HalfLen()), fft.NewPlanes(p.HalfLen())
		p.Split(first, second, spectrum)
		p.Merge(back, first, second)
		below(t, "after Split and Merge", distance(back, spectrum), 1e-15)
	}
}

func TestPartnersAreConjugate(t *testing.T) {
	const ny, nx = 10, 14
	p := fft.NewPlan(ny, nx)
	_, field, _ := realFields(p.Len())
	spectrum := forward(p, field)
	for kx := range nx {
		for ky := range ny {
			partner := fft.Partner(kx, nx)*ny + fft.Partner(ky, ny)
			below(t, "asymmetry", cmplx.Abs(at(spectrum, kx*ny+ky)-cmplx.Conj(at(spectrum, partner))), 1e-13)
			if fft.Wavenumber(kx, nx) != -fft.Wavenumber(fft.Partner(kx, nx), nx) && kx != nx/2 {
				t.Errorf("the partner of %d is %d", kx, fft.Partner(kx, nx))
			}
		}
	}
}

func TestWavenumbersAreSigned(t *testing.T) {
	for i, want := range []int{0, 1, 2, -3, -2, -1} {
		if got := fft.Wavenumber(i, 6); got != want {
			t.Errorf("index %d of 6 is wavenumber %d, want %d", i, got, want)
		}
	}
	for i, want := range []int{0, 1, 2, -2, -1} {
		if got := fft.Wavenumber(i, 5); got != want {
			t.Errorf("index %d of 5 is wavenumber %d, want %d", i, got, want)
		}
	}
}
